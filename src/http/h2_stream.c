/*
 * A stream of HTTP/2: the request's body goes to the exchange, the answer's frames wait here for
 * the peer's window.
 *
 * The window of a body is given back as the exchange takes it, so that an upload comes as fast as
 * the disk writes. The connection's window is given back at once: one upload that waits must not
 * hold up the other streams.
 */
#include "http/h2_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_OUT_MAX 64
#define WIDE_WINDOW (256 * 1024)

static void request_late(struct wait *wait);
static void answer_late(struct wait *wait);

struct h2_stream *h2_stream_new(struct h2 *h2, int32_t id)
{
    struct h2_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return NULL;
    stream->h2 = h2;
    stream->id = id;
    stream->left = SIZE_MAX;
    queue_init(&stream->queue);
    link_last(&h2->streams, &stream->link);
    wait_start(conn_loop(h2->conn), WAIT_HEAD, &stream->request_wait, request_late);
    return stream;
}

static struct exchange *exchange_take(struct h2_stream *stream)
{
    struct exchange *exchange = stream->exchange;
    stream->exchange = NULL;
    link_off(&stream->drained);
    return exchange;
}

static void exchange_leave(struct h2_stream *stream)
{
    struct exchange *exchange = exchange_take(stream);
    if (exchange)
        exchange_gone(exchange);
}

void h2_stream_free(struct h2_stream *stream)
{
    exchange_leave(stream);
    wait_stop(&stream->request_wait);
    wait_stop(&stream->answer_wait);
    queue_done(&stream->queue);
    link_off(&stream->drained);
    link_off(&stream->link);
    free(stream);
}

/* The exchange is over, or is told so; what was queued is dropped. */
static void stream_drop(struct h2_stream *stream, uint32_t code)
{
    wait_stop(&stream->request_wait);
    wait_stop(&stream->answer_wait);
    queue_done(&stream->queue);
    stream->ended = true;
    nghttp2_submit_rst_stream(stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, code);
    h2_pump(stream->h2);
}

void h2_stream_closed(struct h2_stream *stream)
{
    bool whole = stream->answered && (stream->bodyless || stream->left == 0) &&
                 queue_count(&stream->queue) == 0;
    if (!stream->exchange || !whole) {
        h2_stream_free(stream);
        return;
    }
    stream->closed = true;
    wait_stop(&stream->request_wait);
    wait_stop(&stream->answer_wait);
}

/* The stream has closed already, and was kept for its exchange to end. */
static bool closed_end(struct h2_stream *stream)
{
    struct h2 *h2 = stream->h2;
    if (!stream->closed)
        return false;
    h2_stream_free(stream);
    h2_pump(h2);
    return true;
}

/* Within a call of the exchange, which therefore hears of it later: when the stream closes. */
static void stream_break(struct h2_stream *stream)
{
    stream->ended = true;
    nghttp2_submit_rst_stream(
        stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_INTERNAL_ERROR);
}

/* nghttp2 asks for the next piece of the answer. */
static ssize_t answer_read(nghttp2_session *session, int32_t id, uint8_t *into, size_t size,
                           uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session, (void)id, (void)user;
    struct h2_stream *stream = source->ptr;
    struct iovec piece;
    size_t len = 0;
    while (len < size && queue_pieces(&stream->queue, &piece, 1) == 1) {
        size_t n = piece.iov_len < size - len ? piece.iov_len : size - len;
        memcpy(into + len, piece.iov_base, n);
        queue_wrote(&stream->queue, n);
        len += n;
    }
    if (stream->left != SIZE_MAX)
        stream->left -= len < stream->left ? len : stream->left;
    bool empty = queue_count(&stream->queue) == 0;
    if (empty && stream->behind && stream->exchange)
        link_last(&stream->h2->drained, &stream->drained);
    if (empty)
        wait_stop(&stream->answer_wait);
    else
        wait_start(conn_loop(stream->h2->conn), WAIT_STALL, &stream->answer_wait, answer_late);
    if (empty && (stream->ended || stream->left == 0))
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (len == 0)
        return NGHTTP2_ERR_DEFERRED;
    return (ssize_t)len;
}

static nghttp2_nv pair(str name, str value)
{
    return (nghttp2_nv){.name = (uint8_t *)name.at,
                        .namelen = name.len,
                        .value = (uint8_t *)value.at,
                        .valuelen = value.len};
}

