/*
 * Entries in a min-heap by due time, one timer of the system for the first of them, a pool for the
 * calls, with a lane for each owner.
 *
 * An entry is waiting (in the heap, unless it is never due), called (with the lanes: queued or
 * under way), or removed while it is called (in the table until the call ends). The timer is one of
 * the wall clock that the system cancels when that clock is set, so a jump is noticed at once; any
 * thread may set it anew, under the lock.
 */
#include "work/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/lanes.h"
#include "base/time.h"

#define BUCKETS 8192
#define NOWHERE SIZE_MAX
#define IDLE_US (3600 * US_PER_S) /* the timer is set so far ahead when nothing is due */

struct entry {
    struct lane_work work; /* first: the lanes give it back */
    struct clock *clock;
    struct entry *next; /* of the bucket */
    int64_t id;
    struct cron cron;
    struct zone *zone;
    int64_t last; /* the latest due time that was called for, or from when on */
    int64_t due;  /* waiting: when; 0: never. called: for when */
    size_t place; /* in the heap, or NOWHERE */
    bool called, removed;
    size_t owner_len;
    char owner[LANE_KEY_MAX];
};

struct clock {
    struct clock_options options;
    pthread_mutex_t lock;
    struct pool *pool;
    struct lanes *lanes;
    int timer; /* -1: none */
    bool running, stopping, jumped;
    pthread_t thread;
    struct entry *buckets[BUCKETS];
    size_t entries;
    struct entry **heap;
    size_t heap_len, heap_size;
};

static struct entry **bucket_of(struct clock *clock, int64_t id)
{
    return &clock->buckets[(uint64_t)id % BUCKETS];
}

static struct entry *entry_find(struct clock *clock, int64_t id)
{
    struct entry *entry = *bucket_of(clock, id);
    while (entry && entry->id != id)
        entry = entry->next;
    return entry;
}

static void entry_free(struct clock *clock, struct entry *entry)
{
    struct entry **at = bucket_of(clock, entry->id);
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    clock->entries--;
    zone_unref(entry->zone);
    free(entry);
}

static void heap_put(struct clock *clock, size_t place, struct entry *entry)
{
    clock->heap[place] = entry;
    entry->place = place;
}

static void heap_up(struct clock *clock, size_t place)
{
    struct entry *entry = clock->heap[place];
    for (; place > 0 && clock->heap[(place - 1) / 2]->due > entry->due; place = (place - 1) / 2)
        heap_put(clock, place, clock->heap[(place - 1) / 2]);
    heap_put(clock, place, entry);
}

static void heap_down(struct clock *clock, size_t place)
{
    struct entry *entry = clock->heap[place];
    for (size_t child; (child = 2 * place + 1) < clock->heap_len; place = child) {
        if (child + 1 < clock->heap_len && clock->heap[child + 1]->due < clock->heap[child]->due)
            child++;
        if (clock->heap[child]->due >= entry->due)
            break;
        heap_put(clock, place, clock->heap[child]);
    }
    heap_put(clock, place, entry);
}

/* There is a place for every entry: see heap_reserve. */
static void heap_add(struct clock *clock, struct entry *entry)
{
    heap_put(clock, clock->heap_len++, entry);
    heap_up(clock, entry->place);
}

static void heap_remove(struct clock *clock, struct entry *entry)
{
    size_t place = entry->place;
    if (place == NOWHERE)
        return;
    entry->place = NOWHERE;
    struct entry *last = clock->heap[--clock->heap_len];
    if (last == entry)
        return;
    heap_put(clock, place, last);
    heap_up(clock, place);
    heap_down(clock, last->place);
}

/* Room for one entry more than there are, so that adding to the heap can't fail later. */
static bool heap_reserve(struct clock *clock)
{
    if (clock->entries < clock->heap_size)
        return true;
    size_t size = clock->heap_size ? clock->heap_size * 2 : 64;
    struct entry **heap = realloc(clock->heap, size * sizeof(*heap));
    if (heap) {
        clock->heap = heap;
        clock->heap_size = size;
    }
    return heap != NULL;
}

/* Due next. A clock that was set back leaves `last` in the future: then it counts from now, unless
 * waiting it out is a matter of seconds. */
static int64_t entry_due(const struct entry *entry, int64_t now)
{
    int64_t from = entry->last > now + CLOCK_STEP_US ? now : entry->last;
    return cron_next(&entry->cron, entry->zone, from);
}

/* The latest due time that is not after `now`, when entry->due is not. Due times are whole seconds.
 */
