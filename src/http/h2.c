/*
 * HTTP/2 on a connection: the session of nghttp2, what it is allowed, and when it ends.
 *
 * nghttp2 may not be made to send from within its own callbacks. So everything that wants to send
 * calls h2_pump, which does nothing while the session is at work (`busy`); whoever made it work
 * pumps afterwards (h2_turn). An exchange is told that its answer was sent only from there too,
 * never from within a call that it made itself.
 *
 * What a peer can make us hold or do is limited: streams at a time, bytes of a request's head,
 * resets, acknowledgements, frames that say nothing, and bytes to be written, beyond which answers
 * wait in their streams.
 */
#include "http/h2.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/time.h"
#include "http/h2_stream.h"
#include "http/head.h"
#include "http/patience.h"

#define STREAMS_MAX 100
#define CONNECTION_WINDOW (1 << 20)
#define PIECE ((size_t)64 * 1024) /* bytes of what is handed to the connection at a time */
#define QUEUED_MAX \
    ((size_t)256 * 1024)   /* bytes of the connection's queue: then wait until it is written */
#define RESETS_BURST 200   /* streams that a peer may break off at once, */
#define RESETS_A_SECOND 20 /* and then */
#define ACKS_MAX 100
#define NOISE_A_SECOND 1000
#define FAULTS_A_SECOND 100
#define HEAD_FLOOD \
    (4 * EXCHANGE_HEAD_MAX) /* bytes after which a too large head is not even answered */

/* A request's head as it is read: one at a time, since header blocks don't mix. */
struct h2_head {
    struct arena mem;
    struct h2_stream *stream;
    struct header headers[EXCHANGE_HEADERS_MAX];
    size_t count, bytes;
    str method, target, authority;
    int64_t body_size;
    int status; /* of the answer when it is refused */
};

static void head_drop(struct h2 *h2)
{
    if (h2->head)
        arena_done(&h2->head->mem);
    free(h2->head);
    h2->head = NULL;
}

static void header_keep(struct h2_head *head, str name, str value)
{
    if (str_eq(name, STR("content-length")))
        str_i64(value, &head->body_size);
    if (head->count == EXCHANGE_HEADERS_MAX) {
        head->status = 431;
        return;
    }
    struct header *header = &head->headers[head->count++];
    header->name = str_copy(&head->mem, name);
    header->value = str_copy(&head->mem, value);
}

/* :authority, Host, or both if they say the same. */
static void host_take(struct h2_head *head, str value)
{
    if (!head_host_ok(value) || (head->authority.at && !str_eq_nocase(head->authority, value)))
        head->status = 400;
    if (head->authority.at)
        return;
    head->authority = str_copy(&head->mem, value);
    header_keep(head, STR("host"), value);
}

static void header_take(struct h2_head *head, str name, str value)
{
    if (head->bytes > EXCHANGE_HEAD_MAX) {
        head->status = 431;
    } else if (str_eq(name, STR(":path"))) {
        if (value.len > EXCHANGE_TARGET_MAX)
            head->status = 414;
        else
            head->target = str_copy(&head->mem, value);
    } else if (str_eq(name, STR(":method"))) {
        head->method = str_copy(&head->mem, value);
    } else if (str_eq(name, STR(":authority")) || str_eq(name, STR("host"))) {
        host_take(head, value);
    } else if (name.at[0] != ':') {
        header_keep(head, name, value);
    }
}

