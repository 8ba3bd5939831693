/*
 * HTTP/1.1: heads and bodies in, answers out, one after another.
 *
 * A connection reads a head (PHASE_HEAD), then its body (PHASE_BODY), then waits for the rest of
 * the answer (PHASE_ANSWER), and begins again. What has come but can't be used yet stays in
 * `pending`, and while there is some of it, and nothing to be done with it, the connection does not
 * read.
 */
#include "http/h1.h"

#include <stdlib.h>
#include <string.h>

#include "http/asking.h"
#include "http/chunk.h"
#include "http/exchange.h"
#include "http/h2.h"
#include "http/head.h"

#define PENDING_MAX ((size_t)256 * 1024)
#define UNWRITTEN_MAX ((size_t)1 << 20) /* bytes of answers, before the next request is begun */
#define UNWRITTEN_FRAMES 128
#define ANSWER_HEAD_MAX ((size_t)64 * 1024)

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE_LEN (sizeof(preface) - 1)

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_ANSWER };

struct h1 {
    struct conn *conn;
    struct exchange *exchange; /* NULL: none, or its answer has ended */
    struct buf pending;
    size_t scanned; /* bytes of the head in which its end is not */
    struct chunk chunk;
    int64_t left;     /* of a body that is not chunked */
    size_t body_seen; /* since the wait for it began */
    enum phase phase;
    bool first;   /* nothing has come yet: may be HTTP/2 */
    bool waiting; /* for a head that has begun, be it with empty lines */
    bool chunked, old;
    bool keep_alive; /* after this exchange */
    bool endless;    /* the answer ends with the connection */
    bool running;
    bool ended;    /* the peer sends no more */
    bool stopping; /* the server */
};

static const struct transport transport;

/* An answer of our own, after which the connection ends. */
static void h1_fail(struct h1 *h1, const struct head_fault *fault);

static void h1_start_body(struct h1 *h1, const struct head_parsed *parsed)
{
    h1->chunked = parsed->chunked;
    h1->chunk = (struct chunk){0};
    h1->left = parsed->head.body_size;
    h1->old = parsed->old;
    h1->keep_alive = parsed->keep_alive && !h1->stopping;
    h1->endless = false;
    h1->scanned = 0;
    h1->body_seen = 0;
    h1->first = false;
    h1->waiting = false;
    h1->phase = parsed->head.body_size == 0 ? PHASE_ANSWER : PHASE_BODY;
    if (h1->phase == PHASE_BODY)
        conn_wait(h1->conn, WAIT_BODY);
    else
        conn_wait_off(h1->conn);
}

static void h1_begin(struct h1 *h1, const struct head_parsed *parsed)
{
    static const struct head_fault no_memory = {
        503, "out_of_memory", "The server has no memory for this request."};
    h1_start_body(h1, parsed);
    struct exchange *exchange = exchange_new(h1->conn, &parsed->head, &transport, h1);
    if (!exchange) {
        h1_fail(h1, &no_memory);
        return;
    }
    h1->exchange = exchange;
    exchange_begin(exchange);
    if (h1->exchange && h1->phase == PHASE_ANSWER)
        exchange_body_end(h1->exchange);
}

/* How many bytes of `in` were used; 0: no more can be done now. */
static size_t take_head(struct h1 *h1, str in)
{
    if (conn_queued_bytes(h1->conn) > UNWRITTEN_MAX || conn_queued(h1->conn) > UNWRITTEN_FRAMES)
        return 0;
    if (str_starts(in, STR("\r\n"))) {
        h1->first = false;
        h1->scanned = 0;
        return 2;
    }
    size_t end = head_end(in, &h1->scanned);
    if (!end) {
        const struct head_fault *fault = head_too_long(in);
        if (fault)
            h1_fail(h1, fault);
        return 0;
    }
    struct head_parsed parsed;
    const struct head_fault *fault = head_parse((char *)(uintptr_t)in.at, end, &parsed);
    if (fault)
        h1_fail(h1, fault);
    else
        h1_begin(h1, &parsed);
    return end;
}