static int64_t entry_latest(const struct entry *entry, int64_t now)
{
    int64_t before = entry->due - US_PER_S, after = now;
    if (entry->last < before)
        before = entry->last;
    while (after - before > US_PER_S) {
        int64_t middle = before + (after - before) / 2;
        int64_t due = cron_next(&entry->cron, entry->zone, middle);
        if (due && due <= now)
            before = middle;
        else
            after = middle;
    }
    return cron_next(&entry->cron, entry->zone, before);
}

static void entry_wait(struct entry *entry, int64_t now)
{
    entry->due = entry_due(entry, now);
    if (entry->due)
        heap_add(entry->clock, entry);
}

/* False: the wall clock was set since the timer was armed before. It is armed all the same. */
static bool timer_arm(struct clock *clock, int64_t at)
{
    struct itimerspec when = {.it_value = {at / US_PER_S, at % US_PER_S * 1000}};
    int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
    if (timerfd_settime(clock->timer, flags, &when, NULL) == 0)
        return true;
    if (errno == ECANCELED)
        return false;
    log_line(clock->options.log, LOG_ERROR, "work", "timerfd_settime: %s", strerror(errno));
    return true;
}

/* Arming may swallow the news that the wall clock was set, which the thread then gets from here. */
static void timer_set(struct clock *clock)
{
    int64_t at = time_now() + IDLE_US;
    if (clock->heap_len && clock->heap[0]->due < at)
        at = clock->heap[0]->due;
    if (clock->stopping || clock->jumped || at < 1)
        at = 1;
    if (timer_arm(clock, at))
        return;
    clock->jumped = true;
    (void)timer_arm(clock, 1);
}

static void entry_run(struct lane_work *work)
{
    struct entry *entry = (struct entry *)work;
    struct clock *clock = entry->clock;
    pthread_mutex_lock(&clock->lock);
    bool wanted = !clock->stopping && !entry->removed;
    int64_t id = entry->id, due = entry->due;
    pthread_mutex_unlock(&clock->lock);

    if (wanted)
        clock->options.due(clock->options.arg, id, due);

    pthread_mutex_lock(&clock->lock);
    entry->called = false;
    if (entry->removed)
        entry_free(clock, entry);
    else
        entry_wait(entry, time_now());
    timer_set(clock);
    pthread_mutex_unlock(&clock->lock);
}

/* Calls for everything that is due. The lanes take them all: there is room for each to wait. */
static void clock_fire(struct clock *clock)
{
    int64_t now = time_now();
    while (clock->heap_len && clock->heap[0]->due <= now) {
        struct entry *entry = clock->heap[0];
        heap_remove(clock, entry);
        entry->due = entry->last = entry_latest(entry, now);
        entry->called = true;
        entry->work.run = entry_run;
        if (lanes_submit(clock->lanes, (str){entry->owner, entry->owner_len}, &entry->work))
            continue;
        /* No thread could be started: once more in a second, for the same due time. */
        entry->called = false;
        entry->last = entry->due - 1;
        entry->due = now + US_PER_S;
        heap_add(clock, entry);
        log_line(clock->options.log, LOG_ERROR, "work", "The clock could not start a thread.");
    }
}

/* After the wall clock was set: when each entry is due now. */
static void clock_jumped(struct clock *clock)
{
    int64_t now = time_now();
    log_line(clock->options.log, LOG_INFO, "work", "The system's clock was set.");
    clock->jumped = false;
    clock->heap_len = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct entry *entry = clock->buckets[i]; entry; entry = entry->next) {
            entry->place = NOWHERE;
            if (!entry->called)
                entry_wait(entry, now);
        }
    }
}

static void *clock_thread(void *arg)
{
    struct clock *clock = arg;
    pthread_setname_np(pthread_self(), "clock");
    pthread_mutex_lock(&clock->lock);
    while (!clock->stopping) {
        clock_fire(clock);
        timer_set(clock);
        pthread_mutex_unlock(&clock->lock);
        uint64_t times;
        bool cancelled = read(clock->timer, &times, sizeof(times)) < 0 && errno == ECANCELED;
        pthread_mutex_lock(&clock->lock);
        if (cancelled || clock->jumped)
            clock_jumped(clock);
    }
    pthread_mutex_unlock(&clock->lock);
    return NULL;
}

/* One owner has at most half of the room that is left to wait in: there is twice as much as there
 * are entries. */