/* Of what costs the peer next to nothing there may be so many a second, then it is enough. */
static void burst_count(struct h2 *h2, struct h2_burst *burst, unsigned most)
{
    int64_t now_s = time_steady() / US_PER_S;
    burst->n = burst->second == now_s ? burst->n + 1 : 1;
    burst->second = now_s;
    if (burst->n == most)
        nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    head_drop(h2);
    struct h2_stream *stream = h2_stream_new(h2, frame->hd.stream_id);
    struct h2_head *head = stream ? calloc(1, sizeof(*head)) : NULL;
    if (!head) {
        if (stream)
            h2_stream_free(stream);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (h2->idle)
        conn_wait_off(h2->conn);
    h2->idle = false;
    arena_init(&head->mem, 2 * EXCHANGE_HEAD_MAX);
    head->stream = stream;
    head->body_size = -1;
    h2->head = head;
    nghttp2_session_set_stream_user_data(session, stream->id, stream);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    (void)session, (void)flags;
    struct h2_head *head = ((struct h2 *)user)->head;
    if (!head || frame->headers.cat != NGHTTP2_HCAT_REQUEST ||
        head->stream->id != frame->hd.stream_id)
        return 0; /* a trailer */
    head->bytes += name_len + value_len;
    if (head->bytes > HEAD_FLOOD) {
        burst_count(user, &((struct h2 *)user)->faults, FAULTS_A_SECOND);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    header_take(head, (str){(const char *)name, name_len}, (str){(const char *)value, value_len});
    return 0;
}

/* CONNECT has no path: its authority stands for it, and no route has that. */
static void request_begin(struct h2 *h2, bool has_body)
{
    struct h2_head *head = h2->head;
    struct exchange_head made = {.method = head->method,
                                 .target = head->target.at ? head->target : head->authority,
                                 .headers = head->headers,
                                 .header_count = head->count,
                                 .body_size = has_body ? head->body_size : 0};
    if (arena_failed(&head->mem) && head->status == 0)
        head->status = head->mem.used > head->mem.cap / 2 ? 431 : 503; /* or there was no memory */
    h2_stream_begin(head->stream, &made, head->status, has_body);
    head_drop(h2);
}

/* Frames that carry nothing, also those that are ignored. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *user)
{
    (void)session;
    struct h2 *h2 = user;
    bool request = head->type == NGHTTP2_HEADERS || head->type == NGHTTP2_RST_STREAM ||
                   head->type == NGHTTP2_WINDOW_UPDATE;
    if (!request && (head->type != NGHTTP2_DATA || head->length == 0))
        burst_count(h2, &h2->noise, NOISE_A_SECOND);
    return 0;
}

/* What breaks a stream only: a stream too many, a window too wide. Each makes us send a reset, and
 * what was begun for the stream goes on for a while. */
static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int why,
                            void *user)
{
    (void)session, (void)frame, (void)why;
    struct h2 *h2 = user;
    burst_count(h2, &h2->faults, FAULTS_A_SECOND);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct h2 *h2 = user;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (h2->head && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            request_begin(h2, !ends);
        else if (stream && ends)
            h2_stream_data_end(stream);
        break;
    case NGHTTP2_DATA:
        if (stream && ends)
            h2_stream_data_end(stream);
        else if (frame->hd.length > 0 && frame->hd.length == frame->data.padlen)
            burst_count(h2, &h2->noise, NOISE_A_SECOND);
        break;
    case NGHTTP2_SETTINGS:
        if (h2->idle && !h2->greeted)
            conn_wait(h2->conn, WAIT_IDLE);
        h2->greeted = true;
        break;
    default:
        break;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *user)
{
    (void)flags, (void)user;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (stream)
        h2_stream_data(stream, (str){(const char *)data, len});
    else
        nghttp2_session_consume(session, id, len);
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)user;
    int32_t id = frame->hd.stream_id;
    bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (ends && stream && nghttp2_session_get_stream_remote_close(session, id) == 0)
        h2_stream_linger(stream);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    (void)code;
    struct h2 *h2 = user;
    struct h2_stream *stream = nghttp2_session_get_stream_user_data(session, id);
    if (!stream)
        return 0;
    if (h2->head && h2->head->stream == stream)
        head_drop(h2);
    h2_stream_closed(stream);
    return 0;
}

/* What the session has to say, as frames for the connection; false: it is broken. */
static bool session_write(struct h2 *h2)
{
    CLEANUP(buf_done) struct buf out = {.max = 4 * PIECE};
    ssize_t n = 1;
    while (n > 0 && out.len < PIECE) {
        const uint8_t *at;
        n = nghttp2_session_mem_send(h2->session, &at);
        if (n > 0)
            buf_add(&out, (str){(const char *)at, (size_t)n});
    }
    if (n < 0 || out.failed)
        return false;
    if (out.len == 0)
        return true;
    struct frame *frame = frame_new(&out);
    if (frame)
        conn_send(h2->conn, frame);
    frame_unref(frame);
    return frame != NULL;
}

static bool queue_has_room(struct h2 *h2)
{
    if (conn_queued_bytes(h2->conn) >= QUEUED_MAX)
        conn_flush(h2->conn);
    return conn_open(h2->conn) && conn_queued_bytes(h2->conn) < QUEUED_MAX;
}

/* Without open streams the connection is idle, or has nothing more to come. */
static void h2_settle(struct h2 *h2)
{
    if (!conn_open(h2->conn))
        return;
    if (!nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session)) {
        conn_finish(h2->conn);
    } else if (!h2->idle && !ring_first(&h2->streams)) {
        h2->idle = true;
        conn_wait(h2->conn, WAIT_IDLE);
    }
}

void h2_pump(struct h2 *h2)
{
    if (h2->busy)
        return;
    h2->busy = true;
    while (queue_has_room(h2) && nghttp2_session_want_write(h2->session)) {
        size_t before = conn_queued_bytes(h2->conn);
        if (!session_write(h2))
            conn_close(h2->conn);
        else if (conn_queued_bytes(h2->conn) == before)
            break; /* what it wants to write waits for a window */
    }
    h2->busy = false;
    h2_settle(h2);
}