static void body_ended(struct h1 *h1)
{
    h1->phase = PHASE_ANSWER;
    conn_wait_off(h1->conn);
    exchange_body_end(h1->exchange);
}

static void body_give(struct h1 *h1, str bytes)
{
    h1->body_seen += bytes.len;
    if (h1->body_seen >= WAIT_BODY_BYTES) {
        h1->body_seen = 0;
        conn_wait(h1->conn, WAIT_BODY);
    }
    exchange_body(h1->exchange, bytes);
}

static size_t take_chunked(struct h1 *h1, str in)
{
    static const struct head_fault malformed = {
        400, "malformed_chunk", "The body is not a well-formed chunked one."};
    str rest = in, data = {0};
    enum chunk_step step = chunk_next(&h1->chunk, &rest, &data);
    if (step == CHUNK_DATA) {
        body_give(h1, data);
    } else if (step == CHUNK_END) {
        body_ended(h1);
    } else if (step == CHUNK_BAD) {
        struct exchange *exchange = h1->exchange;
        h1->exchange = NULL;
        exchange_gone(exchange);
        h1_fail(h1, &malformed);
    }
    return in.len - rest.len;
}

static size_t take_body(struct h1 *h1, str in)
{
    if (!h1->exchange || !exchange_reading(h1->exchange))
        return 0;
    if (h1->chunked)
        return take_chunked(h1, in);
    str bytes = str_sub(in, 0, h1->left < (int64_t)in.len ? (size_t)h1->left : in.len);
    h1->left -= (int64_t)bytes.len;
    body_give(h1, bytes);
    if (h1->exchange && h1->left == 0)
        body_ended(h1);
    return bytes.len;
}

/* What comes behind the request of a stream can't be answered any more. It is read all the same, so
 * that the peer's end is seen, but not without end. */
static str drop_behind_stream(struct h1 *h1, str in)
{
    h1->body_seen += in.len;
    if (h1->body_seen > (size_t)DISCARD_MAX)
        conn_close(h1->conn);
    return STR("");
}

/* Uses as much of `in` as can be used now; what is left. */
static str h1_run(struct h1 *h1, str in)
{
    h1->running = true;
    while (in.len && conn_open(h1->conn)) {
        size_t took = h1->phase == PHASE_HEAD   ? take_head(h1, in)
                      : h1->phase == PHASE_BODY ? take_body(h1, in)
                                                : 0;
        if (took == 0)
            break;
        in = str_sub(in, took, in.len);
    }
    h1->running = false;
    if (h1->endless && h1->phase == PHASE_ANSWER)
        return drop_behind_stream(h1, in);
    return in;
}

static void pending_keep(struct h1 *h1, str rest)
{
    if (rest.len == 0) {
        buf_done(&h1->pending);
        buf_init(&h1->pending, PENDING_MAX);
    } else if (h1->pending.at && rest.at >= h1->pending.at &&
               rest.at <= h1->pending.at + h1->pending.len) {
        memmove(h1->pending.at, rest.at, rest.len);
        h1->pending.len = rest.len;
    } else {
        buf_add(&h1->pending, rest);
    }
}

/* After each run: is there anything to read for, and how long may it take? */
static void h1_watch(struct h1 *h1)
{
    if (!conn_open(h1->conn))
        return;
    if (h1->pending.failed) {
        conn_close(h1->conn);
        return;
    }
    bool left = h1->pending.len > 0;
    bool full = h1->phase == PHASE_HEAD && left && h1->scanned == 0;
    bool waits = h1->phase == PHASE_BODY && h1->exchange && !exchange_reading(h1->exchange);
    if (full || waits || (left && h1->phase != PHASE_HEAD)) {
        conn_pause(h1->conn);
        if (waits)
            conn_wait_off(h1->conn);
    } else {
        conn_resume(h1->conn);
    }
    if (h1->ended && h1->phase == PHASE_HEAD && !full)
        conn_finish(h1->conn);
}

