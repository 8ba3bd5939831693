/*
 * The life of one request: planned by its head, checked and read, worked on, answered.
 *
 *     NEW -> BODY -> WORK -> answered
 *     NEW -> CHECK -> BODY -> DISK -> WORK   a form with files, or a client that waits for 100
 * Continue
 *     ... -> DISCARD -> answered             when the answer is known before the body has ended
 *     WORK -> FILE or STREAM                 when the answer is one
 *     BODY -> DISK -> WORK -> gone           a file that broke off: what came of it is kept
 *
 * A function that may answer returns false when it has, since the exchange may then be no more.
 */
#include "http/exchange.h"

#include <stdlib.h>

#include "http/plan.h"
#include "http/proxies.h"

#define ADRIFT_MAX 256 /* of a loop: each may have SPOOL_AHEAD in memory */

/* 16 hexadecimal digits. */
static str id_make(struct arena *mem, uint64_t number)
{
    char *text = arena_alloc(mem, 17);
    if (!text)
        return (str){0};
    for (int i = 15; i >= 0; i--, number >>= 4)
        text[i] = "0123456789abcdef"[number & 15];
    return (str){text, 16};
}

static void asking_init(struct asking *ask, struct exchange *exchange)
{
    struct loop *loop = exchange->loop;
    struct server *server = loop->server;
    atomic_init(&ask->gone, false);
    atomic_init(&ask->unwanted, false);
    ask->started_us = time_steady();
    ask->post.run = exchange_worked;
    ask->db = (struct db){.store = server->options.store, .mem = &ask->mem};
    ask->rq = (struct request){.mem = &ask->mem,
                               .db = &ask->db,
                               .log = server->log,
                               .now = time_now(),
                               .gone = &ask->gone,
                               .exchange = exchange};
    ask->rq.id = id_make(&ask->mem, loop->id_start << 32 | loop->id_next++);
}

static void address_take(struct asking *ask, struct exchange *exchange, struct conn *conn)
{
    str client = proxies_client(exchange->loop->server->proxies,
                                conn_address(conn),
                                asking_header(ask, STR("x-forwarded-for")));
    ask->rq.address = str_copy(&ask->mem, client);
}

struct exchange *exchange_new(struct conn *conn, const struct exchange_head *head,
                              const struct transport *calls, void *transport)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    struct arena mem;
    arena_init(&mem, REQUEST_MEMORY_MAX);
    struct asking *ask = NEW(&mem, struct asking);
    if (!exchange || !ask) {
        arena_done(&mem);
        free(exchange);
        return NULL;
    }
    ask->mem = mem;
    *exchange = (struct exchange){
        .loop = conn_loop(conn), .calls = calls, .transport = transport, .ask = ask};
    asking_init(ask, exchange);
    if (request_take_head(ask, head)) {
        exchange_free(exchange);
        return NULL;
    }
    address_take(ask, exchange, conn);
    ask->body_size = head->body_size;
    ask->expects = head->body_size != 0 &&
                   str_eq_nocase(asking_header(ask, STR("expect")), STR("100-continue"));
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    struct loop *loop = exchange->loop;
    bool adrift = exchange->adrift;
    asking_free(exchange->ask);
    free(exchange);
    if (adrift) {
        loop->adrift--;
        conns_quiet(loop);
    }
}

/* The answer is ready. What is left of a small body is read first, so that the connection can go
 * on; a client that waits before it sends hears at once. */
static void exchange_settle(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    int64_t left = ask->body_size < 0 ? ask->body_seen : ask->body_size - ask->body_seen;
    if (ask->body_ended || ask->body_size == 0 || ask->expects || left > DISCARD_MAX) {
        exchange_answer(exchange);
        return;
    }
    bool paused =
        exchange->state != EXCHANGE_NEW; /* perhaps: to resume once too often is harmless */
    exchange->state = EXCHANGE_DISCARD;
    if (paused)
        exchange->calls->resume(exchange->transport);
}

static void exchange_fail(struct exchange *exchange, err e)
{
    reply_err(exchange->ask, e);
    exchange_settle(exchange);
}

/* Nobody is there to be answered. */
static void exchange_left(struct exchange *exchange)
{
    exchange->ask->answer.status = 499;
    access_log(exchange);
    exchange_free(exchange);
}

