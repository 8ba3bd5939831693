/* The n-th call that makes a descriptor or a thread fails, or a message between processes. */
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "control.h"

#define PASS(kind, result, name, params, args)       \
    result name params                               \
    {                                                \
        static result(*next) params;                 \
        if (!next)                                   \
            next = real_function(#name);             \
        return FAULT(kind) ? (result)-1 : next args; \
    }
PASS(FAULT_DESCRIPTOR, int, socket, (int domain, int type, int protocol), (domain, type, protocol))
PASS(FAULT_DESCRIPTOR, int, socketpair, (int domain, int type, int protocol, int ends[2]),
     (domain, type, protocol, ends))
PASS(FAULT_DESCRIPTOR, int, accept4,
     (int fd, struct sockaddr *restrict address, socklen_t *restrict size, int flags),
     (fd, address, size, flags))
PASS(FAULT_DESCRIPTOR, int, eventfd, (unsigned count, int flags), (count, flags))
PASS(FAULT_DESCRIPTOR, int, epoll_create1, (int flags), (flags))

/* Only where a Unix socket of an engine process is meant: the clients' have other numbers there. */
PASS(FAULT_SOCKET, ssize_t, send, (int fd, const void *at, size_t len, int flags),
     (fd, at, len, flags))
PASS(FAULT_SOCKET, ssize_t, recv, (int fd, void *at, size_t len, int flags), (fd, at, len, flags))

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr,
                   void *(*run)(void *), void *restrict arg)
{
    static int (*next)(
        pthread_t *restrict, const pthread_attr_t *restrict, void *(*)(void *), void *restrict);
    if (!next)
        next = real_function("pthread_create");
    return FAULT(FAULT_THREAD) ? EAGAIN : next(thread, attr, run, arg);
}
