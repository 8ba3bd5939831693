/* Tables: made, listed, shown, appended to, replaced, copied and deleted. */
#include "data/tables.h"

#include "base/time.h"
#include "data/graph.h"
#include "data/jobs.h"
#include "data/loads.h"
#include "data/teams.h"
#include "data/versions.h"
#include "data/writes.h"
#include "http/page.h"

#define WAIT_MS 30000

err table_create(struct request *rq)
{
    CLEANUP(load_input_discard) struct load_input input = {0};
    TRY(load_input_take(rq, INPUT_CREATE, &input));
    return load_reply(rq, input.table_name, LOAD_CREATE, &input);
}

err table_append(struct request *rq)
{
    CLEANUP(load_input_discard) struct load_input input = {0};
    TRY(load_input_take(rq, INPUT_ROWS, &input));
    if (input.columns.n)
        return field_err(rq->mem, "columns", "Can't be given: the table has its columns.");
    return load_reply(rq, request_path(rq, "name"), LOAD_APPEND, &input);
}

err table_replace(struct request *rq)
{
    CLEANUP(load_input_discard) struct load_input input = {0};
    TRY(load_input_take(rq, INPUT_ROWS, &input));
    return load_reply(rq, request_path(rq, "name"), LOAD_REPLACE, &input);
}

err relations_reply(struct request *rq, const char *kind, const struct field *fields)
{
    struct page page;
    struct list list;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(page_ask(rq, &page));
    TRY(db_read(rq->db, &tx));
    TRY(relation_page(&tx, rq->team, kind, &page, &list));
    TRY(relation_link(&tx, rq->team, list.at, list.n));
    return page_reply(
        rq, &page, fields, sizeof(struct relation), list, offsetof(struct relation, key));
}

err relation_reply(struct request *rq, const char *kind, const struct field *fields)
{
    struct relation relation = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(relation_load(&tx, rq->team, request_path(rq, "name"), kind, &relation));
    TRY(relation_link(&tx, rq->team, &relation, 1));
    return reply_json(rq, 200, fields, &relation);
}

err table_list(struct request *rq)
{
    return relations_reply(rq, "table", table_fields);
}

err table_show(struct request *rq)
{
    return relation_reply(rq, "table", table_fields);
}

struct fork_input {
    str table_name;
};

const struct field fork_fields[] = {
    FIELD(struct fork_input, table_name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 300,
          .help = "Name of the copy"),
    FIELD_LAST,
};

static err fork_record(struct request *rq, struct relation *copy, const struct object *object)
{
    struct data *data = rq->context;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    copy->team = rq->team;
    copy->key = relation_key(rq->mem, copy->name);
    copy->kind = STR("table");
    copy->created = copy->updated = time_now();
    relation_take(rq->mem, copy, object);
    TRY(relation_insert(&tx, copy));
    TRY(relation_link(&tx, rq->team, copy, 1));
    TRY(event_append(data->events, &tx, rq->team, "table.created", copy->name, table_fields, copy));
    return tx_commit(&tx);
}

static err fork_check(struct request *rq, str to, struct relation *from)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(relation_load(&tx, rq->team, request_path(rq, "name"), NULL, from));
    return relation_name_free(&tx, rq->team, "table_name", to);
}

err table_fork(struct request *rq)
{
    struct fork_input input = {0};
    TRY(request_body(rq, fork_fields, &input));
    TRY(engine_name_check(rq->mem, "table_name", input.table_name));

    CLEANUP(team_leave) struct team_turn turn = {0};
    TRY(team_enter(rq->context, rq->db, rq->team, WAIT_MS, &turn));
    struct relation from = {0}, copy = {.name = input.table_name};
    TRY(fork_check(rq, input.table_name, &from));
    struct ask ask = request_ask(rq);
    struct object object = {0};
    TRY(team_doubt(&turn, write_fork(&ask, from.name, copy.name, &object)));
    err e = fork_record(rq, &copy, &object);
    TRY(team_doubt(&turn, e));
    return reply_json(rq, 201, table_fields, &copy);
}

struct drop_query {
    bool cascade;
};

