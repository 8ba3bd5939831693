/* The room's parts, opened and closed; and listening to the present. */
#include "admin/admin.h"

#include <stdlib.h>

#include "admin/handlers.h"
#include "admin/watch.h"
#include "base/time.h"

#define LISTEN_PATH "/admin/listen"

struct admin_listen_query {
    str ticket;
};

const struct field admin_listen_query[] = {
    FIELD(struct admin_listen_query, ticket, FIELD_STR, .help = "In the place of a token"),
    FIELD_LAST,
};

struct admin_ticket {
    str ticket;
    int64_t expires_at;
};

const struct field admin_ticket_fields[] = {
    FIELD(struct admin_ticket, ticket, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "For ?ticket= of the listen URL, once"),
    FIELD(struct admin_ticket, expires_at, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD_LAST,
};

err admin_open(struct arena *mem, const struct admin_options *options, struct admin **out)
{
    struct admin *admin = NEW(mem, struct admin);
    if (!admin)
        return &err_no_memory;
    *admin = (struct admin){.options = *options, .started = time_now()};
    admin->watch = watch_new(admin);
    if (!admin->watch)
        return &err_no_memory;
    *out = admin;
    return NULL;
}

void admin_join(struct admin *admin, struct server *server)
{
    admin->server = server;
}

void admin_stop(struct admin *admin)
{
    if (admin)
        watch_stop(admin->watch);
}

void admin_close(struct admin *admin)
{
    if (admin)
        watch_free(admin->watch);
}

err admin_ticket(struct request *rq)
{
    struct admin *admin = rq->context;
    struct admin_ticket ticket = {0};
    TRY(request_nothing(rq));
    TRY(ticket_issue(
        admin->options.accounts, rq, STR(LISTEN_PATH), &ticket.ticket, &ticket.expires_at));
    return reply_json(rq, 201, admin_ticket_fields, &ticket);
}

err admin_listen(struct request *rq)
{
    struct admin *admin = rq->context;
    struct admin_listen_query query = {0};
    TRY(request_query(rq, admin_listen_query, &query));
    return reply_watch(rq, admin->watch);
}
