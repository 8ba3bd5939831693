/* Accounts, sessions and tokens: who asks. The one header that other rooms see. */
#ifndef ACCOUNTS_ACCOUNTS_H
#define ACCOUNTS_ACCOUNTS_H

#include "events/events.h"
#include "http/page.h"
#include "http/server.h"

struct accounts;

struct accounts_options {
    struct events *events;
    struct store *store;
    struct log *log;
    str secret_key; /* signs the tokens; at least 32 bytes; copied */
    int64_t access_token_seconds, refresh_token_seconds;
    int64_t session_seconds; /* after which no refresh token goes on */
};

MUST_CHECK err accounts_open(struct arena *mem, const struct accounts_options *options,
                             struct accounts **out);
void accounts_close(struct accounts *accounts); /* NULL is fine */
/* Ending a session closes its streams: needs the server. Before server_start. */
void accounts_join(struct accounts *accounts, struct server *server);

/* For server_options.authenticate; `arg` is the struct accounts. */
err accounts_authenticate(struct request *rq, str scheme, str token, str ticket, void *arg);

/* A single-use ticket for `path`, in the name of the caller's session; good for TICKET_SECONDS. At
 * most TICKETS_MAX of a session at a time, else 429. */
#define TICKET_SECONDS 60
#define TICKETS_MAX 100
MUST_CHECK err ticket_issue(struct accounts *accounts, struct request *rq, str path, str *ticket,
                            int64_t *expires_at);

/* `superuser` of the command line: makes the account, or raises the one there, sets its password
 * and ends its sessions. */
MUST_CHECK err superuser_make(struct accounts *accounts, struct db *db, str email, str password,
                              bool *created);

/* An account as those see it who look after the server. */
struct account_seen {
    str id, primary_email, full_name, team;
    int64_t created;
    bool is_active, is_superuser;
    int64_t sessions;  /* that are alive */
    int64_t last_used; /* of any of its sessions that is remembered; 0: none is */
};

struct team_seen {
    str id, name;
    int64_t created;
};

extern const struct field account_seen_fields[];

/* Of all teams, newest first: only for superusers. One row more than the page (http/page.h). */
MUST_CHECK err accounts_seen(struct tx *tx, const struct page *page, int64_t now, struct list *out);
MUST_CHECK err teams_seen(struct tx *tx, const struct page *page, struct list *out);
/* Lets an account in, or ends its sessions and lets it in no more; 404 when there is none of this
 * id. *changed: it was not so before. */
MUST_CHECK err account_let_in(struct accounts *accounts, struct tx *tx, str id, bool active,
                              int64_t now, struct account_seen *out, bool *changed);

/* Deletes sessions and tickets that have expired; called every hour. */
MUST_CHECK err accounts_trim(struct accounts *accounts, struct arena *mem);

extern const struct route accounts_routes[]; /* context: struct accounts */
extern const size_t accounts_route_count;

#endif
