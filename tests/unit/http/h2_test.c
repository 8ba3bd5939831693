/*
 * HTTP/2 against nghttp2's own client, in memory: the connection and the exchanges are stood in
 * for, so that each moment can be chosen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/exchange.h"
#include "http/h2.h"

#define EXCHANGES 300

/* ---- The connection: what is sent is kept for the client; `stuck` takes nothing from the queue.
 */

struct conn {
    const struct conn_calls *calls;
    void *owner;
    struct buf out;
    bool closed, finished, stuck;
    int waiting; /* -1: for nothing */
};

void conn_serve(struct conn *conn, const struct conn_calls *calls, void *owner)
{
    conn->calls = calls;
    conn->owner = owner;
}

void *conn_owner(const struct conn *conn)
{
    return conn->owner;
}
struct loop *conn_loop(const struct conn *conn)
{
    return (struct loop *)(uintptr_t)conn;
}
bool conn_open(const struct conn *conn)
{
    return !conn->closed && !conn->finished;
}
void conn_send(struct conn *conn, struct frame *frame)
{
    buf_add(&conn->out, frame_bytes(frame));
}
void conn_flush(struct conn *conn)
{
    (void)conn;
}
size_t conn_queued_bytes(const struct conn *conn)
{
    return conn->stuck ? conn->out.len : 0;
}
void conn_wait(struct conn *conn, enum wait_kind kind)
{
    conn->waiting = (int)kind;
}
void conn_wait_off(struct conn *conn)
{
    conn->waiting = -1;
}
void conn_finish(struct conn *conn)
{
    conn->finished = true;
}
void conn_close(struct conn *conn)
{
    conn->closed = true;
}

/* ---- Waits: one of each kind is remembered, to be run by hand. */

static struct wait *waiting[WAIT_KINDS];

void wait_start(struct loop *loop, enum wait_kind kind, struct wait *wait,
                void (*run)(struct wait *))
{
    (void)loop;
    wait_stop(wait);
    wait->run = run;
    wait->link.next = wait->link.previous = &wait->link;
    waiting[kind] = wait;
}

void wait_stop(struct wait *wait)
{
    wait->link.next = wait->link.previous = NULL;
    for (int i = 0; i < WAIT_KINDS; i++)
        waiting[i] = waiting[i] == wait ? NULL : waiting[i];
}

static void wait_passes(enum wait_kind kind)
{
    struct wait *wait = waiting[kind];
    assert_non_null(wait);
    wait_stop(wait);
    wait->run(wait);
}

/* ---- Exchanges: they remember what they were given, and answer when the test says. */

struct exchange {
    const struct transport *calls;
    void *transport;
    struct buf head, body;
    int64_t body_size;
    bool paused, begun, body_ended, over;
    int gone, drained, stopped;
};

static struct exchange exchanges[EXCHANGES];
static size_t exchange_count;

/* What an exchange does as soon as it begins, or has all of its body; NULL: nothing. */
static void (*on_begin)(struct exchange *), (*on_body_end)(struct exchange *);

struct exchange *exchange_new(struct conn *conn, const struct exchange_head *head,
                              const struct transport *calls, void *transport)
{
    (void)conn;
    assert_true(exchange_count < EXCHANGES);
    struct exchange *exchange = &exchanges[exchange_count++];
    *exchange =
        (struct exchange){.calls = calls, .transport = transport, .body_size = head->body_size};
    exchange->head.max = exchange->body.max = 64 << 20;
    buf_fmt(&exchange->head, "%.*s %.*s", STR_ARGS(head->method), STR_ARGS(head->target));
    for (size_t i = 0; i < head->header_count; i++)
        buf_fmt(&exchange->head,
                "|%.*s: %.*s",
                STR_ARGS(head->headers[i].name),
                STR_ARGS(head->headers[i].value));
    buf_char(&exchange->head, 0);
    return exchange;
}

static bool lives(const struct exchange *exchange)
{
    return !exchange->over && !exchange->gone;
}

void exchange_begin(struct exchange *exchange)
{
    exchange->begun = true;
    if (on_begin)
        on_begin(exchange);
}

