/* Views: a query over the team's tables and views, kept materialised. */
#include "data/views.h"

#include "base/time.h"
#include "data/graph.h"
#include "data/refresh.h"
#include "data/tables.h"
#include "data/teams.h"
#include "data/versions.h"
#include "data/writes.h"

#define WAIT_MS 30000

#define CHART_MAX 4096

struct view_input {
    str view_name, sql_query, chart;
    bool chart_given;
};

const struct field view_input_fields[] = {
    FIELD(struct view_input, view_name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 300,
          .help = "Name"),
    FIELD(struct view_input, sql_query, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 65536,
          .help = "One SELECT, WITH, VALUES or TABLE"),
    FIELD(struct view_input, chart, FIELD_JSON, .flags = FIELD_NULLABLE, .schema = CHART_SCHEMA,
          .help = "How to draw it: any object of up to 4 KB, kept as it is"),
    FIELD_LAST,
};

const struct field view_patch_fields[] = {
    FIELD(struct view_input, sql_query, FIELD_STR, .min = 1, .max = 65536,
          .help = "The new query, which makes a new version"),
    FIELD(struct view_input, chart, FIELD_JSON, .flags = FIELD_NULLABLE, .schema = CHART_SCHEMA,
          .given = offsetof(struct view_input, chart_given),
          .help = "How to draw it, or null; makes no new version"),
    FIELD_LAST,
};

static err chart_check(struct arena *mem, str chart)
{
    if (chart.len && chart.at[0] != '{')
        return field_err(mem, "chart", "Must be an object or null.");
    if (chart.len > CHART_MAX)
        return field_err(
            mem, "chart", "Must be at most %d bytes of JSON, this is %zu.", CHART_MAX, chart.len);
    return NULL;
}

static err circle_check(struct request *rq, const struct relation *view)
{
    struct graph graph;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(graph_load(&tx, rq->team, &graph));
    for (size_t i = 0; i < view->reads.n; i++) {
        if (graph_circle(&graph, view->key, view->reads.at[i]))
            return field_err(rq->mem,
                             "sql_query",
                             "The view would read itself, through \"%.*s\".",
                             STR_ARGS(view->reads.at[i]));
    }
    return NULL;
}

/* Asks the engine what the query is: fills what it reads and whether it has a clock or chance in
 * it. */
static err view_check(struct request *rq, struct relation *view)
{
    struct ask ask = request_ask(rq);
    struct checked checked = {0};
    TRY(engine_check(&ask, view->sql_query, &checked));
    return relation_take_checked(rq->mem, view, &checked);
}

static err engine_part(struct request *rq, struct relation *view, struct refresh_fact *fact)
{
    struct ask ask = request_ask(rq);
    struct refresh refresh = {.view = view->name, .sql = view->sql_query};
    struct refreshed result = {0};
    {
        CLEANUP(tx_done) struct tx tx = {0};
        TRY(db_read(rq->db, &tx));
        TRY(refresh_wanted(&tx, rq->team, view->key, &refresh));
    }
    TRY(write_refresh(&ask, &refresh, view->version, &result));
    relation_take(rq->mem, view, &result.view);
    view->refreshed_at = view->updated = time_now();
    view->duration_us = result.duration_us;
    view->duration_ms = (double)result.duration_us / 1000;
    view->error = (str){0};
    refresh_fact_take(fact, view, &result);
    view->added = fact->added;
    view->removed = fact->removed;
    return NULL;
}

static err create_record(struct request *rq, struct relation *view, const struct refresh_fact *fact)
{
    struct data *data = rq->context;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(relation_set_reads(&tx, rq->team, view->key, view->reads.at, view->reads.n));
    TRY(refresh_inputs(&tx, rq->team, view->key, &view->inputs));
    TRY(relation_insert(&tx, view));
    TRY(version_record(&tx, view, fact));
    TRY(relation_link(&tx, rq->team, view, 1));
    TRY(event_append(data->events, &tx, rq->team, "view.created", view->name, view_fields, view));
    return tx_commit(&tx);
}

static err create_check(struct request *rq, struct relation *view)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    return relation_name_free(&tx, rq->team, "view_name", view->name);
}

err view_create(struct request *rq)
{
    struct view_input input = {0};
    TRY(request_body(rq, view_input_fields, &input));
    TRY(chart_check(rq->mem, input.chart));
    TRY(engine_name_check(rq->mem, "view_name", input.view_name));
    struct relation view = {.team = rq->team,
                            .name = input.view_name,
                            .key = relation_key(rq->mem, input.view_name),
                            .kind = STR("view"),
                            .sql_query = input.sql_query,
                            .chart = input.chart,
                            .created = rq->now};

    CLEANUP(team_leave) struct team_turn turn = {0};
    struct refresh_fact fact;
    TRY(team_enter(rq->context, rq->db, rq->team, WAIT_MS, &turn));
    TRY(create_check(rq, &view));
    TRY(view_check(rq, &view));
    TRY(team_doubt(&turn, engine_part(rq, &view, &fact)));
    err e = create_record(rq, &view, &fact);
    TRY(team_doubt(&turn, e));
    return reply_json(rq, 201, view_fields, &view);
}

