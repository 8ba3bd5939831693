/* Accounts, sessions and tokens: who asks. The one header that other rooms see. */
#ifndef ACCOUNTS_ACCOUNTS_H
#define ACCOUNTS_ACCOUNTS_H

#include "events/events.h"
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

/* Deletes sessions and tickets that have expired; called every hour. */
MUST_CHECK err accounts_trim(struct accounts *accounts, struct arena *mem);

extern const struct route accounts_routes[]; /* context: struct accounts */
extern const size_t accounts_route_count;

#endif