bool exchange_reading(const struct exchange *exchange)
{
    assert_true(lives(exchange));
    return !exchange->paused;
}

void exchange_body(struct exchange *exchange, str bytes)
{
    assert_true(lives(exchange) && exchange->begun && !exchange->body_ended);
    buf_add(&exchange->body, bytes);
}

void exchange_body_end(struct exchange *exchange)
{
    assert_true(lives(exchange) && !exchange->body_ended);
    exchange->body_ended = true;
    if (on_body_end)
        on_body_end(exchange);
}

void exchange_drained(struct exchange *exchange)
{
    assert_true(lives(exchange));
    exchange->drained++;
}

void exchange_gone(struct exchange *exchange)
{
    assert_true(lives(exchange));
    exchange->gone++;
}

void exchange_stop(struct exchange *exchange)
{
    exchange->stopped++;
}

void answer_plain(struct loop *loop, int status, const char *code, const char *detail,
                  struct answer_plain *out)
{
    (void)loop, (void)detail;
    out->body = frame_copy(str_of(code));
    snprintf(out->length, sizeof out->length, "%zu", strlen(code));
    out->headers[0] = (struct header){STR("content-length"), str_of(out->length)};
    out->head = (struct answer_head){.status = status, .headers = out->headers, .header_count = 1};
}

static void answer_head(struct exchange *exchange, int status, const char *length)
{
    struct header headers[] = {{STR("Content-Type"), STR("text/plain")},
                               {STR("content-length"), str_of(length)}};
    struct answer_head head = {
        .status = status, .headers = headers, .header_count = length ? 2 : 1, .endless = !length};
    exchange->calls->head(exchange->transport, &head);
}

static void answer_body(struct exchange *exchange, str bytes)
{
    struct frame *frame = frame_copy(bytes);
    exchange->calls->body(exchange->transport, frame);
    frame_unref(frame);
}

static void answer_end(struct exchange *exchange)
{
    exchange->over = true;
    exchange->calls->end(exchange->transport);
}

static void answer_hello(struct exchange *exchange)
{
    answer_head(exchange, 200, "5");
    answer_body(exchange, STR("hello"));
    answer_end(exchange);
}

/* ---- The client. */

struct reply {
    struct buf text; /* "status|body|" and "end" or "reset <code>" */
    int data_frames;
};

struct rig {
    struct conn conn;
    nghttp2_session *client;
    struct reply replies[EXCHANGES]; /* by (stream id - 1) / 2 */
    size_t upload_size, sent[EXCHANGES];
    int goaway; /* its code; -1: none */
    int32_t goaway_last;
    bool manual_window;
};

static struct reply *reply_of(struct rig *rig, int32_t id)
{
    struct reply *reply = &rig->replies[(id - 1) / 2];
    reply->text.max = 64 << 20;
    return reply;
}

static int client_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                         size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                         void *user)
{
    (void)session, (void)flags;
    if (str_eq((str){(const char *)name, name_len}, STR(":status")))
        buf_fmt(&reply_of(user, frame->hd.stream_id)->text,
                "%.*s|",
                (int)value_len,
                (const char *)value);
    return 0;
}

static int client_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                       size_t len, void *user)
{
    (void)flags;
    struct rig *rig = user;
    buf_add(&reply_of(rig, id)->text, (str){(const char *)data, len});
    if (!rig->manual_window)
        nghttp2_session_consume(session, id, len);
    return 0;
}

static int client_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    (void)session;
    struct rig *rig = user;
    bool headers = frame->hd.type == NGHTTP2_HEADERS, data = frame->hd.type == NGHTTP2_DATA;
    if (data)
        reply_of(rig, frame->hd.stream_id)->data_frames++;
    if ((headers || data) && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        buf_add(&reply_of(rig, frame->hd.stream_id)->text, STR("|end"));
    if (frame->hd.type == NGHTTP2_RST_STREAM)
        buf_fmt(
            &reply_of(rig, frame->hd.stream_id)->text, "|reset %u", frame->rst_stream.error_code);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        rig->goaway = (int)frame->goaway.error_code;
        rig->goaway_last = frame->goaway.last_stream_id;
    }
    return 0;
}

