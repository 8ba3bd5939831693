/* Statements of a transaction, and their rows read into structs by field tables. */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite.h"

/* Columns are found by name, mostly in the order of the fields: the search goes on where it was. */
static const struct field *field_named(const struct field *fields, const struct field *from,
                                       const char *name)
{
    for (const struct field *field = from; field->type != FIELD_END; field++) {
        if (strcmp(field->name, name) == 0)
            return field;
    }
    for (const struct field *field = fields; field != from; field++) {
        if (strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

static str column_text(sqlite3_stmt *stmt, int i)
{
    const char *at = (const char *)sqlite3_column_text(stmt, i);
    return (str){at, at ? (size_t)sqlite3_column_bytes(stmt, i) : 0};
}

/* Lists and objects are kept as JSON text: parsed as if they came as the one member of an object.
 */
static err column_json(struct arena *mem, const struct field *field, str text, void *out)
{
    struct field one[] = {*field, FIELD_LAST};
    one[0].flags = 0;
    one[0].given = 0;
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, text.len + strlen(field->name) + 16);
    buf_fmt(&json, "{\"%s\":", field->name);
    buf_add(&json, text);
    buf_char(&json, '}');
    return json.failed ? &err_no_memory : fields_parse(mem, one, buf_str(&json), out);
}

static void column_null(const struct field *field, void *at)
{
    switch (field->type) {
    case FIELD_STR:
    case FIELD_JSON:
        *(str *)at = (str){0};
        break;
    case FIELD_INT:
    case FIELD_TIME:
        *(int64_t *)at = 0;
        break;
    case FIELD_REAL:
        *(double *)at = 0;
        break;
    case FIELD_BOOL:
        *(bool *)at = false;
        break;
    case FIELD_STRS:
        *(struct strs *)at = (struct strs){0};
        break;
    case FIELD_INTS:
        *(struct ints *)at = (struct ints){0};
        break;
    case FIELD_LIST:
        *(struct list *)at = (struct list){0};
        break;
    default:
        break; /* an object keeps its members */
    }
}

/* What SQLite must hold for a field to be read of it. */
static bool column_fits(const struct field *field, int type)
{
    switch (field->type) {
    case FIELD_INT:
    case FIELD_TIME:
    case FIELD_BOOL:
        return type == SQLITE_INTEGER;
    case FIELD_REAL:
        return type == SQLITE_FLOAT || type == SQLITE_INTEGER;
    default:
        return type == SQLITE_TEXT;
    }
}

static err column_value(struct arena *mem, sqlite3_stmt *stmt, int i, const struct field *field,
                        void *out)
{
    void *at = (char *)out + field->offset;
    switch (field->type) {
    case FIELD_STR:
    case FIELD_JSON:
        *(str *)at = str_copy(mem, column_text(stmt, i));
        return arena_failed(mem) ? &err_no_memory : NULL;
    case FIELD_INT:
    case FIELD_TIME:
        *(int64_t *)at = sqlite3_column_int64(stmt, i);
        return NULL;
    case FIELD_REAL:
        *(double *)at = sqlite3_column_double(stmt, i);
        return NULL;
    case FIELD_BOOL:
        *(bool *)at = sqlite3_column_int64(stmt, i) != 0;
        return NULL;
    default:
        return column_json(mem, field, column_text(stmt, i), out);
    }
}

err row_read(struct arena *mem, sqlite3_stmt *stmt, const struct field *fields, void *out)
{
    const struct field *next = fields;
    int columns = sqlite3_column_count(stmt);
    for (int i = 0; i < columns; i++) {
        const char *name = sqlite3_column_name(stmt, i);
        const struct field *field = name ? field_named(fields, next, name) : NULL;
        if (!field)
            return err_internal(
                mem, "column %s has no field: %s", name ? name : "?", sqlite3_sql(stmt));
        next = field + 1;
        int type = sqlite3_column_type(stmt, i);
        if (type == SQLITE_NULL)
            column_null(field, (char *)out + field->offset);
        else if (!column_fits(field, type))
            return err_internal(
                mem, "column %s is not of its field's type: %s", name, sqlite3_sql(stmt));
        else
            TRY(column_value(mem, stmt, i, field, out));
    }
    return NULL;
}

err tx_run_(struct tx *tx, const char *sql, const struct arg *args)
{
    CLEANUP(query_end) struct statement *statement = NULL;
    bool row;
    TRY(query_start(tx, sql, args, &statement));
    do
        TRY(query_step(tx, statement, &row));
    while (row);
    tx->changed = sqlite3_changes64(tx->conn->db);
    return NULL;
}

err tx_find_(struct tx *tx, const struct field *fields, void *out, bool *found, const char *sql,
             const struct arg *args)
{
    CLEANUP(query_end) struct statement *statement = NULL;
    bool row, more = false;
    *found = false;
    TRY(query_start(tx, sql, args, &statement));
    TRY(query_step(tx, statement, &row));
    if (!row)
        return NULL;
    TRY(row_read(tx->db->mem, statement->stmt, fields, out));
    /* To its end, for what RETURNING has done to be whole. */
    TRY(query_step(tx, statement, &more));
    if (more)
        return err_internal(tx->db->mem, "more than one row: %s", sql);
    *found = true;
    return NULL;
}

err tx_one_(struct tx *tx, const struct field *fields, void *out, const char *sql,
            const struct arg *args)
{
    bool found;
    TRY(tx_find_(tx, fields, out, &found, sql, args));
    return found ? NULL : err_new(tx->db->mem, 404, "not_found", "There is no such thing here.");
}

/* Rows as they come, on the heap: how many there are is not known before. */
struct rows {
    char *at;
    size_t n, room, size;
};

static void rows_done(struct rows *rows)
{
    free(rows->at);
}

static err rows_add(struct arena *mem, struct rows *rows, sqlite3_stmt *stmt,
                    const struct field *fields)
{
    if (rows->n == rows->room) {
        size_t room = rows->room ? rows->room * 2 : 16;
        char *at = reallocarray(rows->at, room, rows->size);
        if (!at)
            return &err_no_memory;
        rows->at = at;
        rows->room = room;
    }
    void *row = memset(rows->at + rows->n * rows->size, 0, rows->size);
    TRY(row_read(mem, stmt, fields, row));
    rows->n++;
    return NULL;
}

static err rows_give(struct arena *mem, const struct rows *rows, struct list *list)
{
    *list = (struct list){0};
    if (!rows->n)
        return NULL;
    list->at = arena_array(mem, rows->n, rows->size);
    if (!list->at)
        return &err_no_memory;
    memcpy(list->at, rows->at, rows->n * rows->size);
    list->n = rows->n;
    return NULL;
}

err tx_list_(struct tx *tx, const struct field *fields, size_t size, size_t max, struct list *list,
             const char *sql, const struct arg *args)
{
    CLEANUP(query_end) struct statement *statement = NULL;
    CLEANUP(rows_done) struct rows rows = {.size = size};
    bool row;
    TRY(query_start(tx, sql, args, &statement));
    for (;;) {
        TRY(query_step(tx, statement, &row));
        if (!row)
            return rows_give(tx->db->mem, &rows, list);
        if (rows.n == max)
            return err_internal(tx->db->mem, "more than %zu rows: %s", max, sql);
        TRY(rows_add(tx->db->mem, &rows, statement->stmt, fields));
    }
}

err tx_number_(struct tx *tx, int64_t *out, const char *sql, const struct arg *args)
{
    CLEANUP(query_end) struct statement *statement = NULL;
    bool row;
    *out = 0;
    TRY(query_start(tx, sql, args, &statement));
    TRY(query_step(tx, statement, &row));
    if (!row)
        return NULL;
    int type = sqlite3_column_type(statement->stmt, 0);
    if (type != SQLITE_NULL && type != SQLITE_INTEGER)
        return err_internal(tx->db->mem, "not a number: %s", sql);
    *out = sqlite3_column_int64(statement->stmt, 0);
    /* To its end, for what RETURNING has done to be whole. */
    while (row)
        TRY(query_step(tx, statement, &row));
    return NULL;
}
