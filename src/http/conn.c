/*
 * A connection of a loop: the socket, TLS on it or not, the queue of what is to be written.
 *
 * Its life: opening (the TLS handshake) -> serving (a protocol owns it) -> finishing (writes the
 * rest, reads and drops what still comes) -> lingering (has said its end, waits for the peer's) ->
 * closed (waits for libuv to let go of the handle). Closing is possible from everywhere.
 */
#include "http/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/h1.h"
#include "http/h2.h"
#include "http/parts.h"
#include "http/queue.h"
#include "http/tls.h"

#define PIECES_MAX 64
#define TLS_PIECE ((size_t)16 * 1024)
#define READS_A_TURN 8

enum conn_state { CONN_OPENING, CONN_SERVING, CONN_FINISHING, CONN_LINGERING, CONN_CLOSED };

struct conn {
    uv_poll_t poll; /* data: the connection */
    struct loop *loop;
    struct link link;    /* of loop.conns */
    struct link touched; /* of loop.touched */
    const struct conn_calls *calls;
    void *owner;
    struct tls_conn *tls; /* NULL: plain */
    struct queue queue;
    struct wait limit; /* of the owner, and for handshake and lingering */
    struct wait stall; /* while `blocked` */
    int fd;
    uint8_t state;      /* enum conn_state */
    uint8_t limit_kind; /* enum wait_kind */
    uint8_t events;     /* that libuv watches */
    bool paused;
    bool blocked;   /* the socket took not all */
    bool ended;     /* the peer sends no more */
    bool read_more; /* TLS holds bytes that the socket will not tell of */
    char address[CONN_ADDRESS];
};

static void conn_event(uv_poll_t *poll, int status, int events);

static void conn_watch(struct conn *conn)
{
    if (conn->state == CONN_CLOSED)
        return;
    bool reads = !conn->ended && (!conn->paused || conn->state > CONN_SERVING);
    int events = (reads ? UV_READABLE : 0) | (conn->blocked ? UV_WRITABLE : 0);
    if (events == conn->events)
        return;
    conn->events = (uint8_t)events;
    if (events)
        uv_poll_start(&conn->poll, events, conn_event);
    else
        uv_poll_stop(&conn->poll);
}

static void conn_freed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    struct loop *loop = conn->loop;
    if (conn->calls)
        conn->calls->closed(conn);
    tls_conn_free(conn->tls);
    link_off(&conn->link);
    free(conn);
    loop->conn_count--;
    atomic_fetch_sub(&loop->server->conns.now, 1);
    conns_quiet(loop);
}

void conn_close(struct conn *conn)
{
    if (conn->state == CONN_CLOSED)
        return;
    conn->state = CONN_CLOSED;
    wait_stop(&conn->limit);
    wait_stop(&conn->stall);
    link_off(&conn->touched);
    queue_done(&conn->queue);
    uv_close((uv_handle_t *)&conn->poll, conn_freed);
    close(conn->fd);
}

static void stalled(struct wait *wait)
{
    conn_close(CONTAINER(wait, struct conn, stall));
}

static void limit_passed(struct wait *wait)
{
    struct conn *conn = CONTAINER(wait, struct conn, limit);
    if (conn->state == CONN_SERVING)
        conn->calls->late(conn, conn->limit_kind);
    else
        conn_close(conn);
}

/* The queue is written: says the end. When the peer's has been read too there is nothing to wait
 * for; otherwise closing now could make the kernel drop what the peer has not yet read. */
static void conn_say_end(struct conn *conn)
{
    if (conn->tls)
        tls_say_end(conn->tls);
    shutdown(conn->fd, SHUT_WR);
    conn->state = CONN_LINGERING;
    if (conn->ended)
        conn_close(conn);
    else
        wait_start(conn->loop, WAIT_LINGER, &conn->limit, limit_passed);
    conn_watch(conn);
}

static void conn_block(struct conn *conn)
{
    conn->blocked = true;
    if (!link_on(&conn->stall.link))
        wait_start(conn->loop, WAIT_STALL, &conn->stall, stalled);
    conn_watch(conn);
}

