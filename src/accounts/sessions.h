/*
 * Sessions: from signing in to signing out.
 *
 * A session has one refresh token that is good. Each use gives the next, up to the longest that a
 * session lasts; one that was used before shows that somebody has a copy, and ends the session.
 * Ending takes effect at once: access tokens and streams.
 */
#ifndef ACCOUNTS_SESSIONS_H
#define ACCOUNTS_SESSIONS_H

#include "accounts/account.h"

struct session {
    str id, account, team;
    str refresh;        /* jti of the good refresh token */
    str refresh_before; /* jti of the one that it came from, or absent */
    str renewal;        /* how the client named the renewal that brought it, or absent */
    int64_t created, expires;
    int64_t last_used;            /* begun, or last renewed */
    int64_t ended;                /* 0: alive */
    bool is_active, is_superuser; /* of the account */
    str user_agent, from;         /* of the sign-in */
    bool current;                 /* is the one that asks */
};

/* Where a sign-in comes from, as a person would recognise it. */
struct visitor {
    str user_agent, from;
};

struct tokens {
    str refresh, access;
};

extern const struct field session_row[];
extern const struct field session_fields[]; /* what is told of one */
extern const struct field sessions_end_query[];
extern const struct field tokens_fields[];
extern const struct field credentials_fields[];
extern const struct field refresh_fields[], renewal_fields[];
extern const struct field password_change_fields[];

/* Signs an account in that has proved who it is; in the transaction, or in one of its own. */
MUST_CHECK err session_begin(struct accounts *accounts, struct tx *tx,
                             const struct account *account, const struct visitor *visitor,
                             int64_t now, struct tokens *tokens);
MUST_CHECK err session_open(struct accounts *accounts, struct db *db, const struct account *account,
                            const struct visitor *visitor, int64_t now, struct tokens *tokens);
/*
 * The next pair for the good refresh token; 401 for any other, which ends the session if it was
 * good once. A client whose answer was lost may ask again with the token that it has: when
 * `renewal` is the one it named then, and the token that it did not get has not been used. Who has
 * copied the token does not know it.
 */
MUST_CHECK err session_renew(struct accounts *accounts, struct db *db, str refresh, str renewal,
                             int64_t now, struct tokens *tokens);
/* Also by a refresh token that was used before: who has it may end the session, not prolong it. */
MUST_CHECK err session_close(struct accounts *accounts, struct db *db, str refresh, int64_t now);

MUST_CHECK err session_find(struct tx *tx, str id, str team, struct session *out, bool *found);
/* NULL: it is alive; else the 401 that says why not. */
MUST_CHECK err session_alive(struct arena *mem, bool found, const struct session *session,
                             int64_t now);
/* Marks it ended in the transaction, and once that is durable stops what lives on it. */
MUST_CHECK err session_end(struct accounts *accounts, struct tx *tx, const struct session *session,
                           const char *reason, int64_t now);
/* All of an account but `except`, which may be absent. */
MUST_CHECK err sessions_end(struct accounts *accounts, struct tx *tx, str account, str except,
                            const char *reason, int64_t now);

handler session_obtain, session_refresh, session_blacklist, password_change;
handler session_list, session_drop, session_drop_all;

#endif
