/*
 * Sockets that listen: one a port and loop (SO_REUSEPORT), so that the kernel spreads the
 * connections.
 *
 * When descriptors run out a loop stops accepting and leaves the rest in the kernel's queue; each
 * tick it looks whether there is room again, and makes some: connections that dawdle are given up
 * before their time, so that they can't keep everybody else out. Some descriptors are kept back for
 * files.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http/parts.h"

#define ACCEPTS_A_TURN 64
#define BACKLOG 4096
#define ROOM_SHARE 4 /* of a loop's connections, that are given up in a tick */

static void accept_pause(struct loop *loop)
{
    if (loop->accepting)
        log_line(loop->server->log,
                 LOG_WARNING,
                 "http",
                 "out of descriptors: not accepting for now (%zu connections)",
                 atomic_load(&loop->server->conns.now));
    loop->accepting = false;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        if (loop->listeners[i].fd >= 0)
            uv_poll_stop(&loop->listeners[i].poll);
    }
}

/* Each loop has its share: otherwise one could take all, and who comes to another would wait. */
static bool accept_room(const struct loop *loop)
{
    return loop->conn_count < loop->server->conns.max / loop->server->loop_count;
}

/* False: no more now. */
static bool accept_one(struct listener *listener)
{
    struct loop *loop = listener->loop;
    if (!accept_room(loop)) {
        accept_pause(loop);
        return false;
    }
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    int fd =
        accept4(listener->fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        conn_accept(loop, fd, (struct sockaddr *)&address);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        accept_pause(loop);
    return errno == EINTR || errno == ECONNABORTED;
}

static void listener_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN && accept_one(poll->data); i++)
        ;
}

static void accept_start(struct loop *loop)
{
    loop->accepting = true;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        if (loop->listeners[i].fd >= 0)
            uv_poll_start(&loop->listeners[i].poll, UV_READABLE, listener_readable);
    }
}

/* Those that have asked for nothing first, then those that don't come to the end of it. */
static void room_make(struct loop *loop)
{
    static const struct {
        enum wait_kind kind;
        uint64_t limit_ms;
    } dawdlers[] = {
        {WAIT_LINGER, 250},
        {WAIT_IDLE, 1000},
        {WAIT_HEAD, 1000},
        {WAIT_BODY, 5000},
        {WAIT_STALL, 10000},
    };
    size_t most = loop->conn_count / ROOM_SHARE + 1;
    for (size_t i = 0; i < LENGTH(dawdlers) && most > 0; i++)
        most -= waits_end(loop, dawdlers[i].kind, dawdlers[i].limit_ms, most);
}

void listeners_retry(struct loop *loop)
{
    if (loop->accepting || loop->stopping)
        return;
    if (!accept_room(loop))
        room_make(loop);
    if (accept_room(loop))
        accept_start(loop);
}

static int socket_bound(const struct addrinfo *address, bool shared)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, off = 0;
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* accepted ones inherit it */
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int64_t socket_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    getsockname(fd, (struct sockaddr *)&address, &size);
    return address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
                                         : ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static void address_port(struct addrinfo *address, int64_t port)
{
    in_port_t number = htons((uint16_t)port);
    if (address->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)address->ai_addr)->sin6_port = number;
    else
        ((struct sockaddr_in *)address->ai_addr)->sin_port = number;
}

/* Another process that listens on the port with SO_REUSEPORT would share it without a word: a first
 * socket without the option finds out. */
static int port_probe(struct addrinfo *address, int64_t *port)
{
    int fd = socket_bound(address, false);
    if (fd < 0)
        return -1;
    *port = socket_port(fd);
    address_port(address, *port);
    return close(fd);
}

static void addresses_free(struct addrinfo **list)
{
    if (*list)
        freeaddrinfo(*list);
}

err listeners_bind(struct server *server, struct arena *mem, size_t which, int64_t *port)
{
    CLEANUP(addresses_free) struct addrinfo *address = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)(uint16_t)*port);
    const char *host = str_c(mem, server->options.listen);
    int bad = getaddrinfo(*host ? host : NULL, service, &hints, &address);
    if (bad)
        return err_new(
            mem, 500, "bad_address", "LISTEN=%s: takes an IP address: %s", host, gai_strerror(bad));
    bool bound = port_probe(address, port) == 0;
    for (size_t i = 0; bound && i < server->loop_count; i++) {
        struct listener *listener = &server->loops[i].listeners[which];
        listener->fd = socket_bound(address, true);
        bound = listener->fd >= 0;
    }
    if (!bound)
        return err_new(mem,
                       500,
                       "port_not_free",
                       "Can't listen on %s port %lld: %s",
                       host,
                       (long long)*port,
                       strerror(errno));
    return NULL;
}

err listeners_open(struct loop *loop, struct arena *mem)
{
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        struct listener *listener = &loop->listeners[i];
        if (listener->fd < 0)
            continue;
        if (listen(listener->fd, BACKLOG) != 0)
            return err_internal(mem, "listen: %s", strerror(errno));
        int bad = uv_poll_init(&loop->uv, &listener->poll, listener->fd);
        if (bad)
            return err_internal(mem, "uv_poll_init: %s", uv_strerror(bad));
        listener->poll.data = listener;
    }
    accept_start(loop);
    return NULL;
}

void listeners_close(struct loop *loop)
{
    loop->accepting = false;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        struct listener *listener = &loop->listeners[i];
        if (listener->fd < 0)
            continue;
        if (listener->poll.data)
            uv_close((uv_handle_t *)&listener->poll, NULL);
        close(listener->fd);
        listener->fd = -1;
    }
}
