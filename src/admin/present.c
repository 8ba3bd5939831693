/* The present, asked for: processes, queries and the end of the log; and a query cancelled. */
#include "admin/handlers.h"
#include "base/log_tail.h"

#define LOG_LIMIT 200

struct tail_query {
    int64_t limit;
};

const struct field admin_log_query[] = {
    FIELD(struct tail_query, limit, FIELD_INT, .min = 1, .max = LOG_TAIL_LINES,
          .help = "Lines, the newest; 200 when not given, and no more than are kept in memory"),
    FIELD_LAST,
};

err admin_processes(struct request *rq)
{
    struct state state = {0};
    TRY(processes_look(rq->context, rq->mem, &state));
    return reply_json(rq, 200, admin_processes_fields, &state);
}

err admin_queries(struct request *rq)
{
    struct state state = {0};
    TRY(queries_look(rq->context, rq->mem, &state));
    return reply_list(
        rq, admin_query_fields, sizeof(struct query_state), state.queries, (str){0}, (str){0});
}

static void cancel_log(struct request *rq, const struct engine_call *call)
{
    const char *pairs[] = {"query",
                           str_c(rq->mem, request_path(rq, "id")),
                           "kind",
                           str_c(rq->mem, call->kind),
                           "team",
                           str_c(rq->mem, call->team),
                           "by",
                           str_c(rq->mem, rq->account),
                           NULL};
    log_pairs(rq->log, LOG_WARNING, "admin", "a query was cancelled", pairs);
}

err admin_query_cancel(struct request *rq)
{
    struct admin *admin = rq->context;
    struct engine_call call = {0};
    int64_t id;
    str asked = request_path(rq, "id");
    if (!str_i64(asked, &id) || !engine_cancel(admin->options.engine, rq->mem, id, &call))
        return err_new(
            rq->mem, 404, "not_found", "There is no query \"%.*s\" now.", STR_ARGS(asked));
    cancel_log(rq, &call);
    return reply_empty(rq, 204);
}

err admin_log(struct request *rq)
{
    struct tail_query query = {.limit = LOG_LIMIT};
    struct list list;
    TRY(request_query(rq, admin_log_query, &query));
    TRY(log_tail_read(rq->log->tail, rq->mem, 0, (size_t)query.limit, &list));
    return reply_list(rq, log_entry_fields, sizeof(struct log_entry), list, (str){0}, (str){0});
}
