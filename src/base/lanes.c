/*
 * Lanes: a table of those that have work, a ring of those that wait.
 *
 * A lane is in the table while it has a place or waits, so there are never more of them than pieces
 * of work. Whoever gives a place back hands it to the first lane of the ring that may have it. Only
 * a lane with places may not, so the search is short; and one lane at least may whenever nobody has
 * a place, so nothing waits in vain.
 */
#include "base/lanes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024

struct lane {
    struct lanes *lanes;
    struct lane *next;   /* of the bucket */
    struct lane *behind; /* in the ring, while it waits */
    struct lane_work *first, **end;
    size_t places, waiting;
    size_t len;
    char key[LANE_KEY_MAX];
};

struct lanes {
    struct lanes_options options;
    pthread_mutex_t lock;
    size_t taken, waiting;
    struct lane *ring, **ring_end;
    struct lane *buckets[BUCKETS];
};

struct lanes *lanes_new(const struct lanes_options *options)
{
    struct lanes *lanes = calloc(1, sizeof(*lanes));
    if (!lanes)
        return NULL;
    lanes->options = *options;
    lanes->ring_end = &lanes->ring;
    pthread_mutex_init(&lanes->lock, NULL);
    return lanes;
}

void lanes_free(struct lanes *lanes)
{
    if (!lanes)
        return;
    pthread_mutex_destroy(&lanes->lock);
    free(lanes);
}

static struct lane **lane_at(struct lanes *lanes, str key)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.at[i]) * 16777619u;
    struct lane **at = &lanes->buckets[hash % BUCKETS];
    while (*at && !str_eq((str){(*at)->key, (*at)->len}, key))
        at = &(*at)->next;
    return at;
}

static struct lane *lane_obtain(struct lanes *lanes, str key)
{
    if (key.len > LANE_KEY_MAX)
        return NULL;
    struct lane **at = lane_at(lanes, key);
    if (*at)
        return *at;
    struct lane *lane = calloc(1, sizeof(*lane));
    if (!lane)
        return NULL;
    lane->lanes = lanes;
    lane->end = &lane->first;
    lane->len = key.len;
    if (key.len)
        memcpy(lane->key, key.at, key.len);
    *at = lane;
    return lane;
}

static void lane_drop_idle(struct lane *lane)
{
    if (lane->places || lane->waiting)
        return;
    struct lane **at = lane_at(lane->lanes, (str){lane->key, lane->len});
    *at = lane->next;
    free(lane);
}

static bool lane_may_go(const struct lane *lane)
{
    const struct lanes *lanes = lane->lanes;
    return lane->places < lanes->options.width &&
           lane->places < lanes->options.places - lanes->taken;
}

static void lane_take(struct lane *lane)
{
    lane->places++;
    lane->lanes->taken++;
}

static void lane_give(struct lane *lane)
{
    lane->places--;
    lane->lanes->taken--;
}

static void ring_add(struct lanes *lanes, struct lane *lane)
{
    lane->behind = NULL;
    *lanes->ring_end = lane;
    lanes->ring_end = &lane->behind;
}

static void ring_remove(struct lanes *lanes, struct lane **at)
{
    struct lane *lane = *at;
    *at = lane->behind;
    if (lanes->ring_end == &lane->behind)
        lanes->ring_end = at;
}

static bool lane_wait(struct lane *lane, struct lane_work *work)
{
    struct lanes *lanes = lane->lanes;
    if (lane->waiting >= lanes->options.waiting_max - lanes->waiting)
        return false;
    work->next = NULL;
    *lane->end = work;
    lane->end = &work->next;
    if (lane->waiting++ == 0)
        ring_add(lanes, lane);
    lanes->waiting++;
    return true;
}

/* The next piece of work that gets a place, which it has then; NULL: none. */
static struct lane_work *lanes_next(struct lanes *lanes)
{
    struct lane **at = &lanes->ring;
    while (*at && !lane_may_go(*at))
        at = &(*at)->behind;
    struct lane *lane = *at;
    if (!lane)
        return NULL;
    struct lane_work *work = lane->first;
    lane->first = work->next;
    if (!lane->first)
        lane->end = &lane->first;
    lanes->waiting--;
    ring_remove(lanes, at);
    if (--lane->waiting)
        ring_add(lanes, lane);
    lane_take(lane);
    return work;
}

/* Gives a place back and others away; what the pool does not take any more is to be run here. */
static struct lane_work *lane_leave(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    struct lane_work *next;
    pthread_mutex_lock(&lanes->lock);
    lane_give(lane);
    lane_drop_idle(lane);
    do
        next = lanes_next(lanes);
    while (next && pool_submit(lanes->options.pool, &next->work));
    pthread_mutex_unlock(&lanes->lock);
    return next;
}

static void lane_run(struct pool_work *work)
{
    struct lane_work *mine = (struct lane_work *)work;
    while (mine) {
        struct lane *lane = mine->lane;
        mine->run(mine);
        mine = lane_leave(lane);
    }
}

enum entering { ENTERING_GO, ENTERING_WAIT, ENTERING_REFUSED };

/* With the lock held. */
static enum entering lanes_enter(struct lanes *lanes, str key, struct lane_work *work)
{
    struct lane *lane = lane_obtain(lanes, key);
    if (!lane)
        return ENTERING_REFUSED;
    work->work.run = lane_run;
    work->lane = lane;
    if (!lane->waiting && lane_may_go(lane)) {
        lane_take(lane);
        return ENTERING_GO;
    }
    if (lane_wait(lane, work))
        return ENTERING_WAIT;
    lane_drop_idle(lane);
    return ENTERING_REFUSED;
}

bool lanes_submit(struct lanes *lanes, str key, struct lane_work *work)
{
    pthread_mutex_lock(&lanes->lock);
    enum entering entering = lanes_enter(lanes, key, work);
    if (entering == ENTERING_GO && !pool_submit(lanes->options.pool, &work->work)) {
        lane_give(work->lane);
        lane_drop_idle(work->lane);
        entering = ENTERING_REFUSED;
    }
    pthread_mutex_unlock(&lanes->lock);
    return entering != ENTERING_REFUSED;
}

bool lanes_run(struct lanes *lanes, str key, struct lane_work *work)
{
    pthread_mutex_lock(&lanes->lock);
    enum entering entering = lanes_enter(lanes, key, work);
    pthread_mutex_unlock(&lanes->lock);
    if (entering == ENTERING_GO)
        lane_run(&work->work);
    return entering != ENTERING_REFUSED;
}