static ssize_t client_upload(nghttp2_session *session, int32_t id, uint8_t *into, size_t size,
                             uint32_t *flags, nghttp2_data_source *source, void *user)
{
    (void)session, (void)source;
    struct rig *rig = user;
    size_t *sent = &rig->sent[(id - 1) / 2], left = rig->upload_size - *sent,
           n = left < size ? left : size;
    memset(into, 'u', n);
    *sent += n;
    if (*sent == rig->upload_size)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

/* Carries bytes between the two until neither has any more to say. */
static void rig_run(struct rig *rig)
{
    for (bool again = true; again;) {
        again = false;
        if (rig->conn.out.len && !rig->conn.stuck) {
            struct buf out = rig->conn.out;
            rig->conn.out = (struct buf){.max = out.max};
            ssize_t n = nghttp2_session_mem_recv(rig->client, (uint8_t *)out.at, out.len);
            assert_int_equal(n, out.len);
            buf_done(&out);
            again = true;
        }
        const uint8_t *at;
        ssize_t n = nghttp2_session_mem_send(rig->client, &at);
        assert_true(n >= 0);
        if (n > 0 && conn_open(&rig->conn)) {
            char *copy = malloc((size_t)n);
            memcpy(copy, at, (size_t)n);
            rig->conn.calls->read(&rig->conn, (str){copy, (size_t)n});
            free(copy);
        }
        again = again || n > 0;
    }
}

static struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->conn.out.max = 64 << 20;
    rig->goaway = -1;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, client_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, client_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, client_frame);
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_http_messaging(option, 1);
    nghttp2_option_set_peer_max_concurrent_streams(option, EXCHANGES);
    assert_int_equal(nghttp2_session_client_new2(&rig->client, callbacks, rig, option), 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(rig->client, 0, NULL, 0);
    assert_true(h2_open(&rig->conn));
    assert_int_equal(rig->conn.waiting, WAIT_HEAD);
    rig_run(rig);
    assert_int_equal(rig->conn.waiting, WAIT_IDLE);
    return rig;
}

static int rig_setup(void **state)
{
    exchange_count = 0;
    on_begin = on_body_end = NULL;
    *state = rig_new();
    return 0;
}

static int rig_teardown(void **state)
{
    struct rig *rig = *state;
    rig->conn.calls->closed(&rig->conn);
    nghttp2_session_del(rig->client);
    buf_done(&rig->conn.out);
    for (size_t i = 0; i < EXCHANGES; i++)
        buf_done(&rig->replies[i].text);
    for (size_t i = 0; i < exchange_count; i++) {
        assert_true(exchanges[i].over || exchanges[i].gone == 1);
        buf_done(&exchanges[i].head);
        buf_done(&exchanges[i].body);
    }
    free(rig);
    return 0;
}

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0};
}

/* `more` pairs follow the pseudo headers. */
static int32_t request_send(struct rig *rig, const char *method, const char *path,
                            const nghttp2_nv *more, size_t n, bool body)
{
    nghttp2_nv pairs[204] = {pair(":method", method),
                             pair(":scheme", "http"),
                             pair(":authority", "host:80"),
                             pair(":path", path)};
    assert_true(n <= 200);
    if (n)
        memcpy(pairs + 4, more, n * sizeof *more);
    nghttp2_data_provider provider = {.read_callback = client_upload};
    int32_t id =
        nghttp2_submit_request(rig->client, NULL, pairs, 4 + n, body ? &provider : NULL, NULL);
    assert_true(id > 0);
    rig_run(rig);
    return id;
}

static int32_t get_send(struct rig *rig, const char *path)
{
    return request_send(rig, "GET", path, NULL, 0, false);
}

static void reply_is(struct rig *rig, int32_t id, const char *expected)
{
    struct buf *text = &reply_of(rig, id)->text;
    assert_true(buf_reserve(text, 1));
    text->at[text->len] = 0;
    assert_string_equal(text->at, expected);
}

/* ---- The tests. */

