/*
 * Cron schedules: what a line means, and when it is due next.
 *
 * Five fields with names, ranges, steps and lists, @hourly and its kin, or "N seconds" (1 to 59) as
 * pg_cron has it. Days follow POSIX crontab(5): when both day fields are restricted either one
 * matches. Time zones are IANA names. A due time that the clock skips in spring fires once, at the
 * first moment after the gap; one that it repeats in autumn fires once, the first time. A schedule
 * for every hour of the day keeps its pace through both: it is never silent for an hour, nor early.
 * "N seconds" counts from the beginning of 1970, so that its due times survive a restart.
 */
#ifndef WORK_CRON_H
#define WORK_CRON_H

#include "base/arena.h"
#include "base/err.h"

struct cron {
    uint64_t minutes;             /* bit n: minute n */
    uint32_t hours, days, months; /* bits 0-23, 1-31, 1-12 */
    uint8_t weekdays;             /* bits 0-6, Sunday is 0 */
    bool day_any, weekday_any;    /* the field began with *: then the other one decides with it */
    int seconds;                  /* > 0: every so many seconds, and nothing else counts */
};

struct zone; /* a loaded IANA zone; shared, thread-safe */

/* 422 naming the field `crontab_def`, saying what is wrong and where. */
MUST_CHECK err cron_parse(struct arena *mem, str text, struct cron *out);
/* 422 naming the field `timezone`. The caller has a reference. */
MUST_CHECK err zone_load(struct arena *mem, str name, struct zone **out);
struct zone *zone_ref(struct zone *zone);
void zone_unref(struct zone *zone); /* NULL is fine */
/* The first due time after `after_us`; 0 when there is none (30 February). */
int64_t cron_next(const struct cron *cron, struct zone *zone, int64_t after_us);

#endif
