/*
 * The clock: one thread that knows when each schedule is due and calls for it, within milliseconds.
 *
 * It keeps no records: who sets an entry says from when on, so that what was missed while the process was down fires
 * once. An entry that is still being worked on is not called again until clock_finished; what came due meanwhile is
 * called once then.
 */
#ifndef WORK_CLOCK_H
#define WORK_CLOCK_H

#include "base/log.h"
#include "base/pool.h"
#include "work/cron.h"

struct clock;

struct clock_options {
    size_t runners;    /* threads that run what is due */
    struct log *log;
    /* On a runner's thread; may block. `due_us` is the latest due time that has passed. */
    void (*due)(void *arg, int64_t id, int64_t due_us);
    void *arg;
};

MUST_CHECK err clock_new(struct arena *mem, const struct clock_options *options, struct clock **out);
MUST_CHECK err clock_start(struct clock *clock, struct arena *mem);
/* Calls no more, waits for those under way. */
void clock_stop(struct clock *clock);
void clock_free(struct clock *clock);

/* Sets or replaces entry `id`: due at the first time after `last_us`, at once if that has passed. Any thread. */
MUST_CHECK err clock_set(struct clock *clock, struct arena *mem, int64_t id, const struct cron *cron,
                         struct zone *zone, int64_t last_us);
void clock_remove(struct clock *clock, int64_t id); /* any thread; one under way ends in peace */
/* When it is due next; 0: no such entry or never. */
int64_t clock_next(struct clock *clock, int64_t id);

#endif