static void exchange_submit(struct exchange *exchange, enum exchange_state state,
                            enum route_pool pool, void (*run)(struct pool_work *work))
{
    exchange->state = state;
    exchange->ask->work.run = run;
    loop_submit(exchange->loop, pool, &exchange->ask->work);
}

void exchange_not_taken(struct pool_work *work)
{
    struct asking *ask = CONTAINER(work, struct asking, work);
    struct exchange *exchange = ask->rq.exchange;
    err e = err_busy(&ask->mem, 1, "busy", "The server has too much to do; please try again.");
    if (exchange->calls)
        exchange_fail(exchange, e);
    else
        exchange_free(exchange);
}

static void exchange_go(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    /* What never blocks needs no thread. */
    if (ask->match.route->run == health_route) {
        exchange_handle(ask);
        exchange_answer(exchange);
        return;
    }
    exchange_submit(exchange, EXCHANGE_WORK, ask->match.route->pool, exchange_work);
}

static bool body_begin(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    exchange->state = EXCHANGE_BODY;
    if (plan_spools(ask)) {
        const struct server_options *options = &exchange->loop->server->options;
        struct spool_options spool = {.loop = exchange->loop,
                                      .mem = &ask->mem,
                                      .dir = options->upload_dir,
                                      .form = ask->match.route->body == BODY_UPLOAD,
                                      .content_type = asking_header(ask, STR("content-type")),
                                      .file_max = options->upload_max,
                                      .room = exchange_has_room,
                                      .done = exchange_on_disk,
                                      .arg = exchange};
        err e = spool_new(&spool, &ask->spool);
        if (e) {
            exchange_fail(exchange, e);
            return false;
        }
    }
    if (ask->expects) {
        ask->expects = false;
        exchange->calls->go_on(exchange->transport);
    }
    return true;
}

/* Uploads are authenticated before they are read, and so is any body that is more than small or of
 * unknown size, and who asks whether to send. */
static bool check_needed(const struct asking *ask)
{
    bool large = ask->body_size < 0 || ask->body_size > (int64_t)BUDGET_BODY_FREE;
    return ask->match.route->right != RIGHT_ANYONE && ask->match.route->body != BODY_NONE &&
           (ask->expects || large || plan_spools(ask));
}

void exchange_begin(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    exchange_plan(exchange);
    if (ask->answer.kind != ANSWER_NONE)
        exchange_settle(exchange);
    else if (check_needed(ask))
        exchange_submit(exchange, EXCHANGE_CHECK, POOL_QUICK, exchange_check);
    else
        body_begin(exchange);
}

bool exchange_reading(const struct exchange *exchange)
{
    switch (exchange->state) {
    case EXCHANGE_BODY:
        return !exchange->ask->spool || !spool_full(exchange->ask->spool);
    case EXCHANGE_DISCARD:
        return true;
    default:
        return false;
    }
}

static err body_keep(struct asking *ask, str bytes)
{
    struct budget *budget = &ask->rq.exchange->loop->server->bodies;
    size_t len = ask->body.len + bytes.len;
    size_t more = len > BUDGET_BODY_FREE ? len - BUDGET_BODY_FREE - ask->body_charged : 0;
    if (more && !budget_take(budget, more, ask->authenticated ? BUDGET_BODIES : BUDGET_STRANGERS))
        return err_busy(
            &ask->mem, 1, "busy", "The server has no room for this body just now; try again.");
    ask->body_charged += more;
    buf_add(&ask->body, bytes);
    return ask->body.failed ? &err_no_memory : NULL;
}

static err body_store(struct asking *ask, str bytes)
{
    if (ask->body_seen > ask->body_max)
        return err_new(&ask->mem,
                       413,
                       ask->body_max ? "body_too_large" : "body_not_allowed",
                       "The body may have at most %lld bytes.",
                       (long long)ask->body_max);
    if (ask->spool)
        return spool_feed(ask->spool, bytes);
    return body_keep(ask, bytes);
}

static bool body_add(struct exchange *exchange, str bytes)
{
    err e = body_store(exchange->ask, bytes);
    if (e)
        exchange_fail(exchange, e);
    return !e;
}

