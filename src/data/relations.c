/* Tables and views in the store: their rows, their columns, and who reads whom. */
#include "data/relations.h"

#include "data/graph.h"

const struct field column_fields[] = {
    FIELD(struct column, column_name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 300,
          .help = "Name"),
    FIELD(struct column, column_type, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 100,
          .help = "int, bigint, smallint, real, double, numeric(p,s), boolean, varchar(n), text, "
                  "date, time, timestamp, timestamptz, uuid or json"),
    FIELD_LAST,
};

/* What the texts of JSON hold. */
#define NAMES_SCHEMA "\"type\":\"array\",\"items\":{\"type\":\"string\"}"
#define COLUMNS_SCHEMA                                                                 \
    "\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"column_name\"," \
    "\"column_type\"],\"properties\":{\"column_name\":{\"type\":\"string\"},"          \
    "\"column_type\":{\"type\":\"string\"}}}"

#define NAMED(name_, member, kind, ...)                                                           \
    {                                                                                             \
        .name = (name_), .type = (kind), .offset = offsetof(struct relation, member), __VA_ARGS__ \
    }

const struct field table_fields[] = {
    NAMED("table_name", name, FIELD_STR, .flags = FIELD_REQUIRED, .help = "Name"),
    FIELD(struct relation, columns, FIELD_JSON, .schema = COLUMNS_SCHEMA,
          .help = "Columns with their types"),
    FIELD(struct relation, row_count, FIELD_INT, .help = "Rows"),
    FIELD(struct relation, bytes, FIELD_INT, .help = "Size on disk, about"),
    FIELD(struct relation, version, FIELD_INT, .help = "Rises by one with each load"),
    FIELD(struct relation, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct relation, updated, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct relation, dependents, FIELD_JSON, .schema = NAMES_SCHEMA,
          .help = "Views that read this table"),
    FIELD_LAST,
};

