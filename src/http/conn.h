/*
 * A connection of a loop, plain or TLS: bytes in, shared bytes out.
 *
 * A protocol (h1.c, h2.c) takes it over with conn_serve and is called from then on. Writing never
 * calls back: conn_send queues, the queue is written by conn_flush or before the loop sleeps. A
 * connection that breaks or that nothing could be written to for WAIT_STALL closes by itself, and
 * so does one that is closed by its owner: `closed` follows, never inside another call, and is the
 * last one. Until then the functions below may be called and do nothing.
 * Thread: the loop's.
 */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/str.h"
#include "http/loop.h"
#include "http/stream.h"
#include "http/wait.h"

#define CONN_READ_MAX ((size_t)64 * 1024) /* bytes of one `read` */
#define CONN_ADDRESS INET6_ADDRSTRLEN

struct conn;

struct conn_calls {
    /* Good during the call only; take all of it. After conn_pause no more comes. */
    void (*read)(struct conn *conn, str bytes);
    /* The peer sends no more; it may still be listening. Called once. */
    void (*ended)(struct conn *conn);
    /* The queue has become empty (not told when conn_flush was called by hand). */
    void (*drained)(struct conn *conn);
    /* What conn_wait asked for has not come in time. */
    void (*late)(struct conn *conn, enum wait_kind kind);
    /* The server stops: finish what is under way, begin nothing, then close. */
    void (*stop)(struct conn *conn);
    /* The last call: free what is the owner's. Exchanges that live are gone (exchange_gone). */
    void (*closed)(struct conn *conn);
};

/* Takes the connection over, also from another protocol; `calls` is static. */
void conn_serve(struct conn *conn, const struct conn_calls *calls, void *owner);
/* Gives bytes that the owner before had read to the one that serves now. */
void conn_reread(struct conn *conn, str bytes);
void *conn_owner(const struct conn *conn);
struct loop *conn_loop(const struct conn *conn);
bool conn_open(const struct conn *conn); /* not closed and not finishing */
bool conn_secure(const struct conn *conn);
/* The peer's address as text. */
str conn_address(const struct conn *conn);

/* Queues the frame; takes its own reference. */
void conn_send(struct conn *conn, struct frame *frame);
/* The same with a copy of the bytes; no memory closes the connection. */
void conn_send_copy(struct conn *conn, str bytes);
void conn_flush(struct conn *conn);
/* Frames and bytes that are not yet written. The caller keeps them bounded. */
size_t conn_queued(const struct conn *conn);
size_t conn_queued_bytes(const struct conn *conn);

/* Stops and goes on with reading; meanwhile the peer's end is not noticed. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

/* `late` is called unless conn_wait or conn_wait_off comes first; one at a time. */
void conn_wait(struct conn *conn, enum wait_kind kind);
void conn_wait_off(struct conn *conn);

/* Writes what is queued, then says the end, waits for the peer's (WAIT_LINGER) and closes. */
void conn_finish(struct conn *conn);
void conn_close(struct conn *conn); /* at once */

#endif
