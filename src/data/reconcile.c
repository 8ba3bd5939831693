/*
 * Reconciling: the engine commits first, the store second, so the engine may be ahead, never
 * behind.
 *
 * What the engine holds and the store does not know was never acknowledged: it is dropped. A table
 * or view whose engine's version is ahead was changed, only not told: the store takes the version
 * over and appends the events that are missing, each version once; also the query of a view that
 * was being given another one. Marks of loads and runs that the last process left are closed.
 */
#include "data/reconcile.h"

#include "base/time.h"
#include "data/loads.h"
#include "data/refresh.h"
#include "data/teams.h"

#define ERR_MEMORY (1u << 20)
#define TEAM_MEMORY ((size_t)1 << 30) /* a large team, with the columns of all it has */

static const struct object *object_named(const struct objects *objects, str name)
{
    for (size_t i = 0; i < objects->n; i++) {
        if (str_eq_nocase(objects->at[i].name, name))
            return &objects->at[i];
    }
    return NULL;
}

static const struct relation *relation_named(const struct list *relations, str name)
{
    const struct relation *at = relations->at;
    for (size_t i = 0; i < relations->n; i++) {
        if (str_eq_nocase(at[i].name, name))
            return &at[i];
    }
    return NULL;
}

static err drop_strangers(struct data *data, struct db *db, str team, const struct objects *objects,
                          const struct list *relations)
{
    str *names = arena_array(db->mem, objects->n, sizeof(str));
    size_t n = 0;
    if (objects->n && !names)
        return &err_no_memory;
    for (size_t i = 0; i < objects->n; i++) {
        if (!relation_named(relations, objects->at[i].name))
            names[n++] = objects->at[i].name;
    }
    struct ask ask = db_ask(data, db, team, &data->stopping);
    return n ? engine_drop(&ask, names, n) : NULL;
}

/* The rows of its newest version are those of the next query. Should the engine refuse that one
 * now, it is known no more what it reads: then it is never skipped. */
static err next_take(struct data *data, struct db *db, struct relation *view)
{
    struct ask ask = db_ask(data, db, view->team, &data->stopping);
    struct checked checked = {0};
    err e = engine_check(&ask, view->next_sql, &checked);
    if (e && (e->status >= 499 || err_is(e, "query_cancelled")))
        return e;
    if (e)
        checked = (struct checked){.is_volatile = true};
    view->sql_query = view->next_sql;
    return relation_take_checked(db->mem, view, &checked);
}

static err next_record(struct data *data, struct tx *tx, struct relation *view)
{
    TRY(relation_set_reads(tx, view->team, view->key, view->reads.at, view->reads.n));
    TRY(relation_link(tx, view->team, view, 1));
    return event_append(
        data->events, tx, view->team, "view.updated", view->name, view_fields, view);
}

static err versions_tell(struct data *data, struct tx *tx, const struct relation *relation,
                         int64_t before, const struct object *object)
{
    for (int64_t version = before + 1; version <= object->version; version++) {
        struct refresh_fact fact = {
            .view_name = relation->name,
            .version = version,
            .row_count = object->row_count,
            .added = version == object->version ? object->added : 0,
            .removed = version == object->version ? object->removed : 0,
            .refreshed_at = relation->updated,
            .columns_changed = version == object->version && object->reset,
        };
        TRY(refresh_tell(data, tx, relation, &fact));
    }
    return NULL;
}

static err catch_up(struct data *data, struct db *db, struct relation *relation,
                    const struct object *object)
{
    bool is_view = str_eq(relation->kind, STR("view"));
    int64_t before = relation->version;
    if (relation->next_sql.at)
        TRY(next_take(data, db, relation));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    relation->updated = time_now();
    relation_take(db->mem, relation, object);
    relation->inputs = (str){0}; /* not known: the next refresh is not skipped */
    relation->error = (str){0};
    if (is_view)
        relation->refreshed_at = relation->updated;
    TRY(relation_update(&tx, relation));
    if (relation->next_sql.at)
        TRY(next_record(data, &tx, relation));
    if (is_view)
        TRY(versions_tell(data, &tx, relation, before, object));
    TRY(relation_link(&tx, relation->team, relation, 1));
    if (!is_view)
        TRY(event_append(data->events,
                         &tx,
                         relation->team,
                         "table.loaded",
                         relation->name,
                         table_fields,
                         relation));
    return tx_commit(&tx);
}

/* It has not come to its next query. */
static err next_forget(struct db *db, const struct relation *view)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(relation_set_next(&tx, view, (str){0}));
    return tx_commit(&tx);
}

struct mark {
    str team, id, table_name, upload;
    int64_t base_version;
};

static const struct field mark_row[] = {
    FIELD(struct mark, team, FIELD_STR),
    FIELD(struct mark, id, FIELD_STR),
    FIELD(struct mark, table_name, FIELD_STR),
    FIELD(struct mark, upload, FIELD_STR),
    FIELD(struct mark, base_version, FIELD_INT),
    FIELD_LAST,
};

/* Loads that were left: by the last process, or because the store could not take their end. In the
 * team's turn none is under way but those that wait for it. Done when the table's version is beyond
 * the one they began with. */