const struct field view_fields[] = {
    NAMED("view_name", name, FIELD_STR, .flags = FIELD_REQUIRED, .help = "Name"),
    FIELD(struct relation, sql_query, FIELD_STR, .flags = FIELD_REQUIRED, .help = "The query"),
    FIELD(struct relation, columns, FIELD_JSON, .schema = COLUMNS_SCHEMA,
          .help = "Columns with their types"),
    FIELD(struct relation, row_count, FIELD_INT, .help = "Rows"),
    FIELD(struct relation, bytes, FIELD_INT, .help = "Size on disk, about"),
    FIELD(struct relation, version, FIELD_INT, .help = "Rises by one with each refresh"),
    FIELD(struct relation, refreshed_at, FIELD_TIME, .help = "When the last good refresh ended"),
    FIELD(struct relation, duration_ms, FIELD_REAL, .help = "How long it took"),
    FIELD(struct relation, added, FIELD_INT, .help = "Rows that the newest version added"),
    FIELD(struct relation, removed, FIELD_INT, .help = "Rows that it removed"),
    FIELD(struct relation, error, FIELD_STR,
          .help = "Why the last refresh failed; null when it did not"),
    FIELD(struct relation, chart, FIELD_JSON, .schema = CHART_SCHEMA,
          .help = "How to draw it, an object that is the client's own; or null"),
    FIELD(struct relation, depends_on, FIELD_JSON, .schema = NAMES_SCHEMA,
          .help = "Tables and views that this view reads"),
    FIELD(struct relation, dependents, FIELD_JSON, .schema = NAMES_SCHEMA,
          .help = "Views that read this view"),
    FIELD(struct relation, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct relation, updated, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD_LAST,
};

static const struct field relation_row[] = {
    FIELD(struct relation, team, FIELD_STR),
    NAMED("name_key", key, FIELD_STR),
    FIELD(struct relation, name, FIELD_STR),
    FIELD(struct relation, kind, FIELD_STR),
    FIELD(struct relation, version, FIELD_INT),
    FIELD(struct relation, row_count, FIELD_INT),
    FIELD(struct relation, bytes, FIELD_INT),
    FIELD(struct relation, columns, FIELD_JSON),
    FIELD(struct relation, created, FIELD_TIME),
    FIELD(struct relation, updated, FIELD_TIME),
    FIELD(struct relation, sql_query, FIELD_STR),
    FIELD(struct relation, is_volatile, FIELD_BOOL),
    FIELD(struct relation, inputs, FIELD_STR),
    FIELD(struct relation, refreshed_at, FIELD_TIME),
    FIELD(struct relation, duration_us, FIELD_INT),
    FIELD(struct relation, error, FIELD_STR),
    FIELD(struct relation, next_sql, FIELD_STR),
    FIELD(struct relation, chart, FIELD_JSON),
    FIELD(struct relation, added, FIELD_INT),
    FIELD(struct relation, removed, FIELD_INT),
    FIELD_LAST,
};

str relation_key(struct arena *mem, str name)
{
    return str_lower(mem, name);
}

static void relation_ready(struct relation *relation)
{
    relation->duration_ms = (double)relation->duration_us / 1000;
}

err relation_find(struct tx *tx, str team, str name, struct relation *out, bool *found)
{
    TRY(tx_find(tx,
                relation_row,
                out,
                found,
                "SELECT r.*, v.added, v.removed FROM relations r LEFT JOIN view_versions v"
                " ON v.team = r.team AND v.view_key = r.name_key AND v.version = r.version"
                " WHERE r.team = $1 AND r.name_key = $2",
                A(team),
                A(relation_key(tx->db->mem, name))));
    relation_ready(out);
    return NULL;
}

err relation_load(struct tx *tx, str team, str name, const char *kind, struct relation *out)
{
    bool found;
    TRY(relation_find(tx, team, name, out, &found));
    if (found && (!kind || str_eq(out->kind, str_of(kind))))
        return NULL;
    return err_new(tx->db->mem,
                   404,
                   "not_found",
                   "There is no %s named \"%.*s\".",
                   kind ? kind : "table or view",
                   STR_ARGS(name));
}

static void relations_ready(struct list *list)
{
    struct relation *relations = list->at;
    for (size_t i = 0; i < list->n; i++)
        relation_ready(&relations[i]);
}

err relation_list(struct tx *tx, str team, struct list *out)
{
    TRY(tx_list(tx,
                relation_row,
                sizeof(struct relation),
                RELATIONS_MAX,
                out,
                "SELECT * FROM relations WHERE team = $1 ORDER BY name_key",
                A(team)));
    relations_ready(out);
    return NULL;
}

err relation_page(struct tx *tx, str team, const char *kind, const struct page *page,
                  struct list *out)
{
    TRY(tx_list(
        tx,
        relation_row,
        sizeof(struct relation),
        RELATIONS_MAX,
        out,
        "SELECT r.*, v.added, v.removed FROM relations r LEFT JOIN view_versions v"
        " ON v.team = r.team AND v.view_key = r.name_key AND v.version = r.version"
        " WHERE r.team = $1 AND kind = $2 AND ($3 IS NULL OR name_key > $3)"
        " AND ($4 IS NULL OR name_key < $4)"
        " ORDER BY CASE WHEN $4 IS NULL THEN name_key END, CASE WHEN $4 IS NOT NULL THEN name_key "
        "END DESC LIMIT $5",
        A(team),
        A(kind),
        A(page->after),
        A(page->before),
        A(page_rows(page))));
    relations_ready(out);
    return NULL;
}

err relation_link(struct tx *tx, str team, struct relation *relations, size_t n)
{
    struct graph graph;
    TRY(graph_load(tx, team, &graph));
    for (size_t i = 0; i < n; i++) {
        relations[i].depends_on = graph_reads_json(&graph, relations[i].key);
        relations[i].dependents = graph_readers_json(&graph, relations[i].key);
    }
    return NULL;
}

err relation_name_free(struct tx *tx, str team, const char *field, str name)
{
    struct relation there = {0};
    bool found;
    int64_t count;
    TRY(relation_find(tx, team, name, &there, &found));
    if (found)
        return err_with(tx->db->mem,
                        409,
                        "name_taken",
                        str_fmt(tx->db->mem,
                                "There is already a %.*s named \"%.*s\".",
                                STR_ARGS(there.kind),
                                STR_ARGS(there.name)),
                        str_fmt(tx->db->mem, "{\"%s\": [\"Is taken.\"]}", field));
    TRY(tx_number(tx, &count, "SELECT count(*) FROM relations WHERE team = $1", A(team)));
    if (count >= RELATIONS_MAX)
        return err_new(tx->db->mem,
                       409,
                       "too_many",
                       "A team may have at most %d tables and views.",
                       RELATIONS_MAX);
    return NULL;
}

err relation_insert(struct tx *tx, const struct relation *r)
{
    return tx_run(tx,
                  "INSERT INTO relations (team, name_key, name, kind, version, row_count, bytes, "
                  "columns, created, updated,"
                  " sql_query, is_volatile, inputs, refreshed_at, duration_us, chart)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
                  A(r->team),
                  A(r->key),
                  A(r->name),
                  A(r->kind),
                  A(r->version),
                  A(r->row_count),
                  A(r->bytes),
                  A(r->columns),
                  A(r->created),
                  A(r->updated),
                  A(r->sql_query),
                  A(r->is_volatile),
                  A(r->inputs),
                  A(r->refreshed_at),
                  A(r->duration_us),
                  A(r->chart));
}

err relation_update(struct tx *tx, const struct relation *r)
{
    return tx_run(
        tx,
        "UPDATE relations SET version = $3, row_count = $4, bytes = $5, columns = $6, updated = "
        "$7, sql_query = $8,"
        " is_volatile = $9, inputs = $10, refreshed_at = $11, duration_us = $12, error = $13,"
        " next_sql = NULL"
        " WHERE team = $1 AND name_key = $2",
        A(r->team),
        A(r->key),
        A(r->version),
        A(r->row_count),
        A(r->bytes),
        A(r->columns),
        A(r->updated),
        A(r->sql_query),
        A(r->is_volatile),
        A(r->inputs),
        A(r->refreshed_at),
        A(r->duration_us),
        A(r->error));
}

err relation_set_chart(struct tx *tx, const struct relation *view)
{
    return tx_run(tx,
                  "UPDATE relations SET chart = $3, updated = $4 WHERE team = $1 AND name_key = $2",
                  A(view->team),
                  A(view->key),
                  A(view->chart),
                  A(view->updated));
}

err relation_set_next(struct tx *tx, const struct relation *view, str next_sql)
{
    return tx_run(tx,
                  "UPDATE relations SET next_sql = $3 WHERE team = $1 AND name_key = $2",
                  A(view->team),
                  A(view->key),
                  A(next_sql));
}

err relation_set_reads(struct tx *tx, str team, str view_key, const str *keys, size_t n)
{
    TRY(tx_run(
        tx, "DELETE FROM dependencies WHERE team = $1 AND view_key = $2", A(team), A(view_key)));
    for (size_t i = 0; i < n; i++)
        TRY(tx_run(tx,
                   "INSERT INTO dependencies (team, view_key, reads_key) VALUES ($1, $2, $3)",
                   A(team),
                   A(view_key),
                   A(keys[i])));
    return NULL;
}

err relation_take_checked(struct arena *mem, struct relation *view, const struct checked *checked)
{
    view->is_volatile = checked->is_volatile;
    view->reads = (struct strs){arena_array(mem, checked->depends_n, sizeof(str)), 0};
    if (checked->depends_n && !view->reads.at)
        return &err_no_memory;
    for (size_t i = 0; i < checked->depends_n; i++)
        view->reads.at[view->reads.n++] = relation_key(mem, checked->depends[i]);
    return arena_failed(mem) ? &err_no_memory : NULL;
}

void relation_take(struct arena *mem, struct relation *relation, const struct object *object)
{
    relation->version = object->version;
    relation->row_count = object->row_count;
    relation->bytes = object->bytes;
    relation->columns = columns_print(mem, &object->columns);
}

/* In memory of the arena, which may have been set aside: this is called when the engine's part is
 * done. */
str columns_print(struct arena *mem, const struct columns *columns)
{
    static const size_t escaped = 6, around = 64;
    size_t size = around;
    for (size_t i = 0; i < columns->n; i++)
        size +=
            around + escaped * (columns->at[i].column_name.len + columns->at[i].column_type.len);
    struct buf out = {.at = arena_alloc(mem, size), .size = size, .max = size};
    if (!out.at)
        return (str){0};
    fields_print_list(
        &out, column_fields, sizeof(struct column), (struct list){columns->at, columns->n});
    if (out.failed)
        mem->failed = true;
    return buf_str(&out);
}

struct columns_input {
    struct list columns;
};

static const struct field columns_input_fields[] = {
    FIELD(struct columns_input, columns, FIELD_LIST, .of = column_fields,
          .of_size = sizeof(struct column), .min = 1, .max = 2000),
    FIELD_LAST,
};

err columns_parse(struct arena *mem, str json, struct columns *out)
{
    struct columns_input input = {0};
    TRY(fields_parse(
        mem, columns_input_fields, str_fmt(mem, "{\"columns\":%.*s}", STR_ARGS(json)), &input));
    *out = (struct columns){input.columns.at, input.columns.n};
    return NULL;
}
