/* The handlers of this room, and the shapes of what they take and answer. */
#ifndef ADMIN_HANDLERS_H
#define ADMIN_HANDLERS_H

#include "admin/state.h"

extern const struct field admin_account_input[], admin_team_fields[], admin_log_query[],
    admin_listen_query[];
extern const struct field admin_ticket_fields[];

handler admin_accounts, admin_account_patch;
handler admin_teams;
handler admin_jobs_failing;
handler admin_processes, admin_queries, admin_query_cancel;
handler admin_log;
handler admin_listen, admin_ticket;

#endif
