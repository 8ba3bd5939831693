/* The routes of those who look after the server. */
#include "admin/handlers.h"
#include "base/log_tail.h"
#include "data/data.h"

#define ROUTE(method_, path_, run_, status_, ...)                                      \
    {                                                                                  \
        .method = (method_), .path = (path_), .run = (run_), .right = RIGHT_SUPERUSER, \
        .status = (status_), __VA_ARGS__                                               \
    }

const struct route admin_routes[] = {
    ROUTE("GET", "/admin/accounts", admin_accounts, 200, .list = true, .query = page_fields,
          .output = account_seen_fields, .help = "List the accounts of all teams, newest first"),
    ROUTE("PATCH", "/admin/accounts/{id}", admin_account_patch, 200, .body = BODY_JSON,
          .input = admin_account_input, .output = account_seen_fields,
          .help = "Switch an account off, which ends its sessions, or on"),
    ROUTE("GET", "/admin/teams", admin_teams, 200, .list = true, .query = page_fields,
          .output = admin_team_fields, .help = "List the teams and what they have, newest first"),
    ROUTE("GET", "/admin/jobs/failing", admin_jobs_failing, 200, .list = true, .query = page_fields,
          .output = failing_job_fields, .help = "List the jobs whose last run failed"),
    ROUTE("GET", "/admin/processes", admin_processes, 200, .output = admin_processes_fields,
          .help = "Show the server's process and those of the teams' engines"),
    ROUTE("GET", "/admin/queries", admin_queries, 200, .list = true, .output = admin_query_fields,
          .help = "List what the engines are asked for right now, the longest first"),
    ROUTE("DELETE", "/admin/queries/{id}", admin_query_cancel, 204,
          .help = "Cancel it: who asked gets 409 query_cancelled, and nothing is changed"),
    ROUTE("GET", "/admin/log", admin_log, 200, .list = true, .query = admin_log_query,
          .output = log_entry_fields, .help = "Show the last lines of the log, newest last"),
    ROUTE("POST", "/admin/tickets", admin_ticket, 201, .body = BODY_JSON,
          .output = admin_ticket_fields,
          .help = "A single-use ticket for a browser's EventSource on /admin/listen"),
    {.method = "GET",
     .path = "/admin/listen",
     .run = admin_listen,
     .right = RIGHT_SUPERUSER_LISTENER,
     .query = admin_listen_query,
     .stream = true,
     .present = true,
     .status = 200,
     .help = "Listen to the present: status when it changes, and each line of the log"},
};

const size_t admin_route_count = LENGTH(admin_routes);