static err close_loads(struct data *data, struct db *db, str team)
{
    struct list list;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_list(&tx,
                mark_row,
                sizeof(struct mark),
                100000,
                &list,
                "SELECT team, id, table_name, upload, base_version FROM loads WHERE team = $1"
                " AND state = 'running' AND (created < $2 OR base_version <> $3)",
                A(team),
                A(data->started),
                A(LOAD_WAITS)));
    const struct mark *marks = list.at;
    for (size_t i = 0; i < list.n; i++) {
        struct relation table = {0};
        bool found;
        TRY(relation_find(&tx, team, marks[i].table_name, &table, &found));
        bool done = found && table.version > marks[i].base_version;
        struct load_record load = {.team = team,
                                   .id = marks[i].id,
                                   .table_name = marks[i].table_name,
                                   .upload = marks[i].upload,
                                   .rows = done ? table.row_count : 0};
        TRY(load_end(data, &tx, &load, done ? NULL : load_interrupted(db->mem)));
        TRY(event_append(data->events,
                         &tx,
                         team,
                         done ? "load.succeeded" : "load.failed",
                         load.id,
                         load_fields,
                         &load));
    }
    return tx_commit(&tx);
}

/* All of them: who holds the turn has none under way. */
static err close_runs(struct db *db, str team)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_run(&tx,
               "UPDATE runs SET outcome = 'succeeded', version = version + 1, duration_us = 0 "
               "WHERE team = $1"
               " AND outcome = 'running' AND version <"
               " (SELECT r.version FROM relations r WHERE r.team = runs.team AND r.name_key = "
               "runs.view_key)",
               A(team)));
    TRY(tx_run(&tx,
               "UPDATE runs SET outcome = 'failed', duration_us = 0, error = 'The server was "
               "stopped before the refresh was done.'"
               " WHERE team = $1 AND outcome = 'running'",
               A(team)));
    return tx_commit(&tx);
}

static err relations_of(struct db *db, str team, struct list *out)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(db, &tx));
    return relation_list(&tx, team, out);
}

static err reconcile(struct data *data, struct db *db, str team)
{
    struct list relations;
    struct objects objects = {0};
    struct ask ask = db_ask(data, db, team, &data->stopping);
    TRY(relations_of(db, team, &relations));
    TRY(engine_objects(&ask, &objects));
    TRY(drop_strangers(data, db, team, &objects, &relations));
    struct relation *at = relations.at;
    for (size_t i = 0; i < relations.n; i++) {
        const struct object *object = object_named(&objects, at[i].name);
        if (!object)
            log_line(data->log,
                     LOG_ERROR,
                     "data",
                     "team %.*s: the engine has lost %.*s",
                     STR_ARGS(team),
                     STR_ARGS(at[i].name));
        else if (object->version > at[i].version)
            TRY(catch_up(data, db, &at[i], object));
        else if (at[i].next_sql.at)
            TRY(next_forget(db, &at[i]));
    }
    TRY(close_loads(data, db, team));
    return close_runs(db, team);
}

err told_later(struct arena *mem, err e, const char *what)
{
    str detail = str_fmt(mem,
                         "%s. That could not be recorded yet, and will be; do not send it again. "
                         "The cause: %.*s",
                         what,
                         STR_ARGS(e->detail));
    struct err *later = NEW(mem, struct err);
    if (!later || arena_failed(mem))
        return &err_no_memory;
    *later = *e;
    later->code = TOLD_LATER;
    later->detail = detail;
    later->retry_after_s = 0;
    return later;
}

err reconcile_team(struct data *data, struct db *db, str team)
{
    struct arena mem;
    arena_init(&mem, TEAM_MEMORY);
    struct db own = {.store = db->store, .mem = &mem, .actor = db->actor};
    err e = err_copy(db->mem, reconcile(data, &own, team));
    arena_done(&mem);
    return e;
}

static err cut_off(struct db *db, struct list *out)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(db, &tx));
    return tx_list(&tx,
                   mark_row,
                   sizeof(struct mark),
                   1000000,
                   out,
                   "SELECT team FROM loads WHERE state = 'running' UNION SELECT team FROM runs "
                   "WHERE outcome = 'running'");
}

static void one_team(struct data *data, str team)
{
    struct arena mem;
    arena_init(&mem, ERR_MEMORY);
    struct db db = {.store = data->store, .mem = &mem, .actor = STR("system")};
    err e;
    {
        CLEANUP(team_leave) struct team_turn turn = {0};
        e = team_enter(data, &db, team, 1000, &turn);
    }
    if (e)
        log_line(data->log,
                 LOG_ERROR,
                 "data",
                 "team %.*s is not reconciled: %.*s %.*s",
                 STR_ARGS(team),
                 STR_ARGS(e->detail),
                 STR_ARGS(e->inside));
    arena_done(&mem);
}

err reconcile_all(struct data *data, struct arena *mem)
{
    struct db db = {.store = data->store, .mem = mem, .actor = STR("system")};
    struct list list;
    TRY(cut_off(&db, &list));
    const struct mark *marks = list.at;
    for (size_t i = 0; i < list.n; i++)
        one_team(data, marks[i].team);
    return NULL;
}
