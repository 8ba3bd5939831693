/* The part of an exchange that may block, on a thread of a pool: who asks, then the handler. */
#include <unistd.h>

#include "http/asking.h"

static err token_missing(struct asking *ask)
{
    return err_new(&ask->mem,
                   401,
                   "not_authenticated",
                   "This needs a token: Authorization: JWT <access token>.");
}

/* The value of ?ticket=, absent when there is none. */
static str ticket_of(struct asking *ask)
{
    str rest = ask->rq.query, ticket = {0};
    while (rest.len) {
        str pair = str_cut(&rest, '&');
        if (!str_eq(str_cut(&pair, '='), STR("ticket")))
            continue;
        if (!percent_decode(&ask->mem, pair.at ? pair : STR(""), true, &ticket))
            return STR("");
    }
    return ticket;
}

static err token_parse(struct asking *ask, str *scheme, str *token)
{
    str header = asking_header(ask, STR("authorization"));
    if (!header.at)
        return NULL;
    str rest = str_trim(header);
    *scheme = str_cut(&rest, ' ');
    *token = rest.at ? str_trim(rest) : STR("");
    bool known = str_eq_nocase(*scheme, STR("JWT")) || str_eq_nocase(*scheme, STR("Bearer"));
    if (!known || token->len == 0 || str_find(*token, ' ') >= 0)
        return err_new(&ask->mem,
                       401,
                       "bad_authorization_header",
                       "The header must be: Authorization: JWT <access token> (or Bearer).");
    return NULL;
}

err asking_rate(struct asking *ask, str key, int64_t per_minute, const char *detail)
{
    struct limit *limit = ask->rq.exchange->loop->server->limit;
    int retry_after_s = 0;
    if (limit_take(limit, key, per_minute, time_steady(), &retry_after_s))
        return NULL;
    struct err *slow = NEW(&ask->mem, struct err);
    if (!slow)
        return &err_no_memory;
    *slow = (struct err){.status = 429,
                         .code = "rate_limited",
                         .detail = str_of(detail),
                         .retry_after_s = retry_after_s};
    return slow;
}

/* Someone who guesses tokens, or has none, is slowed like anyone who needs none. */
static err authentication_failed(struct asking *ask, err e)
{
    char key[LIMIT_ADDRESS];
    if (e->status == 401)
        TRY(asking_rate(ask,
                        limit_address(ask->rq.address, key),
                        ask->rq.exchange->loop->server->options.rate_limit,
                        "Too many requests without a valid token."));
    return e;
}

static err authenticate(struct asking *ask)
{
    const struct server_options *options = &ask->rq.exchange->loop->server->options;
    enum right right = ask->match.route->right;
    if (right == RIGHT_ANYONE || ask->authenticated)
        return NULL;
    str scheme = {0}, token = {0}, ticket = {0};
    err bad = token_parse(ask, &scheme, &token);
    if (bad)
        return authentication_failed(ask, bad);
    if ((right == RIGHT_LISTENER || right == RIGHT_SUPERUSER_LISTENER) && !token.at)
        ticket = ticket_of(ask);
    if ((!token.at && !ticket.at) || !options->authenticate)
        return authentication_failed(ask, token_missing(ask));
    err e = options->authenticate(&ask->rq, scheme, token, ticket, options->authenticate_arg);
    if (e)
        return authentication_failed(ask, e);
    ask->db.actor = ask->rq.account;
    ask->authenticated = true;
    TRY(asking_rate(
        ask, ask->rq.account, options->account_rate_limit, "Too many requests of this account."));
    if ((right == RIGHT_SUPERUSER || right == RIGHT_SUPERUSER_LISTENER) && !ask->rq.superuser)
        return err_new(&ask->mem, 403, "forbidden", "Only a superuser may do this.");
    return NULL;
}

static err body_take(struct asking *ask)
{
    struct request *rq = &ask->rq;
    if (ask->spool) {
        spool_take(ask->spool, &rq->form, &rq->uploads);
        return arena_failed(&ask->mem) ? &err_no_memory : NULL;
    }
    str type = asking_header(ask, STR("content-type"));
    if (ask->match.route->body == BODY_UPLOAD &&
        str_starts(type, STR("application/x-www-form-urlencoded")))
        return request_parse_form(ask);
    rq->body = ask->body.len ? buf_str(&ask->body) : STR("");
    return NULL;
}

static err handle(struct asking *ask)
{
    TRY(authenticate(ask));
    TRY(body_take(ask));
    TRY(ask->match.route->run(&ask->rq));
    if (ask->answer.kind == ANSWER_NONE)
        return err_internal(&ask->mem, "%s gave no reply", ask->match.route->path);
    return NULL;
}

/* What the handler did not move away is not needed any more. */
static void uploads_remove(struct request *rq)
{
    const struct upload *uploads = rq->uploads.at;
    for (size_t i = 0; i < rq->uploads.n; i++)
        unlink(uploads[i].path);
}

void exchange_handle(struct asking *ask)
{
    ask->db.reserve = asking_reserve;
    err e = handle(ask);
    if (e)
        reply_err(ask, e);
    uploads_remove(&ask->rq);
}

static void work_done(struct asking *ask)
{
    loop_post(ask->rq.exchange->loop, &ask->post);
}

static void lane_work(struct lane_work *work)
{
    struct asking *ask = CONTAINER(work, struct asking, lane);
    if (!atomic_load(&ask->unwanted))
        exchange_handle(ask);
    work_done(ask);
}

/* As soon as it is known who asks, in that team's lane: calls of the engine may take long. */
static bool lane_join(struct asking *ask)
{
    ask->lane.run = lane_work;
    err e = authenticate(ask);
    if (!e && lanes_run(ask->rq.exchange->loop->server->lanes, ask->rq.team, &ask->lane))
        return true;
    if (!e)
        e = err_busy(&ask->mem, 1, "busy", "Too many requests of this team are waiting.");
    reply_err(ask, e);
    return false;
}

void exchange_work(struct pool_work *work)
{
    struct asking *ask = CONTAINER(work, struct asking, work);
    bool wanted = !atomic_load(&ask->unwanted);
    if (wanted && ask->match.route->pool == POOL_ENGINE && lane_join(ask))
        return;
    if (wanted && ask->match.route->pool != POOL_ENGINE)
        exchange_handle(ask);
    work_done(ask);
}

void exchange_check(struct pool_work *work)
{
    struct asking *ask = CONTAINER(work, struct asking, work);
    err e = authenticate(ask);
    if (!e && ask->match.route->check)
        e = ask->match.route->check(&ask->rq);
    if (e)
        reply_err(ask, e);
    else
        ask->answer.header_count = ask->answer.header_kept = 0; /* the handler says them again */
    loop_post(ask->rq.exchange->loop, &ask->post);
}
