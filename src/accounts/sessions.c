/* Sessions in the store: how they begin, go on and end. */
#include "accounts/sessions.h"

#include <sodium.h>

#include <string.h>

#include "accounts/token.h"
#include "base/id.h"
#include "base/time.h"

#define SESSIONS_OF_ACCOUNT_MAX 100000

/* What the log says of a session. */
struct session_note {
    str account, reason;
};

const struct field tokens_fields[] = {
    FIELD(struct tokens, refresh, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "Good once, for the next pair of tokens"),
    FIELD(struct tokens, access, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "For the header Authorization: JWT <access>"),
    FIELD_LAST,
};

const struct field session_row[] = {
    FIELD(struct session, id, FIELD_STR),
    FIELD(struct session, account, FIELD_STR),
    FIELD(struct session, team, FIELD_STR),
    FIELD(struct session, refresh, FIELD_STR),
    FIELD(struct session, refresh_before, FIELD_STR),
    FIELD(struct session, renewal, FIELD_STR),
    FIELD(struct session, created, FIELD_INT),
    FIELD(struct session, expires, FIELD_INT),
    FIELD(struct session, last_used, FIELD_INT),
    FIELD(struct session, ended, FIELD_INT),
    FIELD(struct session, is_active, FIELD_BOOL),
    FIELD(struct session, is_superuser, FIELD_BOOL),
    FIELD(struct session, user_agent, FIELD_STR),
    FIELD(struct session, from, FIELD_STR),
    FIELD_LAST,
};

static const struct field note_fields[] = {
    FIELD(struct session_note, account, FIELD_STR),
    FIELD(struct session_note, reason, FIELD_STR, .flags = FIELD_OMIT),
    FIELD_LAST,
};

err session_find(struct tx *tx, str id, str team, struct session *out, bool *found)
{
    return tx_find(
        tx,
        session_row,
        out,
        found,
        "SELECT s.id, s.account, s.team, s.refresh, s.refresh_before, s.renewal, s.created,"
        " s.expires, s.ended, a.is_active, a.is_superuser FROM sessions s JOIN accounts a ON a.id "
        "= s.account"
        " WHERE s.id = $1 AND s.team = $2",
        A(id),
        A(team));
}

err session_alive(struct arena *mem, bool found, const struct session *session, int64_t now)
{
    if (!found || session->expires <= now)
        return err_new(mem, 401, "token_not_valid", "The token's session is no more.");
    if (session->ended)
        return err_new(mem, 401, "session_ended", "The session has ended; sign in again.");
    if (!session->is_active)
        return err_new(mem, 401, "user_inactive", "The account is not active.");
    return NULL;
}

/* The session's next pair of tokens; the refresh token is the one it names. */
static err tokens_make(struct accounts *accounts, struct arena *mem, const struct session *session,
                       int64_t now, struct tokens *tokens)
{
    str key = accounts->options.secret_key;
    struct claims claims = {
        .type = TOKEN_REFRESH,
        .account = session->account,
        .session = session->id,
        .team = session->team,
        .id = session->refresh,
        .issued_s = now / US_PER_S,
        .expires_s = session->expires / US_PER_S,
    };
    TRY(token_make(mem, key, &claims, &tokens->refresh));
    claims.type = TOKEN_ACCESS;
    claims.id = id_random(mem);
    claims.expires_s = now / US_PER_S + accounts->options.access_token_seconds;
    return token_make(mem, key, &claims, &tokens->access);
}

static int64_t session_expires(const struct accounts *accounts, int64_t created, int64_t now)
{
    const struct accounts_options *options = &accounts->options;
    int64_t unused = now + options->refresh_token_seconds * US_PER_S;
    int64_t longest = created + options->session_seconds * US_PER_S;
    return unused < longest ? unused : longest;
}

static err session_start(struct accounts *accounts, struct tx *tx, const struct account *account,
                         const struct visitor *visitor, int64_t now, struct session *session)
{
    struct arena *mem = tx->db->mem;
    *session = (struct session){
        .id = id_new(mem),
        .account = account->id,
        .team = account->team,
        .refresh = id_random(mem),
        .created = now,
        .expires = session_expires(accounts, now, now),
    };
    struct session_note note = {.account = account->id};
    TRY(tx_run(tx,
               "INSERT INTO sessions (id, team, account, refresh, created, last_used, expires,"
               " user_agent, address) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
               A(session->id),
               A(session->team),
               A(session->account),
               A(session->refresh),
               A(now),
               A(session->expires),
               A(visitor->user_agent),
               A(visitor->from)));
    return event_append(accounts->options.events,
                        tx,
                        session->team,
                        "session.started",
                        session->id,
                        note_fields,
                        &note);
}

/* What outlives the request until its transaction is durable. */
struct ending {
    struct accounts *accounts;
    char id[37];
};