/* Pumps, and tells those whose answers had to wait that they are sent, as long as that gives more
 * to send. */
static void h2_turn(struct h2 *h2)
{
    h2_pump(h2);
    struct link *first;
    while ((first = ring_first(&h2->drained)) && conn_open(h2->conn)) {
        struct h2_stream *stream = CONTAINER(first, struct h2_stream, drained);
        link_off(first);
        if (queue_count(&stream->queue) > 0)
            continue; /* it will be on the list again */
        stream->behind = false;
        exchange_drained(stream->exchange);
        h2_pump(h2);
    }
}

static void h2_read(struct conn *conn, str bytes)
{
    struct h2 *h2 = conn_owner(conn);
    h2->busy = true;
    ssize_t n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)bytes.at, bytes.len);
    h2->busy = false;
    if (n == NGHTTP2_ERR_BAD_CLIENT_MAGIC || n == NGHTTP2_ERR_NOMEM) {
        conn_close(conn);
        return;
    }
    if (n < 0)
        nghttp2_session_terminate_session(h2->session,
                                          n == NGHTTP2_ERR_FLOODED ? NGHTTP2_ENHANCE_YOUR_CALM
                                                                   : NGHTTP2_INTERNAL_ERROR);
    h2_turn(h2);
}

/* Nobody is left to read the answers. */
static void h2_ended(struct conn *conn)
{
    conn_close(conn);
}

static void h2_drained(struct conn *conn)
{
    h2_turn(conn_owner(conn));
}

static void h2_go_away(struct h2 *h2)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(h2->session);
    nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
    h2_turn(h2);
}

static void h2_late(struct conn *conn, enum wait_kind kind)
{
    if (kind == WAIT_IDLE)
        h2_go_away(conn_owner(conn));
    else
        conn_close(conn);
}

static void h2_stop(struct conn *conn)
{
    struct h2 *h2 = conn_owner(conn);
    h2->busy = true; /* so that no stream is freed here but the one that is told */
    struct link *next;
    for (struct link *link = h2->streams.next; link != &h2->streams; link = next) {
        next = link->next;
        struct h2_stream *stream = CONTAINER(link, struct h2_stream, link);
        if (stream->exchange)
            exchange_stop(stream->exchange);
    }
    h2->busy = false;
    h2_go_away(h2);
}

static void h2_free(struct h2 *h2)
{
    struct link *first;
    head_drop(h2);
    while ((first = ring_first(&h2->streams)))
        h2_stream_free(CONTAINER(first, struct h2_stream, link));
    nghttp2_session_del(h2->session);
    free(h2);
}

static void h2_closed(struct conn *conn)
{
    h2_free(conn_owner(conn));
}

static const struct conn_calls h2_calls = {
    .read = h2_read,
    .ended = h2_ended,
    .drained = h2_drained,
    .late = h2_late,
    .stop = h2_stop,
    .closed = h2_closed,
};

static void options_done(nghttp2_option **option)
{
    nghttp2_option_del(*option);
}

static void callbacks_done(nghttp2_session_callbacks **callbacks)
{
    nghttp2_session_callbacks_del(*callbacks);
}

static bool session_new(struct h2 *h2)
{
    CLEANUP(options_done) nghttp2_option *option = NULL;
    CLEANUP(callbacks_done) nghttp2_session_callbacks *callbacks = NULL;
    if (nghttp2_option_new(&option) != 0 || nghttp2_session_callbacks_new(&callbacks) != 0)
        return false;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, ACKS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(option, RESETS_BURST, RESETS_A_SECOND);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    return nghttp2_session_server_new3(&h2->session, callbacks, h2, option, patience_h2()) == 0;
}

static bool session_greet(nghttp2_session *session)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, EXCHANGE_AHEAD},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, EXCHANGE_HEAD_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    return nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, LENGTH(settings)) == 0 &&
           nghttp2_session_set_local_window_size(
               session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW) == 0;
}

bool h2_open(struct conn *conn)
{
    struct h2 *h2 = calloc(1, sizeof(*h2));
    if (!h2)
        return false;
    h2->conn = conn;
    h2->idle = true;
    ring_init(&h2->streams);
    ring_init(&h2->drained);
    if (!session_new(h2) || !session_greet(h2->session)) {
        h2_free(h2);
        return false;
    }
    conn_serve(conn, &h2_calls, h2);
    conn_wait(conn, WAIT_HEAD);
    h2_pump(h2);
    return true;
}
