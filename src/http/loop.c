/* A libuv loop on its own thread: what is posted to it, what it does before it sleeps, its clock.
 */
#include "http/loop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/id.h"
#include "http/asking.h"

void loop_post(struct loop *loop, struct loop_post *post)
{
    struct loop_post *newest = atomic_load_explicit(&loop->posts, memory_order_relaxed);
    do {
        post->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(
        &loop->posts, &newest, post, memory_order_release, memory_order_relaxed));
    /* Whoever found the list empty wakes the loop, for all that come until it looks. */
    if (!newest)
        uv_async_send(&loop->wake);
}

static void posts_run(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    struct loop_post *newest = atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire);
    struct loop_post *oldest = NULL;
    while (newest) {
        struct loop_post *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct loop_post *post = oldest;
        oldest = post->next;
        post->run(loop, post);
    }
}

void loop_touch(struct loop *loop, struct link *link)
{
    if (!link_on(link))
        link_last(&loop->touched, link);
}

void loop_submit(struct loop *loop, enum route_pool pool, struct pool_work *work)
{
    struct submits *submits = &loop->submits[pool];
    if (!submits->first)
        submits->end = &submits->first;
    work->next = NULL;
    *submits->end = work;
    submits->end = &work->next;
}

static void submits_run(struct loop *loop)
{
    for (int i = 0; i < POOLS; i++) {
        struct pool_work *list = loop->submits[i].first;
        loop->submits[i].first = NULL;
        if (list && loop->server->pools[i])
            pool_submit_all(loop->server->pools[i], &list);
        while (list) {
            struct pool_work *work = list;
            list = work->next;
            exchange_not_taken(work);
        }
    }
}

/* The work and the writing of this turn of the loop: one wake-up a pool, one call a connection. */
static void turn_end(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    submits_run(loop);
    struct link *first;
    while ((first = ring_first(&loop->touched))) {
        link_off(first);
        conn_touched(first);
    }
}

static void tick_run(uv_timer_t *tick)
{
    struct loop *loop = tick->data;
    waits_tick(loop);
    listeners_retry(loop);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

str loop_date(struct loop *loop)
{
    int64_t now = time_now();
    time_t seconds = (time_t)(now / US_PER_S);
    if (seconds != loop->date_s) {
        loop->date_s = seconds;
        time_http(now, loop->date);
    }
    return str_of(loop->date);
}

err loop_init(struct loop *loop, struct arena *mem, struct server *server, size_t index)
{
    *loop = (struct loop){.server = server, .index = index};
    for (size_t i = 0; i < LISTENERS_MAX; i++)
        loop->listeners[i] = (struct listener){.loop = loop, .fd = -1};
    ring_init(&loop->conns);
    ring_init(&loop->touched);
    ring_init(&loop->streams);
    for (int i = 0; i < WAIT_KINDS; i++)
        ring_init(&loop->waits[i]);
    random_bytes(&loop->id_start, sizeof(loop->id_start));
    loop->read = malloc(CONN_READ_MAX);
    if (!loop->read)
        return &err_no_memory;
    int bad = uv_loop_init(&loop->uv);
    if (bad) {
        free(loop->read);
        loop->read = NULL;
        return err_internal(mem, "uv_loop_init: %s", uv_strerror(bad));
    }
    loop->uv.data = loop;
    bad = uv_async_init(&loop->uv, &loop->wake, posts_run);
    uv_prepare_init(&loop->uv, &loop->before_sleep);
    uv_timer_init(&loop->uv, &loop->tick);
    loop->wake.data = loop->before_sleep.data = loop->tick.data = loop;
    return bad ? err_internal(mem, "uv_async_init: %s", uv_strerror(bad)) : NULL;
}

static void *loop_main(void *arg)
{
    struct loop *loop = arg;
    char name[16];
    snprintf(name, sizeof(name), "loop-%zu", loop->index);
    pthread_setname_np(pthread_self(), name);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    return NULL;
}

/* Signals belong to main, and OpenSSL writes to sockets without MSG_NOSIGNAL: all are blocked. */
err loop_start(struct loop *loop, struct arena *mem)
{
    TRY(listeners_open(loop, mem));
    uv_prepare_start(&loop->before_sleep, turn_end);
    uv_timer_start(&loop->tick, tick_run, WAIT_TICK_MS, WAIT_TICK_MS);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = pthread_create(&loop->thread, NULL, loop_main, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (bad)
        loop->thread = 0;
    return bad ? err_internal(mem, "pthread_create: %s", uv_strerror(-bad)) : NULL;
}

static void loop_end(struct loop *loop, struct loop_post *post)
{
    free(post);
    listeners_close(loop);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_sleep, NULL);
    uv_close((uv_handle_t *)&loop->tick, NULL);
}

void loop_join(struct loop *loop)
{
    if (loop->joined)
        return;
    loop->joined = true;
    struct loop_post *post = calloc(1, sizeof(*post));
    if (!post)
        abort(); /* there is no other way to end the thread in order */
    post->run = loop_end;
    if (loop->thread) {
        loop_post(loop, post);
        pthread_join(loop->thread, NULL);
        loop->thread = 0;
    } else {
        loop_end(loop, post);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
}

void loop_done(struct loop *loop)
{
    if (!loop->read)
        return;
    uv_loop_close(&loop->uv);
    streams_forget(loop);
    free(loop->read);
    loop->read = NULL;
}

size_t server_loop_count(const struct server *server)
{
    return server->loop_count;
}

struct loop *server_loop(struct server *server, size_t i)
{
    return &server->loops[i];
}

size_t loop_index(const struct loop *loop)
{
    return loop->index;
}