void exchange_body(struct exchange *exchange, str bytes)
{
    struct asking *ask = exchange->ask;
    ask->body_seen += (int64_t)bytes.len;
    switch (exchange->state) {
    case EXCHANGE_BODY:
        body_add(exchange, bytes);
        break;
    case EXCHANGE_CHECK:
        buf_add(&ask->body, bytes); /* was on its way when the body was paused */
        break;
    case EXCHANGE_DISCARD:
        if (ask->body_seen > DISCARD_MAX * 2)
            exchange_answer(exchange);
        break;
    default:
        break;
    }
}

static void body_done(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    if (!ask->spool) {
        exchange_go(exchange);
        return;
    }
    exchange->state = EXCHANGE_DISK;
    err e = spool_end(ask->spool);
    if (e)
        exchange_fail(exchange, e);
}

void exchange_body_end(struct exchange *exchange)
{
    exchange->ask->body_ended = true;
    if (exchange->state == EXCHANGE_BODY)
        body_done(exchange);
    else if (exchange->state == EXCHANGE_DISCARD)
        exchange_answer(exchange);
}

void exchange_on_disk(void *arg, err e)
{
    struct exchange *exchange = arg;
    if (e && !exchange->calls)
        exchange_left(exchange);
    else if (e)
        exchange_fail(exchange, e);
    else
        exchange_go(exchange);
}

void exchange_has_room(void *arg)
{
    struct exchange *exchange = arg;
    if (exchange->calls)
        exchange->calls->resume(exchange->transport);
}

/* The client may send: what came meanwhile is taken in first. */
static void exchange_checked(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    CLEANUP(buf_done) struct buf held = ask->body;
    buf_init(&ask->body, held.max);
    if (!body_begin(exchange))
        return;
    if (ask->body_seen && !body_add(exchange, buf_str(&held)))
        return;
    if (ask->body_ended)
        body_done(exchange);
    else if (exchange_reading(exchange))
        exchange->calls->resume(exchange->transport);
}

void exchange_worked(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    struct asking *ask = CONTAINER(post, struct asking, post);
    struct exchange *exchange = ask->rq.exchange;
    if (!exchange->calls) {
        exchange_left(exchange);
    } else if (exchange->state == EXCHANGE_WORK) {
        exchange_answer(exchange);
    } else if (ask->answer.kind != ANSWER_NONE) {
        exchange_settle(exchange);
    } else {
        exchange_checked(exchange);
    }
}

void exchange_drained(struct exchange *exchange)
{
    if (exchange->state == EXCHANGE_FILE)
        file_drained(exchange->file);
    else if (exchange->state == EXCHANGE_STREAM)
        stream_drained(exchange->stream);
}

void exchange_leaving(struct exchange *exchange)
{
    if (exchange->ask)
        atomic_store(&exchange->ask->gone, true);
}

/* What has come of a file is worth keeping: the client may go on with it. True: it is being kept.
 */
static bool file_goes_on(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    bool kept = exchange->state == EXCHANGE_DISK || exchange->state == EXCHANGE_WORK ||
                (exchange->state == EXCHANGE_BODY && ask->body_seen);
    if (!kept || ask->match.route->body != BODY_FILE || exchange->loop->adrift >= ADRIFT_MAX)
        return false;
    exchange->adrift = true;
    exchange->loop->adrift++;
    if (exchange->state != EXCHANGE_BODY)
        return true;
    exchange->state = EXCHANGE_DISK;
    err e = spool_end(ask->spool);
    if (e)
        exchange_left(exchange);
    return true;
}

void exchange_gone(struct exchange *exchange)
{
    exchange->calls = NULL;
    exchange_leaving(exchange);
    if (exchange->ask && file_goes_on(exchange))
        return;
    switch (exchange->state) {
    case EXCHANGE_CHECK:
    case EXCHANGE_WORK:
        atomic_store(&exchange->ask->unwanted, true);
        return; /* the pool has it; exchange_worked frees it */
    case EXCHANGE_STREAM:
        stream_gone(exchange->stream);
        break;
    case EXCHANGE_FILE:
        file_gone(exchange->file);
        break;
    default:
        exchange_left(exchange);
        return;
    }
    exchange_free(exchange);
}

void exchange_stop(struct exchange *exchange)
{
    if (exchange->state == EXCHANGE_STREAM)
        stream_stop(exchange->stream);
}
