/* The last words of a thread that runs off its stack. */
#include "engine/worker/overflow.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/messages.h"
#include "engine/wire.h"

#define FRAME_MAX 512

/* Sanitizers have a handler of their own, which says more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HANDLED false
#else
#define HANDLED true
#endif

static char frame[FRAME_MAX]; /* the answer, ready to be sent: the handler makes nothing */
static size_t frame_len;
static _Thread_local struct {
    uintptr_t low, high; /* the addresses that only an overflow touches */
    int fd;
} watched;

static void stack_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    uintptr_t at = (uintptr_t)info->si_addr;
    if (at < watched.low || at >= watched.high)
        return; /* it faults again, and the signal ends the process */
    ssize_t sent = send(watched.fd, frame, frame_len, MSG_NOSIGNAL);
    _exit(sent == (ssize_t)frame_len ? 0 : 1);
}

static bool frame_make(void)
{
    struct err e = {.status = 422,
                    .code = "query_depth",
                    .detail = STR("The statement, or a value that it makes, is nested more deeply "
                                  "than an engine process can follow.")};
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, FRAME_MAX);
    wire_frame_begin(&b);
    struct wire w = wire_writer(&b);
    message_err(&w, &e);
    if (!wire_frame_end(&b, WIRE_FAILURE))
        return false;
    memcpy(frame, b.at, b.len);
    frame_len = b.len;
    return true;
}

bool overflow_prepare(void)
{
    struct sigaction action = {.sa_sigaction = stack_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND};
    return !HANDLED || (frame_make() && sigaction(SIGSEGV, &action, NULL) == 0);
}

void overflow_watch(struct overflow_room *room, int fd)
{
    pthread_attr_t attr;
    void *low = NULL;
    size_t size = 0, guard = 0;
    stack_t aside = {.ss_sp = room->stack, .ss_size = sizeof(room->stack)};
    if (!HANDLED || fd < 0 || pthread_getattr_np(pthread_self(), &attr) != 0)
        return;
    bool known = pthread_attr_getstack(&attr, &low, &size) == 0 &&
                 pthread_attr_getguardsize(&attr, &guard) == 0;
    pthread_attr_destroy(&attr);
    if (!known || sigaltstack(&aside, NULL) != 0)
        return;
    /* The C library counts the guard as within the stack, or below it: by its version. */
    watched.low = (uintptr_t)low - guard;
    watched.high = (uintptr_t)low + guard + 1;
    watched.fd = fd;
}
