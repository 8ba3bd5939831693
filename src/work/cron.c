/*
 * When a schedule is due next, also where the clocks change.
 *
 * Wall time is kept as seconds since 1970 as if it were UTC. A schedule is a set of wall times
 * (whole minutes). Time moves from stretch to stretch of equal offset (zone.h).
 *
 * A schedule for certain hours: the wall time L is due at the first instant at which the wall clock
 * shows L or more. In an ordinary day that is L itself; of a skipped L it is the end of the gap; of
 * a repeated one the first time. That instant never falls when L grows, so what comes after `after`
 * is found from the latest wall time that was shown until then.
 *
 * A schedule for every hour: each instant whose wall time matches is due.
 */
#include "work/cron.h"

#include <time.h>

#include "base/time.h"
#include "work/zone.h"

#define MINUTE 60
#define ALL_HOURS 0xFFFFFFu
/* 29 February comes again within 8 years, a weekday of a day of the year within 12. */
#define YEARS_AHEAD 40

static int64_t floor_to(int64_t n, int64_t unit)
{
    int64_t rest = n % unit;
    return n - (rest < 0 ? rest + unit : rest);
}

static bool day_matches(const struct cron *cron, const struct tm *tm)
{
    bool day = cron->days >> tm->tm_mday & 1, weekday = cron->weekdays >> tm->tm_wday & 1;
    return cron->day_any || cron->weekday_any ? day && weekday : day || weekday;
}

/* One step towards the next match: the largest unit that does not match moves on, the smaller ones
 * begin anew. False: it matches. */
static bool wall_step(const struct cron *cron, struct tm *tm)
{
    if (!(cron->months >> (tm->tm_mon + 1) & 1)) {
        tm->tm_mon++;
        tm->tm_mday = 1;
        tm->tm_hour = tm->tm_min = 0;
    } else if (!day_matches(cron, tm)) {
        tm->tm_mday++;
        tm->tm_hour = tm->tm_min = 0;
    } else if (!(cron->hours >> tm->tm_hour & 1)) {
        tm->tm_hour++;
        tm->tm_min = 0;
    } else if (!(cron->minutes >> tm->tm_min & 1)) {
        tm->tm_min++;
    } else {
        return false;
    }
    return true;
}

/* The first wall time after `after` that matches; false when there is none. */
static bool wall_next(const struct cron *cron, int64_t after, int64_t *wall)
{
    time_t at = (time_t)(floor_to(after, MINUTE) + MINUTE);
    struct tm tm;
    if (!gmtime_r(&at, &tm))
        return false;
    int last_year = tm.tm_year + YEARS_AHEAD;
    while (wall_step(cron, &tm)) {
        at = timegm(&tm);
        if (tm.tm_year > last_year)
            return false;
    }
    *wall = (int64_t)at;
    return true;
}

static int64_t next_of_every_hour(const struct cron *cron, const struct zone *zone, int64_t after)
{
    int64_t at = after + 1;
    for (;;) {
        int64_t offset = zone_offset(zone, at), wall;
        if (!wall_next(cron, at + offset - 1, &wall))
            return 0;
        int64_t change = zone_change(zone, at, wall - offset);
        if (change == ZONE_NO_CHANGE)
            return wall - offset;
        at = change;
    }
}

/* The latest wall time that was shown until `at`: later than that of `at` itself where the clock
 * was set back. */
static int64_t wall_reached(const struct zone *zone, int64_t at)
{
    int64_t reached = at + zone_offset(zone, at), change = at - ZONE_OFFSET_MAX;
    while ((change = zone_change(zone, change, at)) != ZONE_NO_CHANGE) {
        int64_t wall = change - 1 + zone_offset(zone, change - 1);
        if (wall > reached)
            reached = wall;
    }
    return reached;
}

/* The first instant at which the wall clock shows `wall` or more. */
static int64_t wall_instant(const struct zone *zone, int64_t wall)
{
    int64_t at = wall - ZONE_OFFSET_MAX;
    for (;;) {
        int64_t change = zone_change(zone, at, wall + ZONE_OFFSET_MAX);
        int64_t due = wall - zone_offset(zone, at);
        if (due < at)
            due = at;
        if (due < change)
            return due;
        at = change;
    }
}

int64_t cron_next(const struct cron *cron, struct zone *zone, int64_t after_us)
{
    int64_t after = floor_to(after_us, US_PER_S) / US_PER_S, wall;
    if (cron->seconds > 0)
        return (floor_to(after, cron->seconds) + cron->seconds) * US_PER_S;
    if (cron->hours == ALL_HOURS)
        return next_of_every_hour(cron, zone, after) * US_PER_S;
    if (!wall_next(cron, wall_reached(zone, after), &wall))
        return 0;
    return wall_instant(zone, wall) * US_PER_S;
}
