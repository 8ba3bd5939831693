/*
 * A bounded pool of threads: one queue under one lock.
 *
 * Waking a thread costs more than most pieces of work. So a submit, however many it brings, wakes
 * one; who takes a piece and sees more wakes the next; and nobody is signalled twice. More threads
 * than processors do not make pieces that only compute any faster: so many at work are enough, and
 * what is queued they take themselves. Who waits within its piece says so, and is not counted.
 */
#include "base/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct pool_work *first, **end;
    size_t queued, queue_max;
    size_t started, idle, threads_max;
    size_t wait;     /* threads that have said that they wait */
    size_t wake_max; /* threads at work from which on no more are woken */
    size_t waking;   /* threads that were signalled and have not looked yet */
    bool ending;
    char name[16];
    pthread_t threads[];
};

static _Thread_local struct pool *pool_here;
static _Thread_local unsigned pool_waits; /* waits within waits count once */

struct pool *pool_new(const char *name, size_t threads, size_t queue_max)
{
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->filled, NULL);
    pool->end = &pool->first;
    pool->queue_max = queue_max;
    pool->threads_max = pool->wake_max = threads;
    snprintf(pool->name, sizeof(pool->name), "%s", name);
    return pool;
}

void pool_wake_most(struct pool *pool, size_t most)
{
    pool->wake_max = most;
}

/* Leaves the lock, and wakes one more thread when there is work for it. */
static void pool_leave(struct pool *pool)
{
    size_t at_work = pool->started - pool->idle + pool->waking - pool->wait;
    bool wake =
        pool->queued > pool->waking && pool->idle > pool->waking && at_work < pool->wake_max;
    pool->waking += wake;
    pthread_mutex_unlock(&pool->lock);
    if (wake)
        pthread_cond_signal(&pool->filled);
}

static struct pool_work *pool_take(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->idle++;
    while (!pool->first && !pool->ending) {
        pthread_cond_wait(&pool->filled, &pool->lock);
        if (pool->waking)
            pool->waking--;
    }
    pool->idle--;
    struct pool_work *work = pool->first;
    if (work) {
        pool->first = work->next;
        if (!pool->first)
            pool->end = &pool->first;
        pool->queued--;
    }
    pool_leave(pool);
    return work;
}

void pool_wait_begin(void)
{
    if (!pool_here || pool_waits++)
        return;
    pthread_mutex_lock(&pool_here->lock);
    pool_here->wait++;
    pool_leave(pool_here);
}

void pool_wait_end(void)
{
    if (!pool_here || --pool_waits)
        return;
    pthread_mutex_lock(&pool_here->lock);
    pool_here->wait--;
    pthread_mutex_unlock(&pool_here->lock);
}

static void *pool_thread(void *arg)
{
    struct pool *pool = arg;
    pool_here = pool;
    pthread_setname_np(pthread_self(), pool->name);
    for (struct pool_work *work; (work = pool_take(pool));)
        work->run(work);
    return NULL;
}

/* Signals belong to main: a thread of a pool is started with all of them blocked. */
static bool thread_start(struct pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&pool->threads[pool->started], NULL, pool_thread, pool) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pool->started += started;
    return started;
}

/* With the lock held. */
static bool pool_add(struct pool *pool, struct pool_work *work)
{
    bool taken = !pool->ending && pool->queued < pool->queue_max;
    if (taken && pool->queued >= pool->idle && pool->started < pool->threads_max)
        taken = thread_start(pool) || pool->started > 0;
    if (taken) {
        work->next = NULL;
        *pool->end = work;
        pool->end = &work->next;
        pool->queued++;
    }
    return taken;
}

bool pool_submit(struct pool *pool, struct pool_work *work)
{
    pthread_mutex_lock(&pool->lock);
    bool taken = pool_add(pool, work);
    pool_leave(pool);
    return taken;
}

void pool_submit_all(struct pool *pool, struct pool_work **list)
{
    pthread_mutex_lock(&pool->lock);
    while (*list) {
        struct pool_work *work = *list, *rest = work->next;
        if (!pool_add(pool, work))
            break;
        *list = rest;
    }
    pool_leave(pool);
}

void pool_stop(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->filled);
    size_t started = pool->started;
    pool->started = 0;
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < started; i++)
        pthread_join(pool->threads[i], NULL);
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    pool_stop(pool);
    pthread_cond_destroy(&pool->filled);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