/* How much the socket took; 0: nothing now; -1: broken. */
static ssize_t write_plain(struct conn *conn)
{
    struct iovec pieces[PIECES_MAX];
    struct msghdr message = {.msg_iov = pieces};
    message.msg_iovlen = (size_t)queue_pieces(&conn->queue, pieces, PIECES_MAX);
    ssize_t n;
    do {
        n = message.msg_iovlen == 1
                ? send(conn->fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                : sendmsg(conn->fd, &message, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : n;
}

/* Small frames are put together, so that they go as one record. */
static ssize_t write_tls(struct conn *conn)
{
    struct iovec pieces[PIECES_MAX];
    char record[TLS_PIECE];
    size_t len = 0;
    int count = queue_pieces(&conn->queue, pieces, PIECES_MAX);
    for (int i = 0; i < count && len < sizeof(record); i++) {
        size_t n = pieces[i].iov_len;
        if (n > sizeof(record) - len)
            n = sizeof(record) - len;
        memcpy(record + len, pieces[i].iov_base, n);
        len += n;
    }
    ssize_t n = tls_write(conn->tls, record, len);
    return n == TLS_WANT_WRITE ? 0 : n > 0 ? n : -1;
}

/* Writes until the queue is empty or the socket takes no more. */
static void conn_write(struct conn *conn)
{
    while (queue_count(&conn->queue)) {
        size_t before = conn->queue.bytes;
        ssize_t n = conn->tls ? write_tls(conn) : write_plain(conn);
        if (n < 0) {
            conn_close(conn);
            return;
        }
        queue_wrote(&conn->queue, (size_t)n);
        if (n > 0)
            wait_stop(&conn->stall);
        if (n == 0 || (!conn->tls && queue_count(&conn->queue) && (size_t)n < before &&
                       queue_count(&conn->queue) < PIECES_MAX)) {
            conn_block(conn);
            return;
        }
    }
    conn->blocked = false;
    wait_stop(&conn->stall);
    conn_watch(conn);
    if (conn->state == CONN_FINISHING)
        conn_say_end(conn);
}

void conn_flush(struct conn *conn)
{
    if (!conn->blocked && (conn->state == CONN_SERVING || conn->state == CONN_FINISHING))
        conn_write(conn);
}

static void conn_writable(struct conn *conn)
{
    if (!conn->blocked)
        return;
    conn_write(conn);
    if (conn->state == CONN_SERVING && !conn->blocked)
        conn->calls->drained(conn);
}

static void conn_serve_first(struct conn *conn, bool h2)
{
    conn->state = CONN_SERVING;
    wait_stop(&conn->limit);
    if (!(h2 ? h2_open(conn) : h1_open(conn)))
        conn_close(conn);
    else if (conn->loop->stopping)
        conn->calls->stop(conn);
}

static void conn_handshake(struct conn *conn)
{
    ssize_t done = tls_handshake(conn->tls);
    if (done == TLS_WANT_READ || done == TLS_WANT_WRITE) {
        conn->blocked = done == TLS_WANT_WRITE;
        conn_watch(conn);
    } else if (done > 0) {
        conn->blocked = false;
        conn_serve_first(conn, tls_chose_h2(conn->tls));
        conn_watch(conn);
    } else {
        conn_close(conn);
    }
}

/* The state of a socket as tls_read tells it. */
static ssize_t read_some(struct conn *conn)
{
    if (conn->tls)
        return tls_read(conn->tls, conn->loop->read, CONN_READ_MAX);
    ssize_t n;
    do {
        n = recv(conn->fd, conn->loop->read, CONN_READ_MAX, 0);
    } while (n < 0 && errno == EINTR);
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? TLS_WANT_READ : TLS_FAILED;
}

static void conn_ended(struct conn *conn)
{
    conn->ended = true;
    conn_watch(conn);
    if (conn->state == CONN_LINGERING)
        conn_close(conn);
    else if (conn->state == CONN_SERVING)
        conn->calls->ended(conn);
}

/* False: no more for now. */
static bool conn_read(struct conn *conn)
{
    ssize_t n = read_some(conn);
    if (n > 0 && conn->state == CONN_SERVING)
        conn->calls->read(conn, (str){conn->loop->read, (size_t)n});
    else if (n == TLS_END)
        conn_ended(conn);
    else if (n == TLS_FAILED)
        conn_close(conn);
    return n > 0 && conn->tls && conn->state != CONN_CLOSED &&
           (!conn->paused || conn->state > CONN_SERVING);
}

static void conn_readable(struct conn *conn)
{
    if (conn->state == CONN_OPENING && conn->tls)
        conn_handshake(conn);
    if (conn->state == CONN_OPENING || conn->state == CONN_CLOSED)
        return;
    for (int i = 0; i < READS_A_TURN; i++) {
        if (!conn_read(conn))
            return;
    }
    conn->read_more = conn->tls && tls_pending(conn->tls);
    if (conn->read_more)
        loop_touch(conn->loop, &conn->touched);
}

static void conn_event(uv_poll_t *poll, int status, int events)
{
    struct conn *conn = poll->data;
    if (status < 0) {
        conn_close(conn);
        return;
    }
    if (events & UV_WRITABLE) {
        if (conn->state == CONN_OPENING)
            conn_handshake(conn);
        else
            conn_writable(conn);
    }
    if ((events & UV_READABLE) && conn->state != CONN_CLOSED &&
        (!conn->paused || conn->state > CONN_SERVING))
        conn_readable(conn);
}

void conn_touched(struct link *link)
{
    struct conn *conn = CONTAINER(link, struct conn, touched);
    if (conn->read_more && !conn->paused) {
        conn->read_more = false;
        conn_readable(conn);
    }
    if (queue_count(&conn->queue) == 0 && conn->state != CONN_FINISHING)
        return;
    conn_flush(conn);
    if (conn->state == CONN_SERVING && queue_count(&conn->queue) == 0)
        conn->calls->drained(conn);
}

static void address_print(const struct sockaddr *address, char out[CONN_ADDRESS])
{
    const void *from = address->sa_family == AF_INET6
                           ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                           : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
    if (!inet_ntop(address->sa_family, from, out, CONN_ADDRESS))
        memcpy(out, "unknown", sizeof("unknown"));
}

static struct conn *conn_new(struct loop *loop, int fd, const struct sockaddr *address)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    if (!conn)
        return NULL;
    conn->loop = loop;
    conn->fd = fd;
    conn->poll.data = conn;
    queue_init(&conn->queue);
    address_print(address, conn->address);
    struct tls *tls = loop->server->tls;
    conn->tls = tls ? tls_accept(tls, fd) : NULL;
    if ((tls && !conn->tls) || uv_poll_init(&loop->uv, &conn->poll, fd) != 0) {
        tls_conn_free(conn->tls);
        free(conn);
        return NULL;
    }
    return conn;
}

void conn_accept(struct loop *loop, int fd, const struct sockaddr *address)
{
    struct conn *conn = conn_new(loop, fd, address);
    if (!conn) {
        close(fd);
        return;
    }
    link_last(&loop->conns, &conn->link);
    loop->conn_count++;
    atomic_fetch_add(&loop->server->conns.now, 1);
    if (conn->tls)
        wait_start(loop, WAIT_HEAD, &conn->limit, limit_passed);
    else
        conn_serve_first(conn, false);
    conn_watch(conn);
}

void conns_stop(struct loop *loop)
{
    struct link *next;
    for (struct link *link = loop->conns.next; link != &loop->conns; link = next) {
        next = link->next;
        struct conn *conn = CONTAINER(link, struct conn, link);
        if (conn->state == CONN_SERVING)
            conn->calls->stop(conn);
        else if (conn->state == CONN_OPENING)
            conn_close(conn);
    }
}

/* They leave the list only when libuv has let go of them. */
void conns_close(struct loop *loop)
{
    for (struct link *link = loop->conns.next; link != &loop->conns; link = link->next)
        conn_close(CONTAINER(link, struct conn, link));
}

void conn_serve(struct conn *conn, const struct conn_calls *calls, void *owner)
{
    conn->calls = calls;
    conn->owner = owner;
}

void conn_reread(struct conn *conn, str bytes)
{
    if (conn->state == CONN_SERVING)
        conn->calls->read(conn, bytes);
}

void *conn_owner(const struct conn *conn)
{
    return conn->owner;
}

struct loop *conn_loop(const struct conn *conn)
{
    return conn->loop;
}

bool conn_open(const struct conn *conn)
{
    return conn->state == CONN_SERVING;
}

bool conn_secure(const struct conn *conn)
{
    return conn->tls != NULL;
}

str conn_address(const struct conn *conn)
{
    return str_of(conn->address);
}

void conn_send(struct conn *conn, struct frame *frame)
{
    if (conn->state != CONN_SERVING)
        return;
    if (!queue_add(&conn->queue, frame))
        conn_close(conn);
    else if (!conn->blocked)
        loop_touch(conn->loop, &conn->touched);
}

void conn_send_copy(struct conn *conn, str bytes)
{
    struct frame *frame = frame_copy(bytes);
    if (frame)
        conn_send(conn, frame);
    else
        conn_close(conn);
    frame_unref(frame);
}

size_t conn_queued(const struct conn *conn)
{
    return queue_count(&conn->queue);
}

size_t conn_queued_bytes(const struct conn *conn)
{
    return conn->queue.bytes;
}

void conn_pause(struct conn *conn)
{
    conn->paused = true;
    conn_watch(conn);
}

void conn_resume(struct conn *conn)
{
    if (!conn->paused)
        return;
    conn->paused = false;
    conn_watch(conn);
    if (conn->tls && conn->state == CONN_SERVING) {
        conn->read_more = true;
        loop_touch(conn->loop, &conn->touched);
    }
}

void conn_wait(struct conn *conn, enum wait_kind kind)
{
    if (conn->state != CONN_SERVING)
        return;
    conn->limit_kind = (uint8_t)kind;
    wait_start(conn->loop, kind, &conn->limit, limit_passed);
}

void conn_wait_off(struct conn *conn)
{
    if (conn->state == CONN_SERVING)
        wait_stop(&conn->limit);
}

void conn_finish(struct conn *conn)
{
    if (conn->state != CONN_SERVING)
        return;
    conn->state = CONN_FINISHING;
    wait_stop(&conn->limit);
    conn_watch(conn);
    if (!conn->blocked)
        loop_touch(conn->loop, &conn->touched);
}