static void get(void **state)
{
    struct rig *rig = *state;
    on_body_end = answer_hello;
    nghttp2_nv more[] = {pair("accept", "*/*"), pair("host", "HOST:80"), pair("x-a", "1")};
    int32_t id = request_send(rig, "GET", "/tables/?a=b", more, 3, false);
    assert_string_equal(exchanges[0].head.at, "GET /tables/?a=b|host: host:80|accept: */*|x-a: 1");
    assert_int_equal(exchanges[0].body_size, 0);
    reply_is(rig, id, "200|hello|end");
    assert_int_equal(reply_of(rig, id)->data_frames, 1);
    assert_int_equal(rig->conn.waiting, WAIT_IDLE);
}

static void head_and_empty(void **state)
{
    struct rig *rig = *state;
    int32_t id = request_send(rig, "HEAD", "/", NULL, 0, false);
    answer_head(&exchanges[0], 200, "5");
    answer_end(&exchanges[0]);
    rig_run(rig);
    reply_is(rig, id, "200||end");
    id = request_send(rig, "DELETE", "/", NULL, 0, false);
    answer_head(&exchanges[1], 204, NULL);
    answer_end(&exchanges[1]);
    rig_run(rig);
    reply_is(rig, id, "204||end");
    assert_int_equal(reply_of(rig, id)->data_frames, 0);
}

static void post(void **state)
{
    struct rig *rig = *state;
    on_body_end = answer_hello;
    rig->upload_size = 300000;
    nghttp2_nv more[] = {pair("content-length", "300000")};
    int32_t id = request_send(rig, "POST", "/t", more, 1, true);
    assert_int_equal(exchanges[0].body_size, 300000);
    assert_int_equal(exchanges[0].body.len, 300000);
    reply_is(rig, id, "200|hello|end");
    request_send(rig, "POST", "/t", NULL, 0, true);
    assert_int_equal(exchanges[1].body_size, -1);
    assert_true(exchanges[1].body_ended);
}

static void body_that_is_not_as_declared(void **state)
{
    struct rig *rig = *state;
    rig->upload_size = 10;
    nghttp2_nv more[] = {pair("content-length", "11")};
    int32_t id = request_send(rig, "POST", "/t", more, 1, true);
    reply_is(rig, id, "|reset 1");
    assert_int_equal(exchanges[0].gone, 1);
    assert_false(exchanges[0].body_ended);
}

static void pause_now(struct exchange *exchange)
{
    exchange->paused = true;
}

/* A paused upload may send one window, and holds up no other stream. */
static void paused_and_resumed(void **state)
{
    struct rig *rig = *state;
    rig->upload_size = 1 << 20;
    on_begin = pause_now;
    for (int i = 0; i < 20; i++)
        request_send(rig, "POST", "/slow", NULL, 0, true);
    for (int i = 0; i < 20; i++)
        assert_int_equal(exchanges[i].body.len, EXCHANGE_AHEAD);
    assert_null(waiting[WAIT_BODY]);
    for (int n = 0; !exchanges[0].body_ended; n++) {
        assert_true(n < 100);
        exchanges[0].paused = false;
        exchanges[0].calls->resume(exchanges[0].transport);
        exchanges[0].paused = true;
        rig_run(rig);
    }
    assert_int_equal(exchanges[0].body.len, 1 << 20);
    assert_int_equal(exchanges[1].body.len, EXCHANGE_AHEAD);
}

static void answer_before_the_body_ends(void **state)
{
    struct rig *rig = *state;
    rig->upload_size = 1 << 20;
    on_begin = pause_now;
    int32_t id = request_send(rig, "POST", "/slow", NULL, 0, true);
    answer_hello(&exchanges[0]);
    rig_run(rig);
    reply_is(rig, id, "200|hello|end");
    wait_passes(WAIT_LINGER);
    rig_run(rig);
    reply_is(rig, id, "200|hello|end|reset 0");
    on_begin = answer_hello;
    id = request_send(rig, "POST", "/at-once", NULL, 0, true);
    reply_is(rig, id, "200|hello|end");
    assert_int_equal(rig->sent[(id - 1) / 2], EXCHANGE_AHEAD);
    wait_passes(WAIT_LINGER);
    rig_run(rig);
    reply_is(rig, id, "200|hello|end|reset 0");
    rig->upload_size = EXCHANGE_AHEAD / 2;
    id = request_send(rig, "POST", "/small", NULL, 0, true);
    reply_is(rig, id, "200|hello|end");
    assert_null(waiting[WAIT_LINGER]);
    assert_int_equal(rig->conn.waiting, WAIT_IDLE);
    on_begin = NULL;
    on_body_end = answer_hello;
    id = get_send(rig, "/");
    reply_is(rig, id, "200|hello|end");
}