err view_list(struct request *rq)
{
    return relations_reply(rq, "view", view_fields);
}

err view_show(struct request *rq)
{
    return relation_reply(rq, "view", view_fields);
}

static err patch_load(struct request *rq, struct relation *view)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    return relation_load(&tx, rq->team, request_path(rq, "name"), "view", view);
}

/* Before the engine is asked, so that a crash in between leaves no rows of another query. */
static err patch_mark(struct request *rq, const struct relation *view, str next_sql)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(relation_set_next(&tx, view, next_sql));
    return tx_commit(&tx);
}

static err patch_record(struct request *rq, struct relation *view, const struct refresh_fact *fact,
                        bool chart_given)
{
    struct data *data = rq->context;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(relation_set_reads(&tx, rq->team, view->key, view->reads.at, view->reads.n));
    TRY(refresh_inputs(&tx, rq->team, view->key, &view->inputs));
    TRY(relation_update(&tx, view));
    if (chart_given)
        TRY(relation_set_chart(&tx, view));
    TRY(relation_link(&tx, rq->team, view, 1));
    TRY(event_append(data->events, &tx, rq->team, "view.updated", view->name, view_fields, view));
    TRY(refresh_tell(data, &tx, view, fact));
    return tx_commit(&tx);
}

/* Its rows and their version stay what they are: no turn is needed. */
static err patch_chart(struct request *rq, str chart)
{
    struct data *data = rq->context;
    struct relation view = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(relation_load(&tx, rq->team, request_path(rq, "name"), "view", &view));
    view.chart = chart;
    view.updated = rq->now;
    TRY(relation_set_chart(&tx, &view));
    TRY(relation_link(&tx, rq->team, &view, 1));
    TRY(event_append(data->events, &tx, rq->team, "view.updated", view.name, view_fields, &view));
    TRY(tx_commit(&tx));
    return reply_json(rq, 200, view_fields, &view);
}

/* The new query makes a new version at once; a query that fails leaves the view as it was. */
static err patch_query(struct request *rq, const struct view_input *input)
{
    CLEANUP(team_leave) struct team_turn turn = {0};
    struct relation view = {0};
    struct refresh_fact fact;
    TRY(team_enter(rq->context, rq->db, rq->team, WAIT_MS, &turn));
    TRY(patch_load(rq, &view));
    view.sql_query = input->sql_query;
    view.chart = input->chart_given ? input->chart : view.chart;
    TRY(view_check(rq, &view));
    TRY(circle_check(rq, &view));
    TRY(patch_mark(rq, &view, view.sql_query));
    err e = engine_part(rq, &view, &fact);
    if (e && e->status < 499) /* refused; a doubt is settled by the next turn */
        TRY(team_doubt(&turn, patch_mark(rq, &view, (str){0})));
    TRY(team_doubt(&turn, e));
    e = patch_record(rq, &view, &fact, input->chart_given);
    TRY(team_doubt(&turn, e));
    return reply_json(rq, 200, view_fields, &view);
}

err view_patch(struct request *rq)
{
    struct view_input input = {0};
    TRY(request_body(rq, view_patch_fields, &input));
    TRY(chart_check(rq->mem, input.chart));
    if (input.sql_query.at)
        return patch_query(rq, &input);
    if (input.chart_given)
        return patch_chart(rq, input.chart);
    return field_err(rq->mem, "sql_query", "Is required, or else chart.");
}

static err view_linked(struct request *rq, str name, struct relation *view)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(relation_load(&tx, rq->team, name, "view", view));
    return relation_link(&tx, rq->team, view, 1);
}

err view_refresh(struct request *rq)
{
    struct data *data = rq->context;
    TRY(request_nothing(rq));
    CLEANUP(team_leave) struct team_turn turn = {0};
    TRY(team_enter(data, rq->db, rq->team, WAIT_MS, &turn));
    struct relation view = {0};
    TRY(view_linked(rq, request_path(rq, "name"), &view));
    struct run run = {.team = rq->team,
                      .trigger = TRIGGER_HAND,
                      .due = rq->now,
                      .started = time_now(),
                      .gone = rq->gone,
                      .shown = &view};
    TRY(refresh_view(data, rq->db, rq->team, view.key, &run, &turn));
    bool skipped = str_eq(run.outcome, STR("skipped"));
    return reply_json_and(rq,
                          200,
                          "outcome",
                          skipped ? STR("\"skipped\"") : STR("\"refreshed\""),
                          view_fields,
                          &view);
}

err view_drop(struct request *rq)
{
    return relation_drop(rq, "view");
}
