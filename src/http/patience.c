/* The allocations of libuv and nghttp2, tried again. */
#include "http/patience.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define TRIES 10000
#define PAUSE_NS (1000 * 1000)

/* Ten seconds without a piece of memory: there is no way on, and the next start has all that was
 * acknowledged. */
static void *patient_realloc(void *from, size_t size)
{
    void *at = realloc(from, size);
    for (int i = 0; !at && size && i < TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        at = realloc(from, size);
    }
    if (!at && size)
        abort();
    return at;
}

static void *patient_malloc(size_t size)
{
    return patient_realloc(NULL, size ? size : 1);
}

static void *patient_calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *at = patient_malloc(bytes);
    return memset(at, 0, bytes);
}

static void *h2_malloc(size_t size, void *arg)
{
    (void)arg;
    return patient_malloc(size);
}

static void *h2_calloc(size_t n, size_t size, void *arg)
{
    (void)arg;
    return patient_calloc(n, size);
}

static void *h2_realloc(void *from, size_t size, void *arg)
{
    (void)arg;
    return patient_realloc(from, size);
}

static void h2_free(void *at, void *arg)
{
    (void)arg;
    free(at);
}

nghttp2_mem *patience_h2(void)
{
    static nghttp2_mem mem = {NULL, h2_malloc, h2_free, h2_calloc, h2_realloc};
    return &mem;
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