/* What had to wait can go on, perhaps. */
static void h1_again(struct h1 *h1)
{
    if (h1->running || !conn_open(h1->conn))
        return;
    pending_keep(h1, h1_run(h1, buf_str(&h1->pending)));
    h1_watch(h1);
}

/* The first bytes of a connection may be those of HTTP/2. True: they are, or may yet be. */
static bool h1_is_h2(struct h1 *h1, str in)
{
    size_t n = in.len < PREFACE_LEN ? in.len : PREFACE_LEN;
    if (!h1->first || memcmp(in.at, preface, n) != 0)
        return false;
    if (in.len < PREFACE_LEN) {
        pending_keep(h1, in);
        return true;
    }
    struct conn *conn = h1->conn;
    conn_wait_off(conn);
    if (h2_open(conn)) {
        conn_reread(conn, in);
        buf_done(&h1->pending);
        free(h1);
    } else {
        conn_close(conn);
    }
    return true;
}

static void h1_read(struct conn *conn, str bytes)
{
    struct h1 *h1 = conn_owner(conn);
    if (h1->phase == PHASE_HEAD && !h1->waiting) {
        h1->waiting = true;
        conn_wait(conn, WAIT_HEAD);
    }
    str in = bytes;
    if (h1->pending.len) {
        buf_add(&h1->pending, bytes);
        in = buf_str(&h1->pending);
    }
    if (h1_is_h2(h1, in))
        return;
    pending_keep(h1, h1_run(h1, in));
    h1_watch(h1);
}

static void print_head(struct h1 *h1, const struct answer_head *answer, struct buf *out)
{
    buf_reserve(out, 1024);
    buf_add(out, STR("HTTP/1.1 "));
    buf_i64(out, answer->status);
    buf_char(out, ' ');
    buf_add(out, str_of(status_text(answer->status)));
    buf_add(out, STR("\r\n"));
    for (size_t i = 0; i < answer->header_count; i++) {
        buf_add(out, answer->headers[i].name);
        buf_add(out, STR(": "));
        buf_add(out, answer->headers[i].value);
        buf_add(out, STR("\r\n"));
    }
    if (!h1->keep_alive)
        buf_add(out, STR("Connection: close\r\n"));
    else if (h1->old)
        buf_add(out, STR("Connection: keep-alive\r\n"));
    buf_add(out, STR("\r\n"));
}

/* A body that has not ended yet is not going to be read. */
static void h1_head(void *of, const struct answer_head *answer)
{
    struct h1 *h1 = of;
    h1->endless = answer->endless;
    if (answer->endless || h1->stopping || h1->phase == PHASE_BODY)
        h1->keep_alive = false;
    struct buf text;
    buf_init(&text, ANSWER_HEAD_MAX);
    print_head(h1, answer, &text);
    struct frame *frame = frame_new(&text);
    buf_done(&text);
    if (frame)
        conn_send(h1->conn, frame);
    else
        conn_close(h1->conn);
    frame_unref(frame);
    if (h1->endless && h1->ended) {
        conn_finish(h1->conn);
    } else if (h1->endless && h1->pending.len) {
        h1->body_seen = 0;
        h1_again(h1);
    }
}

static void h1_body(void *of, struct frame *frame)
{
    struct h1 *h1 = of;
    conn_send(h1->conn, frame);
}

static void h1_end(void *of)
{
    struct h1 *h1 = of;
    h1->exchange = NULL;
    if (!h1->keep_alive || h1->stopping) {
        conn_finish(h1->conn);
        return;
    }
    h1->phase = PHASE_HEAD;
    h1->scanned = 0;
    h1->waiting = h1->pending.len > 0;
    conn_wait(h1->conn, h1->waiting ? WAIT_HEAD : WAIT_IDLE);
    h1_again(h1);
}

