/* The allocations of libuv, tried again. */
#include "http/patience.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#define TRIES 1000
#define PAUSE_NS (1000 * 1000)

static void pause_short(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

static void *patient_malloc(size_t size)
{
    void *at = malloc(size);
    for (int i = 0; !at && i < TRIES; i++, at = malloc(size))
        pause_short();
    return at;
}

static void *patient_calloc(size_t n, size_t size)
{
    void *at = calloc(n, size);
    for (int i = 0; !at && i < TRIES; i++, at = calloc(n, size))
        pause_short();
    return at;
}

static void *patient_realloc(void *from, size_t size)
{
    void *at = realloc(from, size);
    for (int i = 0; !at && size && i < TRIES; i++, at = realloc(from, size))
        pause_short();
    return at;
}

static int began;

static void begin(void)
{
    began = uv_replace_allocator(patient_malloc, patient_realloc, patient_calloc, free);
}

static void nothing(uv_work_t *work)
{
    (void)work;
}

static void nothing_done(uv_work_t *work, int status)
{
    (void)work, (void)status;
}

/* libuv starts all of its threads with the first work. */
static int threads_start(void)
{
    uv_loop_t loop;
    uv_work_t work;
    int bad = uv_loop_init(&loop);
    if (bad)
        return bad;
    bad = uv_queue_work(&loop, &work, nothing, nothing_done);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return bad;
}

err patience_begin(struct arena *mem)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin);
    sigset_t all, before; /* signals belong to main */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = began ? began : threads_start();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return bad ? err_internal(mem, "libuv: %s", uv_strerror(bad)) : NULL;
}
