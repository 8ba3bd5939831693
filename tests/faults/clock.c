/*
 * The wall clock is set: what reads it gets so many microseconds more, and a timer of it that asked
 * to be cancelled when the clock is set is.
 */
#include <errno.h>
#include <poll.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "control.h"

#define US 1000000
#define LOOK_MS 20

static _Atomic int timer = -1;     /* the one timer of the wall clock */
static _Atomic int64_t timer_seen; /* how often the clock had been set when it was armed */

static int64_t ahead_us(void)
{
    return control ? atomic_load(&control->clock_us) : 0;
}

static struct timespec shifted(struct timespec at, int64_t us)
{
    int64_t ns = at.tv_nsec + us % US * 1000;
    at.tv_sec += us / US + (ns >= 1000000000) - (ns < 0);
    at.tv_nsec = ns >= 1000000000 ? ns - 1000000000 : ns < 0 ? ns + 1000000000 : ns;
    return at;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next)
        next = real_function("clock_gettime");
    int rc = next(id, now);
    if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) && ahead_us())
        *now = shifted(*now, ahead_us());
    return rc;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    (void)zone;
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    *now = (struct timeval){at.tv_sec, at.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (out)
        *out = at.tv_sec;
    return at.tv_sec;
}

int timerfd_create(clockid_t id, int flags)
{
    static int (*next)(int, int);
    if (!next)
        next = real_function("timerfd_create");
    if (FAULT(FAULT_DESCRIPTOR))
        return -1;
    int fd = next((int)id, flags);
    if (id == CLOCK_REALTIME && fd >= 0)
        timer = fd;
    return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *at, struct itimerspec *before)
{
    static int (*next)(int, int, const struct itimerspec *, struct itimerspec *);
    if (!next)
        next = real_function("timerfd_settime");
    if (fd != timer || !control)
        return next(fd, flags, at, before);
    int64_t set = atomic_load(&control->clock_set);
    bool news = atomic_exchange(&timer_seen, set) != set;
    struct itimerspec moved = *at;
    moved.it_value = shifted(at->it_value, -ahead_us());
    if (moved.it_value.tv_sec < 0 || (!moved.it_value.tv_sec && !moved.it_value.tv_nsec))
        moved.it_value = (struct timespec){.tv_nsec = 1};
    int rc = next(fd, flags, &moved, before);
    if (rc || !news)
        return rc;
    errno = ECANCELED;
    return -1;
}

/* A blocking read of the timer; any other read passes. */
ssize_t read(int fd, void *bytes, size_t len)
{
    static ssize_t (*next)(int, void *, size_t);
    if (!next)
        next = real_function("read");
    while (control && fd == timer) {
        int64_t set = atomic_load(&control->clock_set);
        if (atomic_exchange(&timer_seen, set) != set) {
            errno = ECANCELED;
            return -1;
        }
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, LOOK_MS) > 0)
            break;
    }
    return next(fd, bytes, len);
}
