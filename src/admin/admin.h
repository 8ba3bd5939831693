/* What superusers see of the server and do to it, through /admin. The one header that other rooms
 * see. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "accounts/accounts.h"
#include "engine/engine.h"
#include "events/events.h"

struct admin;

struct admin_options {
    struct accounts *accounts;
    struct engine *engine;
    struct events *events;
    struct log *log; /* with its tail */
    const char *version;
};

MUST_CHECK err admin_open(struct arena *mem, const struct admin_options *options,
                          struct admin **out);
/* What is told of the server needs it. Before server_start. */
void admin_join(struct admin *admin, struct server *server);
/* Listeners are told nothing more. Before server_stop; NULL is fine. */
void admin_stop(struct admin *admin);
void admin_close(struct admin *admin); /* after server_stop; NULL is fine */

extern const struct route admin_routes[]; /* context: struct admin */
extern const size_t admin_route_count;

#endif