static void h1_abort(void *of)
{
    struct h1 *h1 = of;
    h1->exchange = NULL;
    conn_close(h1->conn);
}

static size_t h1_queued(void *of)
{
    struct h1 *h1 = of;
    return conn_queued(h1->conn);
}

static size_t h1_queued_bytes(void *of)
{
    struct h1 *h1 = of;
    return conn_queued_bytes(h1->conn);
}

static void h1_resume(void *of)
{
    struct h1 *h1 = of;
    if (h1->phase == PHASE_BODY)
        conn_wait(h1->conn, WAIT_BODY);
    h1_again(h1);
}

static void h1_go_on(void *of)
{
    struct h1 *h1 = of;
    if (!h1->old)
        conn_send_copy(h1->conn, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

static const struct transport transport = {.head = h1_head,
                                           .body = h1_body,
                                           .end = h1_end,
                                           .abort = h1_abort,
                                           .queued = h1_queued,
                                           .queued_bytes = h1_queued_bytes,
                                           .resume = h1_resume,
                                           .go_on = h1_go_on};

static void h1_fail(struct h1 *h1, const struct head_fault *fault)
{
    struct answer_plain plain;
    answer_plain(conn_loop(h1->conn), fault->status, fault->code, fault->detail, &plain);
    h1->keep_alive = false;
    h1_head(h1, &plain.head);
    if (plain.body)
        conn_send(h1->conn, plain.body);
    frame_unref(plain.body);
    conn_finish(h1->conn);
}

/* A stream whose client says no more is over; to anything else that was asked the answer is given.
 */
static void h1_ended(struct conn *conn)
{
    struct h1 *h1 = conn_owner(conn);
    h1->ended = true;
    if (!h1->exchange) {
        if (h1->phase == PHASE_HEAD)
            conn_finish(conn);
    } else if (h1->phase == PHASE_BODY || h1->endless) {
        conn_close(conn);
    } else {
        exchange_leaving(h1->exchange);
    }
}

static void h1_drained(struct conn *conn)
{
    struct h1 *h1 = conn_owner(conn);
    if (h1->exchange)
        exchange_drained(h1->exchange);
    else if (h1->pending.len)
        h1_again(h1);
}

static void h1_late(struct conn *conn, enum wait_kind kind)
{
    static const struct head_fault late = {
        408, "request_timeout", "The request did not come in time."};
    struct h1 *h1 = conn_owner(conn);
    if (kind == WAIT_BODY && h1->exchange) {
        struct exchange *exchange = h1->exchange;
        h1->exchange = NULL;
        exchange_gone(exchange);
        h1_fail(h1, &late);
    } else if (kind == WAIT_HEAD && h1->pending.len) {
        h1_fail(h1, &late);
    } else {
        conn_finish(conn);
    }
}

static void h1_stop(struct conn *conn)
{
    struct h1 *h1 = conn_owner(conn);
    h1->stopping = true;
    if (h1->exchange)
        exchange_stop(h1->exchange);
    else if (h1->phase == PHASE_HEAD && h1->pending.len == 0)
        conn_finish(conn);
}

static void h1_closed(struct conn *conn)
{
    struct h1 *h1 = conn_owner(conn);
    if (h1->exchange)
        exchange_gone(h1->exchange);
    buf_done(&h1->pending);
    free(h1);
}

bool h1_open(struct conn *conn)
{
    static const struct conn_calls calls = {.read = h1_read,
                                            .ended = h1_ended,
                                            .drained = h1_drained,
                                            .late = h1_late,
                                            .stop = h1_stop,
                                            .closed = h1_closed};
    struct h1 *h1 = calloc(1, sizeof(*h1));
    if (!h1)
        return false;
    *h1 = (struct h1){.conn = conn, .first = true, .waiting = true};
    buf_init(&h1->pending, PENDING_MAX);
    conn_serve(conn, &calls, h1);
    conn_wait(conn, WAIT_HEAD);
    return true;
}