static void answer_head(void *transport, const struct answer_head *answer)
{
    struct h2_stream *stream = transport;
    nghttp2_nv pairs[1 + HEADERS_OUT_MAX];
    char status[12];
    int64_t size;
    str status_text = {status, (size_t)snprintf(status, sizeof(status), "%d", answer->status)};
    pairs[0] = pair(STR(":status"), status_text);
    size_t n = answer->header_count <= HEADERS_OUT_MAX ? answer->header_count : 0;
    for (size_t i = 0; i < n; i++) {
        const struct header *header = &answer->headers[i];
        pairs[1 + i] = pair(header->name, header->value);
        if (!answer->endless && str_eq_nocase(header->name, STR("content-length")) &&
            str_i64(header->value, &size) && size >= 0)
            stream->left = (size_t)size;
    }
    stream->answered = true;
    stream->bodyless =
        stream->for_head || answer->status == 204 || answer->status == 304 || stream->left == 0;
    nghttp2_data_provider provider = {.source.ptr = stream, .read_callback = answer_read};
    if (n != answer->header_count ||
        nghttp2_submit_response(
            stream->h2->session, stream->id, pairs, 1 + n, stream->bodyless ? NULL : &provider) !=
            0)
        stream_break(stream);
}

static void answer_send(struct h2_stream *stream)
{
    nghttp2_session_resume_data(stream->h2->session,
                                stream->id); /* fails when it was not deferred: good */
    h2_pump(stream->h2);
}

static void answer_body(void *transport, struct frame *frame)
{
    struct h2_stream *stream = transport;
    if (stream->bodyless || stream->ended || stream->closed || frame_bytes(frame).len == 0)
        return;
    if (!queue_add(&stream->queue, frame)) {
        stream_break(stream);
        return;
    }
    if (!link_on(&stream->answer_wait.link))
        wait_start(conn_loop(stream->h2->conn), WAIT_STALL, &stream->answer_wait, answer_late);
    answer_send(stream);
}

static void answer_end(void *transport)
{
    struct h2_stream *stream = transport;
    exchange_take(stream);
    if (closed_end(stream))
        return;
    stream->ended = true;
    if (!stream->lingering)
        wait_stop(&stream->request_wait);
    answer_send(stream);
}

static void answer_abort(void *transport)
{
    struct h2_stream *stream = transport;
    exchange_take(stream);
    if (!closed_end(stream))
        stream_drop(stream, NGHTTP2_INTERNAL_ERROR);
}

/* Whoever is told that something waits will hear when it no longer does. */
static size_t answer_queued(void *transport)
{
    struct h2_stream *stream = transport;
    size_t count = queue_count(&stream->queue);
    stream->behind = stream->behind || count > 0;
    return count;
}

static size_t answer_queued_bytes(void *transport)
{
    const struct h2_stream *stream = transport;
    return stream->queue.bytes;
}

static void request_wait(struct h2_stream *stream)
{
    stream->body_bytes = 0;
    wait_start(conn_loop(stream->h2->conn), WAIT_BODY, &stream->request_wait, request_late);
}

static void request_resume(void *transport)
{
    struct h2_stream *stream = transport;
    if (stream->held == 0 || stream->closed || stream->lingering)
        return;
    nghttp2_session_consume_stream(stream->h2->session, stream->id, stream->held);
    stream->held = 0;
    if (!nghttp2_session_get_stream_remote_close(stream->h2->session, stream->id))
        request_wait(stream);
    h2_pump(stream->h2);
}

static void request_go_on(void *transport)
{
    struct h2_stream *stream = transport;
    nghttp2_nv status = pair(STR(":status"), STR("100"));
    nghttp2_submit_headers(
        stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, NULL, &status, 1, NULL);
    h2_pump(stream->h2);
}

static const struct transport stream_calls = {
    .head = answer_head,
    .body = answer_body,
    .end = answer_end,
    .abort = answer_abort,
    .queued = answer_queued,
    .queued_bytes = answer_queued_bytes,
    .resume = request_resume,
    .go_on = request_go_on,
};

