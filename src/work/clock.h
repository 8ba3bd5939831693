/*
 * The clock: one thread that knows when each schedule is due and calls for it, within milliseconds.
 *
 * It keeps no records: who sets an entry says from when on, so that what was missed while the
 * process was down fires once. An entry whose call has not returned is not called again; what came
 * due meanwhile is called once then. When the wall clock jumps forward, what was passed over fires
 * once; when it jumps back by more than CLOCK_STEP_US, schedules follow the wall clock again.
 */
#ifndef WORK_CLOCK_H
#define WORK_CLOCK_H

#include "base/log.h"
#include "work/cron.h"

#define CLOCK_ENTRIES_MAX 100000
#define CLOCK_STEP_US (60 * (int64_t)1000000)

struct clock;

struct clock_options {
    size_t runners; /* threads that run what is due; one at a time for each owner, in turns */
    struct log *log;
    /* On a runner's thread; may block. `due_us` is the latest due time that has passed. May call
     * any function of the clock but stop and free. */
    void (*due)(void *arg, int64_t id, int64_t due_us);
    void *arg;
};

MUST_CHECK err clock_new(struct arena *mem, const struct clock_options *options,
                         struct clock **out);
MUST_CHECK err clock_start(struct clock *clock, struct arena *mem);
/* Calls no more, waits for those under way. */
void clock_stop(struct clock *clock);
void clock_free(struct clock *clock); /* NULL is fine; stops */

/* Sets or replaces entry `id`: due at the first time after `last_us`, at once if that has passed.
 * The entries of one `owner` (at most 64 bytes; that of an entry stays the same) are called one
 * after another, and never hold up those of another. Takes a reference of its own to `zone`. Any
 * thread. 503 clock_full past CLOCK_ENTRIES_MAX. */
MUST_CHECK err clock_set(struct clock *clock, struct arena *mem, int64_t id, str owner,
                         const struct cron *cron, struct zone *zone, int64_t last_us);
void clock_remove(struct clock *clock, int64_t id); /* any thread; one under way ends in peace */
/* When it is due next; 0: no such entry or never. */
int64_t clock_next(struct clock *clock, int64_t id);

#endif
