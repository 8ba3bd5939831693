/*
 * Schedules: the first byte picks a time zone, the next eight a moment, what follows is the line.
 *
 * The next due time lies after that moment, is the same asked from any moment before it, and is
 * what the fields say, read by other code than the program's; none lies in between.
 */
#include <time.h>

#include "base/time.h"
#include "fuzz/fuzz.h"
#include "work/cron.h"
#include "work/zone.h"

#define LOOK_MINUTES (3 * 1440)            /* so far every minute is looked at */
#define SECONDS_MOST ((int64_t)4102444800) /* the year 2100 */

static const char *const zones[] = {"UTC",
                                    "Europe/Berlin",
                                    "America/New_York",
                                    "Australia/Lord_Howe", /* half an hour of summer time */
                                    "Asia/Kathmandu",
                                    "Pacific/Apia",      /* left out a day */
                                    "America/Sao_Paulo", /* changed at midnight */
                                    "Africa/Casablanca"};

static bool bit(uint64_t bits, int n)
{
    return bits >> n & 1;
}

/* crontab(5), field by field. */
static bool wall_matches(const struct cron *cron, int64_t wall)
{
    struct tm tm;
    time_t at = (time_t)wall;
    CHECK(gmtime_r(&at, &tm));
    if (tm.tm_sec || !bit(cron->minutes, tm.tm_min) || !bit(cron->hours, tm.tm_hour) ||
        !bit(cron->months, tm.tm_mon + 1))
        return false;
    bool day = bit(cron->days, tm.tm_mday), weekday = bit(cron->weekdays, tm.tm_wday);
    bool either = !cron->day_any && !cron->weekday_any;
    return either ? day || weekday : day && weekday;
}

static void bits_check(const struct cron *cron)
{
    CHECK(cron->minutes && cron->minutes >> 60 == 0);
    CHECK(cron->hours && cron->hours >> 24 == 0);
    CHECK(cron->days && !(cron->days & 1));
    CHECK(cron->months && !(cron->months & 1) && cron->months >> 13 == 0);
    CHECK(cron->weekdays && cron->weekdays >> 7 == 0);
}

/* In UTC nothing is skipped and nothing comes twice: what is due is what matches. */
static void utc_check(const struct cron *cron, int64_t after, int64_t next)
{
    int64_t from = after - (after % 60 + 60) % 60 + 60;
    for (int64_t at = from, n = 0; n < LOOK_MINUTES && (!next || at <= next); at += 60, n++)
        CHECK(wall_matches(cron, at) == (at == next));
    CHECK(!next || wall_matches(cron, next));
}

/* Elsewhere it matches too, or is the end of a gap in which what matches was skipped. */
static void zone_check(const struct cron *cron, const struct zone *zone, int64_t next)
{
    int64_t wall = next + zone_offset(zone, next), before = next - 1 + zone_offset(zone, next - 1);
    if (wall_matches(cron, wall))
        return;
    CHECK(cron->hours != 0xFFFFFF && wall > before + 1);
    bool skipped = false;
    for (int64_t at = before + 1; at < wall && !skipped; at++)
        skipped = wall_matches(cron, at);
    CHECK(skipped);
}

static void seconds_check(const struct cron *cron, int64_t after, int64_t next)
{
    CHECK(cron->seconds < 60 && next > after && next <= after + cron->seconds);
    CHECK(next % cron->seconds == 0);
}

static void next_check(const struct cron *cron, struct zone *zone, bool utc, int64_t after_us)
{
    int64_t next_us = cron_next(cron, zone, after_us);
    int64_t after = after_us / US_PER_S - (after_us % US_PER_S < 0), next = next_us / US_PER_S;
    CHECK(next_us == 0 || (next_us > after_us && next_us % US_PER_S == 0));
    if (next_us == 0) {
        CHECK(!(cron->days & 0x1FFFFFFE)); /* any day until the 28th comes */
        return;
    }
    CHECK(cron_next(cron, zone, next_us - 1) == next_us);
    CHECK(cron_next(cron, zone, after_us + (next_us - after_us) / 2) == next_us ||
          next_us - after_us == 1);
    if (cron->seconds > 0)
        seconds_check(cron, after, next);
    else if (utc)
        utc_check(cron, after, next);
    else
        zone_check(cron, zone, next);
    CHECK(cron_next(cron, zone, next_us) != next_us);
}

static int64_t moment(const uint8_t *data)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | data[i];
    return (int64_t)(n % (uint64_t)(SECONDS_MOST * US_PER_S));
}

/* The C library reads the same files. */
static void offset_check(const struct zone *zone, const char *name, int64_t at)
{
    struct tm tm;
    time_t seconds = (time_t)at;
    CHECK(setenv("TZ", name, 1) == 0);
    tzset();
    CHECK(localtime_r(&seconds, &tm));
    CHECK(zone_offset(zone, at) == tm.tm_gmtoff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 9)
        return 0;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, 1 << 20);
    char *copy = exact_copy((str){(const char *)data + 9, size - 9});
    str line = {copy, size - 9}, name = str_of(zones[data[0] % LENGTH(zones)]);
    struct cron cron;
    struct zone *zone, *named = NULL;
    CHECK(!zone_load(&mem, name, &zone));
    offset_check(zone, zones[data[0] % LENGTH(zones)], moment(data + 1) / US_PER_S);
    /* The line as a zone's name: one that is found has a file of its own. */
    if (!zone_load(&mem, line, &named))
        CHECK(str_find(line, '.') < 0 && line.at[0] >= 'A' && line.at[0] <= 'Z');
    zone_unref(named);
    err e = cron_parse(&mem, line, &cron);
    CHECK(!e || (e->status == 422 && e->errors.at));
    if (!e && cron.seconds == 0)
        bits_check(&cron);
    if (!e)
        next_check(&cron, zone, data[0] % LENGTH(zones) == 0, moment(data + 1));
    zone_unref(zone);
    free(copy);
    return 0;
}