static void say_continue(struct exchange *exchange)
{
    exchange->calls->go_on(exchange->transport);
}

static void continue_is_said(void **state)
{
    struct rig *rig = *state;
    rig->upload_size = 10;
    on_begin = say_continue;
    on_body_end = answer_hello;
    int32_t id = request_send(rig, "POST", "/", NULL, 0, true);
    reply_is(rig, id, "100|200|hello|end");
}

static void endless(void **state)
{
    struct rig *rig = *state;
    int32_t id = get_send(rig, "/listen");
    answer_head(&exchanges[0], 200, NULL);
    answer_body(&exchanges[0], STR("one"));
    rig_run(rig);
    reply_is(rig, id, "200|one");
    assert_null(waiting[WAIT_STALL]);
    answer_body(&exchanges[0], STR("two"));
    assert_int_equal(exchanges[0].calls->queued(exchanges[0].transport), 0);
    rig_run(rig);
    reply_is(rig, id, "200|onetwo");
    answer_body(&exchanges[0], STR("three"));
    answer_end(&exchanges[0]);
    rig_run(rig);
    reply_is(rig, id, "200|onetwothree|end");
    assert_int_equal(exchanges[0].drained, 0);
}

/* The peer's window is shut: what waits is counted, and the exchange hears of it once when it is
 * sent. */
static void window_shuts(void **state)
{
    struct rig *rig = *state;
    rig->manual_window = true;
    int32_t id = get_send(rig, "/large");
    struct exchange *exchange = &exchanges[0];
    static char large[100000];
    memset(large, 'l', sizeof large);
    answer_head(exchange, 200, NULL);
    answer_body(exchange, (str){large, sizeof large});
    assert_int_equal(exchange->calls->queued(exchange->transport), 1);
    rig_run(rig);
    assert_int_equal(reply_of(rig, id)->text.len, 4 + 65535);
    assert_int_equal(exchange->drained, 0);
    assert_non_null(waiting[WAIT_STALL]);
    nghttp2_session_consume(rig->client, id, 65535);
    rig_run(rig);
    assert_int_equal(reply_of(rig, id)->text.len, 4 + sizeof large);
    assert_int_equal(exchange->drained, 1);
    assert_int_equal(exchange->calls->queued(exchange->transport), 0);
    assert_null(waiting[WAIT_STALL]);
    answer_body(exchange, (str){large, sizeof large});
    rig_run(rig);
    assert_non_null(waiting[WAIT_STALL]);
    wait_passes(WAIT_STALL);
    rig_run(rig);
    assert_int_equal(exchange->gone, 1);
    assert_true(str_ends(buf_str(&reply_of(rig, id)->text), STR("|reset 8")));
}

/* The connection takes no more: answers wait in their streams, and memory is bounded. */
static void connection_is_stuck(void **state)
{
    struct rig *rig = *state;
    nghttp2_submit_settings(
        rig->client,
        0,
        (nghttp2_settings_entry[]){{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 8 << 20}},
        1);
    nghttp2_session_set_local_window_size(rig->client, 0, 0, 8 << 20);
    rig_run(rig);
    int32_t id = get_send(rig, "/large");
    struct exchange *exchange = &exchanges[0];
    struct buf large = {.max = 2 << 20};
    while (!large.failed)
        buf_char(&large, 'l');
    rig->conn.stuck = true;
    answer_head(exchange, 200, NULL);
    answer_body(exchange, buf_str(&large));
    assert_true(rig->conn.out.len < 400 << 10);
    assert_int_equal(exchange->calls->queued(exchange->transport), 1);
    for (int n = 0; exchange->drained == 0; n++) {
        assert_true(n < 100);
        rig->conn.stuck = false;
        rig_run(rig);
        rig->conn.stuck = true;
        rig->conn.calls->drained(&rig->conn);
        assert_true(rig->conn.out.len < 400 << 10);
    }
    rig->conn.stuck = false;
    rig_run(rig);
    assert_int_equal(reply_of(rig, id)->text.len, 4 + large.len);
    assert_int_equal(exchange->drained, 1);
    buf_done(&large);
}