const struct field drop_query_fields[] = {
    FIELD(struct drop_query, cascade, FIELD_BOOL, .help = "Deletes what depends on it as well"),
    FIELD_LAST,
};

/* 409 that names the views, and of a view the jobs, that depend on it. */
static err drop_refused(struct request *rq, const struct relation *relation, str jobs)
{
    str errors = str_fmt(rq->mem,
                         "{\"views\": %.*s, \"jobs\": %.*s}",
                         STR_ARGS(relation->dependents),
                         STR_ARGS(jobs));
    str views = str_sub(relation->dependents, 1, relation->dependents.len - 2);
    str ids = str_sub(jobs, 1, jobs.len - 2);
    str detail = str_fmt(rq->mem,
                         "\"%.*s\" is needed by %s%.*s%s%s%.*s. Delete them first, or ask with "
                         "?cascade=true.",
                         STR_ARGS(relation->name),
                         views.len ? "views " : "",
                         STR_ARGS(views),
                         views.len && ids.len ? " and " : "",
                         ids.len ? "jobs " : "",
                         STR_ARGS(ids));
    return err_with(rq->mem, 409, "has_dependents", detail, errors);
}

struct named {
    str name;
};

static const struct field named_fields[] = {FIELD(struct named, name, FIELD_STR), FIELD_LAST};

/* One table or view with its jobs out of the store; `*name` is what the engine has to drop. */
static err drop_one(struct request *rq, struct tx *tx, str key, str *name)
{
    struct data *data = rq->context;
    struct relation relation = {0};
    TRY(relation_load(tx, rq->team, key, NULL, &relation));
    TRY(jobs_delete_of_view(data, tx, rq->team, key));
    TRY(tx_run(
        tx, "DELETE FROM dependencies WHERE team = $1 AND view_key = $2", A(rq->team), A(key)));
    TRY(versions_forget(tx, rq->team, key));
    TRY(tx_run(tx, "DELETE FROM relations WHERE team = $1 AND name_key = $2", A(rq->team), A(key)));
    const char *type = str_eq(relation.kind, STR("view")) ? "view.deleted" : "table.deleted";
    struct named named = {relation.name};
    *name = relation.name;
    return event_append(data->events, tx, rq->team, type, relation.name, named_fields, &named);
}

static err drop_records(struct request *rq, const char *kind, bool cascade, struct strs *names)
{
    struct relation relation = {0};
    struct graph graph;
    struct strs keys;
    str jobs;
    bool has_jobs;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(relation_load(&tx, rq->team, request_path(rq, "name"), kind, &relation));
    TRY(relation_link(&tx, rq->team, &relation, 1));
    TRY(graph_load(&tx, rq->team, &graph));
    TRY(graph_order(&graph, relation.key, false, &keys));
    TRY(jobs_of_view(&tx, rq->team, relation.key, &jobs, &has_jobs));
    if (!cascade && (keys.n > 1 || has_jobs))
        return drop_refused(rq, &relation, jobs);
    names->at = arena_array(rq->mem, keys.n, sizeof(str));
    if (!names->at)
        return &err_no_memory;
    for (size_t i = 0; i < keys.n; i++)
        TRY(drop_one(rq, &tx, keys.at[i], &names->at[names->n++]));
    return tx_commit(&tx);
}

/* The store first: what the engine still holds after a crash in between is dropped when the team is
 * next reconciled. */
err relation_drop(struct request *rq, const char *kind)
{
    struct data *data = rq->context;
    struct drop_query query = {0};
    struct strs names = {0};
    TRY(request_query(rq, drop_query_fields, &query));
    CLEANUP(team_leave) struct team_turn turn = {0};
    TRY(team_enter(data, rq->db, rq->team, WAIT_MS, &turn));
    TRY(drop_records(rq, kind, query.cascade, &names));
    struct ask ask = request_ask(rq);
    err e = team_doubt(&turn, write_drop(&ask, names.at, names.n));
    if (e)
        log_line(rq->log, LOG_WARNING, "data", "dropped later: %.*s", STR_ARGS(e->detail));
    return reply_empty(rq, 204);
}

err table_drop(struct request *rq)
{
    return relation_drop(rq, "table");
}