static void plain_answer(struct h2_stream *stream, int status)
{
    static const struct {
        int status;
        const char *code, *detail;
    } plains[] = {
        {400, "bad_host", "Host must be what :authority is, and no more than a host."},
        {408, "request_timeout", "The request did not come in time."},
        {414, "uri_too_long", "The path and query are too long."},
        {431, "headers_too_large", "The headers of the request are too many or too large."},
        {503, "out_of_memory", "The server has no memory for this request now."},
    };
    size_t i = 0;
    while (plains[i].status != status && i + 1 < LENGTH(plains))
        i++;
    struct answer_plain plain;
    answer_plain(conn_loop(stream->h2->conn), status, plains[i].code, plains[i].detail, &plain);
    bool was_busy = stream->h2->busy;
    stream->h2->busy = true; /* so that the stream lives to the end of it */
    answer_head(stream, &plain.head);
    if (plain.body)
        answer_body(stream, plain.body);
    frame_unref(plain.body);
    stream->h2->busy = was_busy;
    answer_end(stream);
}

/* The rest of a body that nobody wants is not to be sent. */
static void linger_late(struct wait *wait)
{
    stream_drop(CONTAINER(wait, struct h2_stream, request_wait), NGHTTP2_NO_ERROR);
}

/*
 * The answer is complete before the request is. Not every client finds an answer that comes
 * together with the end of the stream while it is still sending; so it gets time to read, but no
 * more window.
 */
void h2_stream_linger(struct h2_stream *stream)
{
    stream->lingering = true;
    wait_start(conn_loop(stream->h2->conn), WAIT_LINGER, &stream->request_wait, linger_late);
}

/* What is missing of the request does not come: says so when nothing has been said. A head that
 * does not end holds up all streams, so it ends the connection. */
static void request_late(struct wait *wait)
{
    struct h2_stream *stream = CONTAINER(wait, struct h2_stream, request_wait);
    bool begun = stream->exchange != NULL;
    if (!begun && !stream->answered) {
        nghttp2_session_terminate_session(stream->h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
        h2_pump(stream->h2);
        return;
    }
    exchange_leave(stream);
    if (begun && !stream->answered)
        plain_answer(stream, 408);
    else
        stream_drop(stream, NGHTTP2_CANCEL);
}

static void answer_late(struct wait *wait)
{
    struct h2_stream *stream = CONTAINER(wait, struct h2_stream, answer_wait);
    exchange_leave(stream);
    stream_drop(stream, NGHTTP2_CANCEL);
}

void h2_stream_begin(struct h2_stream *stream, const struct exchange_head *head, int status,
                     bool has_body)
{
    wait_stop(&stream->request_wait);
    stream->for_head = str_eq(head->method, STR("HEAD"));
    if (status == 0) {
        stream->exchange = exchange_new(stream->h2->conn, head, &stream_calls, stream);
        status = stream->exchange ? 0 : 503;
    }
    if (status != 0) {
        plain_answer(stream, status);
        return;
    }
    if (has_body)
        request_wait(stream);
    exchange_begin(stream->exchange);
    if (!has_body)
        h2_stream_data_end(stream);
}

/* A body that is taken as it comes gets a wider window: with the first one a fast client would wait
 * for us. */
static void window_widen(struct h2_stream *stream, size_t taken)
{
    if (stream->taken > EXCHANGE_AHEAD)
        return;
    stream->taken += taken;
    if (stream->taken > EXCHANGE_AHEAD)
        nghttp2_session_set_local_window_size(
            stream->h2->session, NGHTTP2_FLAG_NONE, stream->id, WIDE_WINDOW);
}

void h2_stream_data(struct h2_stream *stream, str bytes)
{
    nghttp2_session *session = stream->h2->session;
    nghttp2_session_consume_connection(session, bytes.len);
    if (stream->exchange)
        exchange_body(stream->exchange, bytes);
    if (!stream->exchange)
        return; /* nobody wants it: the window stays as it is */
    if (!exchange_reading(stream->exchange)) {
        stream->held += bytes.len;
        if (!stream->lingering)
            wait_stop(&stream->request_wait);
        return;
    }
    nghttp2_session_consume_stream(session, stream->id, bytes.len);
    window_widen(stream, bytes.len);
    stream->body_bytes += bytes.len;
    if (stream->body_bytes >= WAIT_BODY_BYTES)
        request_wait(stream);
}

void h2_stream_data_end(struct h2_stream *stream)
{
    wait_stop(&stream->request_wait);
    if (stream->exchange)
        exchange_body_end(stream->exchange);
}
