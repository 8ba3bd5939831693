/*
 * libFuzzer target of HTTP/2: any bytes from the peer, against exchanges that answer, wait, break
 * off and are told to stop at moments that the input chooses. The first 16 bytes are those choices,
 * used in turn.
 *
 *     clang -std=gnu17 -D_GNU_SOURCE -Isrc -g -O1 -fsanitize=fuzzer,address,undefined -o h2_fuzz
 * tests/fuzz/h2_fuzz.c \ src/http/{h2,h2_stream,queue,frame}.c src/base/{arena,str,time}.c
 * -lnghttp2
 */
#include <stdlib.h>
#include <string.h>

#include "http/exchange.h"
#include "http/h2.h"
#include "http/link.h"

#define CHOICES 16
#define WAITS_MAX 400
#define CHECK(what) ((what) ? (void)0 : abort())

static const uint8_t *choices;
static size_t choice_next;

static unsigned choose(unsigned n)
{
    size_t i = choice_next++;
    return (choices[i % CHOICES] + (unsigned)(i / CHOICES)) % n;
}

struct conn {
    const struct conn_calls *calls;
    void *owner;
    size_t queued;
    bool closed, finished;
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
size_t conn_queued_bytes(const struct conn *conn)
{
    return conn->queued;
}
void conn_flush(struct conn *conn)
{
    conn->queued = conn->queued > 100000 ? conn->queued : 0;
}
void conn_wait(struct conn *conn, enum wait_kind kind)
{
    (void)conn, (void)kind;
}
void conn_wait_off(struct conn *conn)
{
    (void)conn;
}
void conn_finish(struct conn *conn)
{
    conn->finished = true;
}
void conn_close(struct conn *conn)
{
    conn->closed = true;
}

void conn_send(struct conn *conn, struct frame *frame)
{
    conn->queued += frame_bytes(frame).len;
    CHECK(conn->queued < 1000000);
}

static struct wait *waits[WAITS_MAX];

void wait_stop(struct wait *wait)
{
    for (size_t i = 0; i < WAITS_MAX; i++)
        waits[i] = waits[i] == wait ? NULL : waits[i];
}

void wait_start(struct loop *loop, enum wait_kind kind, struct wait *wait,
                void (*run)(struct wait *))
{
    (void)loop, (void)kind;
    wait_stop(wait);
    wait->run = run;
    wait->link.next = wait->link.previous = &wait->link;
    for (size_t i = 0; i < WAITS_MAX; i++) {
        if (!waits[i]) {
            waits[i] = wait;
            return;
        }
    }
    abort();
}

static void some_wait_passes(void)
{
    struct wait *wait = waits[choose(16)];
    if (!wait)
        return;
    wait_stop(wait);
    wait->link.next = wait->link.previous = NULL;
    wait->run(wait);
}

/* On a ring by themselves; memory of those that are over is freed, so that a late call is seen. */
struct exchange {
    struct link link;
    const struct transport *calls;
    void *transport;
    bool paused, headed, body_ended;
};

static struct link exchanges;

struct exchange *exchange_new(struct conn *conn, const struct exchange_head *head,
                              const struct transport *calls, void *transport)
{
    (void)conn;
    CHECK(head->header_count <= EXCHANGE_HEADERS_MAX && head->target.len <= EXCHANGE_TARGET_MAX);
    struct exchange *exchange = choose(50) ? calloc(1, sizeof *exchange) : NULL;
    if (!exchange)
        return NULL;
    exchange->calls = calls;
    exchange->transport = transport;
    link_last(&exchanges, &exchange->link);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    link_off(&exchange->link);
    free(exchange);
}

static void act_head(struct exchange *exchange)
{
    static const struct header headers[] = {{{"content-length", 14}, {"5", 1}},
                                            {{"X-Y", 3}, {"z", 1}}};
    bool endless = choose(2);
    struct answer_head head = {.status = choose(3) ? 200 : 204,
                               .headers = headers + endless,
                               .header_count = endless ? 1 : 2,
                               .endless = endless};
    exchange->headed = true;
    exchange->calls->head(exchange->transport, &head);
}

static void act_body(struct exchange *exchange)
{
    static const char bytes[200000];
    struct frame *frame = frame_copy((str){bytes, choose(3) ? 5 : sizeof bytes});
    exchange->calls->body(exchange->transport, frame);
    frame_unref(frame);
}

static void act_over(struct exchange *exchange, bool end)
{
    const struct transport *calls = exchange->calls;
    void *transport = exchange->transport;
    exchange_free(exchange);
    if (end)
        calls->end(transport);
    else
        calls->abort(transport);
}

static void act(struct exchange *exchange)
{
    if (!exchange->headed && choose(3) == 0) {
        act_head(exchange);
        return;
    }
    switch (choose(9)) {
    case 0:
        exchange->paused = true;
        break;
    case 1:
    case 2:
        exchange->paused = false;
        exchange->calls->resume(exchange->transport);
        break;
    case 3:
        if (!exchange->headed)
            exchange->calls->go_on(exchange->transport);
        break;
    case 4:
        (void)exchange->calls->queued(exchange->transport);
        break;
    case 5:
        act_over(exchange, false);
        break;
    case 6:
        if (exchange->headed)
            act_over(exchange, true);
        break;
    default:
        if (exchange->headed)
            act_body(exchange);
    }
}

void exchange_begin(struct exchange *exchange)
{
    act(exchange);
}
bool exchange_reading(const struct exchange *exchange)
{
    return !exchange->paused;
}
void exchange_drained(struct exchange *exchange)
{
    act(exchange);
}
void exchange_gone(struct exchange *exchange)
{
    exchange_free(exchange);
}
void exchange_stop(struct exchange *exchange)
{
    act(exchange);
}

void exchange_body(struct exchange *exchange, str bytes)
{
    CHECK(bytes.len > 0 && !exchange->body_ended);
    act(exchange);
}

void exchange_body_end(struct exchange *exchange)
{
    CHECK(!exchange->body_ended);
    exchange->body_ended = true;
    act(exchange);
}

void answer_plain(struct loop *loop, int status, const char *code, const char *detail,
                  struct answer_plain *out)
{
    (void)loop, (void)detail;
    out->body = choose(20) ? frame_copy(str_of(code)) : NULL;
    out->headers[0] = (struct header){STR("content-length"), STR("5")};
    out->head =
        (struct answer_head){.status = status, .headers = out->headers, .header_count = choose(2)};
}

static void some_exchange_acts(void)
{
    unsigned skip = choose(8);
    struct link *link = exchanges.next;
    while (skip-- && link != &exchanges)
        link = link->next;
    if (link != &exchanges)
        act(CONTAINER(link, struct exchange, link));
}

static void between_reads(struct conn *conn)
{
    for (unsigned n = choose(4); n; n--)
        some_exchange_acts();
    if (choose(8) == 0)
        some_wait_passes();
    if (choose(40) == 0)
        conn->calls->stop(conn);
    if (choose(3) == 0 && conn->queued) {
        conn->queued = 0;
        if (conn_open(conn))
            conn->calls->drained(conn);
    }
}

static void feed(struct conn *conn, const uint8_t *data, size_t size)
{
    conn->calls->read(conn, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    while (size && conn_open(conn)) {
        size_t n = 1 + choose(200);
        n = n < size ? n : size;
        char *copy = malloc(n);
        memcpy(copy, data, n);
        conn->calls->read(conn, (str){copy, n});
        free(copy);
        data += n;
        size -= n;
        if (conn_open(conn))
            between_reads(conn);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHOICES)
        return 0;
    choices = data;
    choice_next = 0;
    ring_init(&exchanges);
    memset(waits, 0, sizeof waits);
    struct conn conn = {0};
    CHECK(h2_open(&conn));
    feed(&conn, data + CHOICES, size - CHOICES);
    conn.calls->closed(&conn);
    CHECK(!ring_first(&exchanges));
    for (size_t i = 0; i < WAITS_MAX; i++)
        CHECK(!waits[i]);
    return 0;
}
