/*
 * HTTP/2 alone: any bytes from the peer, against exchanges that answer, wait, break off and are
 * told to stop at moments that the input chooses. The first 16 bytes are those choices, used in
 * turn.
 */
#include "fuzz/fuzz.h"

#include "http/exchange.h"
#include "http/h2.h"
#include "http/link.h"

#define CHOICES 16
#define WAITS_MAX 400

static struct choices choices;

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
    struct wait *wait = waits[choose(&choices, 16)];
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
    struct exchange *exchange = choose(&choices, 50) ? calloc(1, sizeof *exchange) : NULL;
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
    bool endless = choose(&choices, 2);
    struct answer_head head = {.status = choose(&choices, 3) ? 200 : 204,
                               .headers = headers + endless,
                               .header_count = endless ? 1 : 2,
                               .endless = endless};
    exchange->headed = true;
    exchange->calls->head(exchange->transport, &head);
}

static void act_body(struct exchange *exchange)
{
    static const char bytes[200000];
    struct frame *frame = frame_copy((str){bytes, choose(&choices, 3) ? 5 : sizeof bytes});
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
    if (!exchange->headed && choose(&choices, 3) == 0) {
        act_head(exchange);
        return;
    }
    switch (choose(&choices, 9)) {
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
    out->body = choose(&choices, 20) ? frame_copy(str_of(code)) : NULL;
    out->headers[0] = (struct header){STR("content-length"), STR("5")};
    out->head = (struct answer_head){
        .status = status, .headers = out->headers, .header_count = choose(&choices, 2)};
}

static void some_exchange_acts(void)
{
    unsigned skip = choose(&choices, 8);
    struct link *link = exchanges.next;
    while (skip-- && link != &exchanges)
        link = link->next;
    if (link != &exchanges)
        act(CONTAINER(link, struct exchange, link));
}

static void between_reads(struct conn *conn)
{
    for (unsigned n = choose(&choices, 4); n; n--)
        some_exchange_acts();
    if (choose(&choices, 8) == 0)
        some_wait_passes();
    if (choose(&choices, 40) == 0)
        conn->calls->stop(conn);
    if (choose(&choices, 3) == 0 && conn->queued) {
        conn->queued = 0;
        if (conn_open(conn))
            conn->calls->drained(conn);
    }
}

static void feed(struct conn *conn, str bytes)
{
    conn->calls->read(conn, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    while (bytes.len && conn_open(conn)) {
        str piece = str_sub(bytes, 0, 1 + choose(&choices, 200));
        char *copy = exact_copy(piece);
        conn->calls->read(conn, (str){copy, piece.len});
        free(copy);
        bytes = str_sub(bytes, piece.len, bytes.len);
        if (conn_open(conn))
            between_reads(conn);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str bytes = choices_take(&choices, CHOICES, data, size);
    ring_init(&exchanges);
    memset(waits, 0, sizeof waits);
    struct conn conn = {0};
    CHECK(h2_open(&conn));
    feed(&conn, bytes);
    conn.calls->closed(&conn);
    CHECK(!ring_first(&exchanges));
    for (size_t i = 0; i < WAITS_MAX; i++)
        CHECK(!waits[i]);
    return 0;
}