static void ending_run(void *arg)
{
    struct ending *ending = arg;
    str id = str_of(ending->id);
    session_cache_drop(ending->accounts->sessions, id);
    if (ending->accounts->server)
        server_end_session(ending->accounts->server, id);
}

err session_end(struct accounts *accounts, struct tx *tx, const struct session *session,
                const char *reason, int64_t now)
{
    struct ending *ending = NEW(tx->db->mem, struct ending);
    if (!ending || session->id.len >= sizeof(ending->id))
        return &err_no_memory;
    ending->accounts = accounts;
    memcpy(ending->id, session->id.at, session->id.len);
    struct session_note note = {session->account, str_of(reason)};
    TRY(tx_run(tx,
               "UPDATE sessions SET ended = $1 WHERE id = $2 AND team = $3",
               A(now),
               A(session->id),
               A(session->team)));
    TRY(tx_run(tx,
               "DELETE FROM tickets WHERE session = $1 AND team = $2",
               A(session->id),
               A(session->team)));
    TRY(event_append(accounts->options.events,
                     tx,
                     session->team,
                     "session.ended",
                     session->id,
                     note_fields,
                     &note));
    return tx_after(tx, ending_run, NULL, ending);
}

err sessions_end(struct accounts *accounts, struct tx *tx, str account, str except,
                 const char *reason, int64_t now)
{
    struct list list;
    TRY(tx_list(tx,
                session_row,
                sizeof(struct session),
                SESSIONS_OF_ACCOUNT_MAX,
                &list,
                "SELECT id, account, team FROM sessions WHERE account = $1 AND ended IS NULL"
                " AND id <> $2 ORDER BY id",
                A(account),
                A(except.at ? except : STR(""))));
    const struct session *sessions = list.at;
    for (size_t i = 0; i < list.n; i++)
        TRY(session_end(accounts, tx, &sessions[i], reason, now));
    return NULL;
}

err session_begin(struct accounts *accounts, struct tx *tx, const struct account *account,
                  const struct visitor *visitor, int64_t now, struct tokens *tokens)
{
    struct session session;
    TRY(session_start(accounts, tx, account, visitor, now, &session));
    return tokens_make(accounts, tx->db->mem, &session, now, tokens);
}

err session_open(struct accounts *accounts, struct db *db, const struct account *account,
                 const struct visitor *visitor, int64_t now, struct tokens *tokens)
{
    CLEANUP(tx_done) struct tx tx = {0};
    db->actor = account->id;
    TRY(db_begin(db, &tx));
    TRY(session_begin(accounts, &tx, account, visitor, now, tokens));
    return tx_commit(&tx);
}

/* A refresh token, and its session in `tx`; 401 unless both are good. */
static err session_of_token(struct accounts *accounts, struct tx *tx, struct db *db, str refresh,
                            int64_t now, struct claims *claims, struct session *session)
{
    bool found;
    TRY(token_read(
        db->mem, accounts->options.secret_key, TOKEN_REFRESH, refresh, now / US_PER_S, claims));
    db->actor = claims->account;
    TRY(db_begin(db, tx));
    TRY(session_find(tx, claims->session, claims->team, session, &found));
    return session_alive(db->mem, found, session, now);
}

/* The answer to this very renewal was lost, and what it held has not been used. */
static bool is_repeated(const struct session *session, str refresh, str renewal)
{
    return renewal.len > 0 && str_eq(refresh, session->refresh_before) &&
           renewal.len == session->renewal.len &&
           sodium_memcmp(renewal.at, session->renewal.at, renewal.len) == 0;
}

err session_renew(struct accounts *accounts, struct db *db, str refresh, str renewal, int64_t now,
                  struct tokens *tokens)
{
    struct claims claims;
    struct session session;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(session_of_token(accounts, &tx, db, refresh, now, &claims, &session));
    if (!str_eq(claims.id, session.refresh) && !is_repeated(&session, claims.id, renewal)) {
        TRY(session_end(accounts, &tx, &session, "reused", now));
        TRY(tx_commit(&tx));
        return err_new(db->mem,
                       401,
                       "token_not_valid",
                       "The refresh token was used before; its session has been ended.");
    }
    session.refresh = id_random(db->mem);
    session.expires = session_expires(accounts, session.created, now);
    TRY(tx_run(&tx,
               "UPDATE sessions SET refresh = $1, refresh_before = $2, renewal = $3, expires = $4,"
               " last_used = $5 WHERE id = $6 AND team = $7",
               A(session.refresh),
               A(claims.id),
               A(renewal),
               A(session.expires),
               A(now),
               A(session.id),
               A(session.team)));
    TRY(tokens_make(accounts, db->mem, &session, now, tokens));
    return tx_commit(&tx);
}

err session_close(struct accounts *accounts, struct db *db, str refresh, int64_t now)
{
    struct claims claims;
    struct session session;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(session_of_token(accounts, &tx, db, refresh, now, &claims, &session));
    TRY(session_end(accounts, &tx, &session, "blacklisted", now));
    return tx_commit(&tx);
}
