/* The folder's one struct, and the check of who asks. */
#include "accounts/accounts.h"

#include <sodium.h>
#include <string.h>

#include "accounts/sessions.h"
#include "accounts/ticket.h"
#include "accounts/token.h"
#include "base/time.h"

#define TRIM_MEMORY ((size_t)4 << 20)
#define TRIM_SESSIONS 500

err accounts_open(struct arena *mem, const struct accounts_options *options, struct accounts **out)
{
    if (options->secret_key.len < TOKEN_KEY_MIN)
        return err_new(mem,
                       500,
                       "secret_key_short",
                       "SECRET_KEY must be at least %d bytes long.",
                       TOKEN_KEY_MIN);
    if (sodium_init() < 0)
        return err_internal(mem, "libsodium could not be started.");
    struct accounts *accounts = NEW(mem, struct accounts);
    if (!accounts)
        return &err_no_memory;
    accounts->options = *options;
    accounts->options.secret_key = str_copy(mem, options->secret_key);
    accounts->sessions = session_cache_new();
    accounts->attempts = attempts_new();
    if (!accounts->sessions || !accounts->attempts || arena_failed(mem)) {
        accounts_close(accounts);
        return &err_no_memory;
    }
    *out = accounts;
    return NULL;
}

void accounts_close(struct accounts *accounts)
{
    if (!accounts)
        return;
    session_cache_free(accounts->sessions);
    attempts_free(accounts->attempts);
    accounts->sessions = NULL;
    accounts->attempts = NULL;
}

void accounts_join(struct accounts *accounts, struct server *server)
{
    accounts->server = server;
}

static void request_sign(struct request *rq, str account, str session, str team, bool superuser)
{
    rq->account = str_copy(rq->mem, account);
    rq->session = str_copy(rq->mem, session);
    rq->team = str_copy(rq->mem, team);
    rq->superuser = superuser;
    rq->db->actor = rq->account;
}

static void id_keep(char into[37], str id)
{
    if (id.len < 37)
        memcpy(into, id.at, id.len);
}

static void session_keep(struct session_cache *cache, uint64_t mark, str token,
                         const struct claims *claims, const struct session *session)
{
    int64_t token_expires = claims->expires_s * US_PER_S;
    struct cached_session kept = {
        .is_superuser = session->is_superuser,
        .ended = session->ended,
        .expires = token_expires < session->expires ? token_expires : session->expires,
    };
    id_keep(kept.id, session->id);
    id_keep(kept.account, session->account);
    id_keep(kept.team, session->team);
    session_cache_put(cache, mark, token, &kept, time_steady());
}

static err session_look_up(struct accounts *accounts, struct request *rq, str token,
                           struct session *session)
{
    struct claims claims;
    bool found;
    TRY(token_read(
        rq->mem, accounts->options.secret_key, TOKEN_ACCESS, token, rq->now / US_PER_S, &claims));
    uint64_t mark = session_cache_mark(accounts->sessions);
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(session_find(&tx, claims.session, claims.team, session, &found));
    TRY(tx_commit(&tx));
    err dead = session_alive(rq->mem, found, session, rq->now);
    if (!dead || err_is(dead, "session_ended"))
        session_keep(accounts->sessions, mark, token, &claims, session);
    return dead;
}

static err token_authenticate(struct accounts *accounts, struct request *rq, str token)
{
    struct cached_session cached;
    struct session session = {0};
    if (session_cache_find(accounts->sessions, token, time_steady(), &cached) &&
        cached.expires > rq->now) {
        session = (struct session){.ended = cached.ended, .expires = INT64_MAX, .is_active = true};
        TRY(session_alive(rq->mem, true, &session, rq->now));
        request_sign(rq,
                     str_of(cached.account),
                     str_of(cached.id),
                     str_of(cached.team),
                     cached.is_superuser);
        return NULL;
    }
    TRY(session_look_up(accounts, rq, token, &session));
    request_sign(rq, session.account, session.id, session.team, session.is_superuser);
    return NULL;
}

static err ticket_authenticate(struct request *rq, str ticket)
{
    struct session session = {0};
    bool found;
    TRY(ticket_use(rq, ticket, &session, &found));
    TRY(session_alive(rq->mem, found, &session, rq->now));
    request_sign(rq, session.account, session.id, session.team, session.is_superuser);
    return NULL;
}

/* http/ has checked the form of the header; either scheme takes the same tokens. */
err accounts_authenticate(struct request *rq, str scheme, str token, str ticket, void *arg)
{
    (void)scheme;
    return token.at ? token_authenticate(arg, rq, token) : ticket_authenticate(rq, ticket);
}

static err trim_some(struct accounts *accounts, struct arena *mem, int64_t now, size_t *n)
{
    struct db db = {.store = accounts->options.store, .mem = mem, .actor = STR("system")};
    struct list list;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(&db, &tx));
    TRY(tx_run(&tx, "DELETE FROM tickets WHERE expires <= $1", A(now)));
    TRY(tx_list(&tx,
                session_row,
                sizeof(struct session),
                TRIM_SESSIONS,
                &list,
                "SELECT id, account, team, ended FROM sessions WHERE expires <= $1"
                " ORDER BY expires, id LIMIT 500",
                A(now)));
    const struct session *sessions = list.at;
    for (size_t i = 0; i < list.n; i++) {
        if (!sessions[i].ended)
            TRY(session_end(accounts, &tx, &sessions[i], "expired", now));
        TRY(tx_run(&tx,
                   "DELETE FROM sessions WHERE id = $1 AND team = $2",
                   A(sessions[i].id),
                   A(sessions[i].team)));
    }
    *n = list.n;
    return tx_commit(&tx);
}

err accounts_trim(struct accounts *accounts, struct arena *mem)
{
    size_t n = TRIM_SESSIONS;
    while (n == TRIM_SESSIONS) {
        struct arena own;
        arena_init(&own, TRIM_MEMORY);
        err e = err_copy(mem, trim_some(accounts, &own, time_now(), &n));
        arena_done(&own);
        TRY(e);
    }
    return NULL;
}