/* All was sent, and the stream has closed, before the exchange says that it is over. */
static void ends_after_it_closed(void **state)
{
    struct rig *rig = *state;
    int32_t id = get_send(rig, "/");
    answer_head(&exchanges[0], 200, "5");
    answer_body(&exchanges[0], STR("hello"));
    rig_run(rig);
    reply_is(rig, id, "200|hello|end");
    assert_int_equal(exchanges[0].gone, 0);
    assert_int_equal(exchanges[0].calls->queued(exchanges[0].transport), 0);
    answer_end(&exchanges[0]);
    assert_int_equal(rig->conn.waiting, WAIT_IDLE);
    get_send(rig, "/");
    answer_head(&exchanges[1], 200, "5");
    answer_body(&exchanges[1], STR("hello"));
    rig_run(rig); /* and is dropped with the connection */
}

static void client_resets(void **state)
{
    struct rig *rig = *state;
    int32_t id = get_send(rig, "/listen");
    answer_head(&exchanges[0], 200, NULL);
    answer_body(&exchanges[0], STR("one"));
    rig_run(rig);
    nghttp2_submit_rst_stream(rig->client, 0, id, NGHTTP2_CANCEL);
    rig_run(rig);
    assert_int_equal(exchanges[0].gone, 1);
    assert_int_equal(rig->conn.waiting, WAIT_IDLE);
}

static void abort_resets(void **state)
{
    struct rig *rig = *state;
    int32_t id = get_send(rig, "/");
    answer_head(&exchanges[0], 200, "10");
    answer_body(&exchanges[0], STR("hello"));
    exchanges[0].over = true;
    exchanges[0].calls->abort(exchanges[0].transport);
    rig_run(rig);
    reply_is(rig, id, "200|hello|reset 2");
}

static void body_is_late(void **state)
{
    struct rig *rig = *state;
    rig->upload_size = 1 << 20;
    on_begin = pause_now;
    int32_t id = request_send(rig, "POST", "/", NULL, 0, true);
    exchanges[0].paused = false;
    exchanges[0].calls->resume(exchanges[0].transport);
    assert_non_null(waiting[WAIT_BODY]);
    wait_passes(WAIT_BODY);
    rig_run(rig);
    assert_int_equal(exchanges[0].gone, 1);
    reply_is(rig, id, "408|request_timeout|end");
    wait_passes(WAIT_LINGER);
    rig_run(rig);
    reply_is(rig, id, "408|request_timeout|end|reset 0");
}

static void heads_too_large(void **state)
{
    struct rig *rig = *state;
    on_body_end = answer_hello;
    nghttp2_nv many[200];
    for (size_t i = 0; i < LENGTH(many); i++)
        many[i] = pair("x-many", "y");
    reply_is(rig, request_send(rig, "GET", "/", many, 99, false), "200|hello|end");
    reply_is(rig, request_send(rig, "GET", "/", many, 100, false), "431|headers_too_large|end");
    static char path[9000], value[20000];
    memset(path, 'p', sizeof path - 1);
    path[0] = '/';
    reply_is(rig, get_send(rig, path), "414|uri_too_long|end");
    path[EXCHANGE_TARGET_MAX] = 0;
    reply_is(rig, get_send(rig, path), "200|hello|end");
    memset(value, 'v', sizeof value - 1);
    nghttp2_nv large[] = {pair("a", value), pair("b", value)};
    reply_is(rig, request_send(rig, "GET", "/", large, 1, false), "200|hello|end");
    reply_is(rig, request_send(rig, "GET", "/", large, 2, false), "431|headers_too_large|end");
    assert_int_equal(exchange_count, 3);
}