static bool clock_lanes(struct clock *clock)
{
    size_t runners = clock->options.runners;
    clock->pool = pool_new("jobs", runners, runners);
    struct lanes_options lanes = {.pool = clock->pool,
                                  .places = runners,
                                  .width = 1,
                                  .waiting_max = 2 * (size_t)CLOCK_ENTRIES_MAX};
    clock->lanes = clock->pool ? lanes_new(&lanes) : NULL;
    return clock->lanes != NULL;
}

err clock_new(struct arena *mem, const struct clock_options *options, struct clock **out)
{
    struct clock *clock = calloc(1, sizeof(*clock));
    if (!clock)
        return &err_no_memory;
    clock->options = *options;
    pthread_mutex_init(&clock->lock, NULL);
    clock->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC);
    if (clock->timer < 0) {
        clock_free(clock);
        return err_internal(mem, "timerfd_create: %s", strerror(errno));
    }
    if (!clock_lanes(clock)) {
        clock_free(clock);
        return &err_no_memory;
    }
    *out = clock;
    return NULL;
}

err clock_start(struct clock *clock, struct arena *mem)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&clock->lock);
    int failure = pthread_create(&clock->thread, NULL, clock_thread, clock);
    clock->running = failure == 0;
    pthread_mutex_unlock(&clock->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure ? err_internal(mem, "The clock's thread: %s", strerror(failure)) : NULL;
}

void clock_stop(struct clock *clock)
{
    pthread_mutex_lock(&clock->lock);
    bool running = clock->running;
    clock->running = false;
    clock->stopping = true;
    timer_set(clock);
    pthread_mutex_unlock(&clock->lock);
    if (running)
        pthread_join(clock->thread, NULL);
    pool_free(clock->pool);
    lanes_free(clock->lanes);
    clock->pool = NULL;
    clock->lanes = NULL;
}

void clock_free(struct clock *clock)
{
    if (!clock)
        return;
    if (clock->timer >= 0) {
        clock_stop(clock);
        close(clock->timer);
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (clock->buckets[i])
            entry_free(clock, clock->buckets[i]);
    }
    free(clock->heap);
    pthread_mutex_destroy(&clock->lock);
    free(clock);
}

static struct entry *entry_new(struct clock *clock, int64_t id, str owner)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    struct entry **bucket = bucket_of(clock, id);
    *entry = (struct entry){.clock = clock, .next = *bucket, .id = id, .place = NOWHERE};
    entry->owner_len = owner.len;
    if (owner.len)
        memcpy(entry->owner, owner.at, owner.len);
    *bucket = entry;
    clock->entries++;
    return entry;
}

static err entry_obtain(struct clock *clock, struct arena *mem, int64_t id, str owner,
                        struct entry **out)
{
    *out = entry_find(clock, id);
    if (*out)
        return NULL;
    if (clock->entries >= CLOCK_ENTRIES_MAX)
        return err_busy(mem, 60, "clock_full", "There are too many schedules already.");
    if (owner.len > LANE_KEY_MAX)
        return err_internal(mem, "the owner of a schedule is longer than %d bytes", LANE_KEY_MAX);
    if (!heap_reserve(clock) || !(*out = entry_new(clock, id, owner)))
        return &err_no_memory;
    return NULL;
}

err clock_set(struct clock *clock, struct arena *mem, int64_t id, str owner,
              const struct cron *cron, struct zone *zone, int64_t last_us)
{
    pthread_mutex_lock(&clock->lock);
    struct entry *entry;
    err e = entry_obtain(clock, mem, id, owner, &entry);
    if (!e) {
        struct zone *before = entry->zone;
        entry->cron = *cron;
        entry->zone = zone_ref(zone);
        zone_unref(before);
        entry->last = last_us;
        entry->removed = false;
        if (!entry->called) {
            heap_remove(clock, entry);
            entry_wait(entry, time_now());
            timer_set(clock);
        }
    }
    pthread_mutex_unlock(&clock->lock);
    return e;
}

void clock_remove(struct clock *clock, int64_t id)
{
    pthread_mutex_lock(&clock->lock);
    struct entry *entry = entry_find(clock, id);
    if (entry && entry->called) {
        entry->removed = true;
    } else if (entry) {
        heap_remove(clock, entry);
        entry_free(clock, entry);
    }
    pthread_mutex_unlock(&clock->lock);
}

int64_t clock_next(struct clock *clock, int64_t id)
{
    pthread_mutex_lock(&clock->lock);
    const struct entry *entry = entry_find(clock, id);
    int64_t due = 0;
    if (entry && !entry->removed)
        due = entry->called ? entry_due(entry, time_now()) : entry->due;
    pthread_mutex_unlock(&clock->lock);
    return due;
}