static void bad_requests(void **state)
{
    struct rig *rig = *state;
    on_body_end = answer_hello;
    static const char *const bad[][2] = {
        {"connection", "close"},
        {"transfer-encoding", "chunked"},
        {"keep-alive", "1"},
        {"upgrade", "websocket"},
        {"te", "gzip"},
        {":path", "/again"},
        {":unknown", "x"},
        {"content-length", "-1"},
        {"x-control", "a\x01"},
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        nghttp2_nv more[] = {pair(bad[i][0], bad[i][1])};
        int32_t id = request_send(rig, "GET", "/", more, 1, false);
        reply_is(rig, id, "|reset 1");
    }
    nghttp2_nv no_path[] = {
        pair(":method", "GET"), pair(":scheme", "http"), pair(":authority", "a")};
    int32_t id = nghttp2_submit_request(rig->client, NULL, no_path, 3, NULL, NULL);
    rig_run(rig);
    reply_is(rig, id, "|reset 1");
    assert_int_equal(exchange_count, 0);
    reply_is(rig, get_send(rig, "/"), "200|hello|end");
}

static void too_many_streams(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 120; i++)
        get_send(rig, "/");
    assert_int_equal(exchange_count, 100);
    on_body_end = answer_hello;
    for (int i = 0; i < 100; i++)
        answer_hello(&exchanges[i]);
    rig_run(rig);
    assert_int_equal(exchange_count, 120);
}

static void stops_in_order(void **state)
{
    struct rig *rig = *state;
    int32_t id = get_send(rig, "/listen");
    answer_head(&exchanges[0], 200, NULL);
    answer_body(&exchanges[0], STR("one"));
    rig_run(rig);
    rig->conn.calls->stop(&rig->conn);
    rig_run(rig);
    assert_int_equal(exchanges[0].stopped, 1);
    assert_int_equal(rig->goaway, NGHTTP2_NO_ERROR);
    assert_int_equal(rig->goaway_last, id);
    assert_false(rig->conn.finished);
    answer_body(&exchanges[0], STR("last"));
    answer_end(&exchanges[0]);
    assert_true(rig->conn.finished);
    rig_run(rig);
    reply_is(rig, id, "200|onelast|end");
}

static void idle_too_long(void **state)
{
    struct rig *rig = *state;
    rig->conn.calls->late(&rig->conn, WAIT_IDLE);
    assert_true(rig->conn.finished);
    rig_run(rig);
    assert_int_equal(rig->goaway, NGHTTP2_NO_ERROR);
}

static void pings_flood(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 3000 && !rig->conn.finished; i++) {
        nghttp2_submit_ping(rig->client, 0, NULL);
        rig_run(rig);
    }
    assert_int_equal(rig->goaway, NGHTTP2_ENHANCE_YOUR_CALM);
}

static void resets_flood(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < EXCHANGES - 1 && !rig->conn.finished; i++) {
        int32_t id = get_send(rig, "/");
        nghttp2_submit_rst_stream(rig->client, 0, id, NGHTTP2_CANCEL);
        rig_run(rig);
    }
    assert_true(rig->goaway > 0);
    assert_true(rig->conn.finished);
    assert_in_range(exchange_count, 200, 280);
}

static void not_a_preface(void **state)
{
    (void)state;
    struct conn conn = {.out.max = 1 << 20};
    assert_true(h2_open(&conn));
    conn.calls->read(&conn, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_true(conn.closed);
    conn.calls->closed(&conn);
    buf_done(&conn.out);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(get),
        WITH_RIG(head_and_empty),
        WITH_RIG(post),
        WITH_RIG(body_that_is_not_as_declared),
        WITH_RIG(paused_and_resumed),
        WITH_RIG(answer_before_the_body_ends),
        WITH_RIG(continue_is_said),
        WITH_RIG(endless),
        WITH_RIG(window_shuts),
        WITH_RIG(connection_is_stuck),
        WITH_RIG(ends_after_it_closed),
        WITH_RIG(client_resets),
        WITH_RIG(abort_resets),
        WITH_RIG(body_is_late),
        WITH_RIG(heads_too_large),
        WITH_RIG(bad_requests),
        WITH_RIG(too_many_streams),
        WITH_RIG(stops_in_order),
        WITH_RIG(idle_too_long),
        WITH_RIG(pings_flood),
        WITH_RIG(resets_flood),
        cmocka_unit_test(not_a_preface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
