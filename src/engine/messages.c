/* The messages: which values make up each struct, in which order. */
#include "engine/messages.h"

#define CODE_MAX 64 /* bytes of an err's code */

const char *const engine_kinds[] = {
    [OP_OBJECTS] = "objects",
    [OP_LOAD] = "load",
    [OP_FORK] = "fork",
    [OP_DROP] = "drop",
    [OP_CHECK] = "check",
    [OP_REFRESH] = "refresh",
    [OP_ROWS] = "rows",
    [OP_CHANGES] = "changes",
    [OP_QUERY] = "query",
    [OP_PREVIEW] = "preview",
    [OP_LAST + 1] = NULL,
};

bool engine_op_writes(enum engine_op op)
{
    return op == OP_LOAD || op == OP_FORK || op == OP_DROP || op == OP_REFRESH;
}

const char *engine_op_name(enum engine_op op)
{
    return engine_kinds[op];
}

void message_op(struct wire *w, enum engine_op *op)
{
    int n = (int)*op;
    wire_enum(w, &n, OP_LAST);
    *op = (enum engine_op)n;
}

/* A code as programs compare it: snake_case. */
static bool code_ok(const char *code)
{
    size_t n = 0;
    for (; code && code[n]; n++) {
        char c = code[n];
        if (n == CODE_MAX || !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return n > 0;
}

void message_err(struct wire *w, struct err *e)
{
    int64_t status = e->status, retry_after_s = e->retry_after_s;
    char *code = (char *)e->code;
    wire_i64(w, &status);
    wire_i64(w, &retry_after_s);
    wire_c(w, &code);
    wire_str(w, &e->detail);
    wire_str(w, &e->errors);
    wire_str(w, &e->inside);
    wire_i64(w, &e->line);
    wire_i64(w, &e->column);
    if (wire_writing(w))
        return;
    w->failed = w->failed || !code_ok(code) || status < 400 || status > 599 || retry_after_s < 0 ||
                retry_after_s > 3600 || e->line < 0 || e->column < 0;
    e->code = code;
    e->status = w->failed ? 500 : (int)status;
    e->retry_after_s = w->failed ? 0 : (int)retry_after_s;
}

static void message_columns(struct wire *w, struct columns *columns)
{
    columns->at = wire_array(w, columns->at, &columns->n, sizeof(struct column));
    for (size_t i = 0; i < columns->n; i++) {
        wire_str(w, &columns->at[i].column_name);
        wire_str(w, &columns->at[i].column_type);
    }
}

static void message_strs(struct wire *w, str **at, size_t *n)
{
    *at = wire_array(w, *at, n, sizeof(str));
    for (size_t i = 0; i < *n; i++)
        wire_str(w, &(*at)[i]);
}

void message_load(struct wire *w, struct load *load)
{
    int mode = (int)load->mode, format = (int)load->format;
    char *path = (char *)load->path;
    wire_str(w, &load->table);
    wire_enum(w, &mode, LOAD_REPLACE);
    wire_enum(w, &format, FORMAT_JSON);
    wire_c(w, &path);
    message_columns(w, &load->columns);
    load->mode = (enum load_mode)mode;
    load->format = (enum load_format)format;
    load->path = path;
    w->failed = w->failed || !path;
}

void message_progress(struct wire *w, struct progress *progress)
{
    wire_i64(w, &progress->rows);
    wire_i64(w, &progress->millionths);
    w->failed = w->failed || progress->rows < 0 || progress->millionths < 0 ||
                progress->millionths > 1000000;
}

void message_loaded(struct wire *w, struct loaded *loaded)
{
    message_object(w, &loaded->table);
    wire_i64(w, &loaded->rows_added);
}

void message_preview(struct wire *w, struct preview *preview)
{
    int format = (int)preview->format;
    char *path = (char *)preview->path;
    wire_enum(w, &format, FORMAT_JSON);
    wire_c(w, &path);
    message_columns(w, &preview->columns);
    wire_bool(w, &preview->cut);
    wire_i64(w, &preview->rows_max);
    preview->format = (enum load_format)format;
    preview->path = path;
    w->failed = w->failed || !path;
}

void message_previewed(struct wire *w, struct previewed *previewed)
{
    message_columns(w, &previewed->columns);
    wire_str(w, &previewed->json);
    wire_bool(w, &previewed->complete);
}

void message_forking(struct wire *w, struct forking *forking)
{
    wire_str(w, &forking->from);
    wire_str(w, &forking->to);
}

void message_dropping(struct wire *w, struct dropping *dropping)
{
    message_strs(w, &dropping->names, &dropping->n);
}

void message_querying(struct wire *w, struct querying *querying)
{
    wire_str(w, &querying->sql);
    wire_i64(w, &querying->limit);
}

void message_object(struct wire *w, struct object *object)
{
    wire_str(w, &object->name);
    wire_bool(w, &object->is_view);
    wire_i64(w, &object->version);
    wire_i64(w, &object->row_count);
    wire_i64(w, &object->bytes);
    wire_i64(w, &object->added);
    wire_i64(w, &object->removed);
    wire_bool(w, &object->reset);
    message_columns(w, &object->columns);
}

void message_objects(struct wire *w, struct objects *objects)
{
    objects->at = wire_array(w, objects->at, &objects->n, sizeof(struct object));
    for (size_t i = 0; i < objects->n; i++)
        message_object(w, &objects->at[i]);
}

void message_checked(struct wire *w, struct checked *checked)
{
    message_columns(w, &checked->columns);
    message_strs(w, &checked->depends, &checked->depends_n);
    wire_bool(w, &checked->is_volatile);
}

void message_refresh(struct wire *w, struct refresh *refresh)
{
    wire_str(w, &refresh->view);
    wire_str(w, &refresh->sql);
    wire_size(w, &refresh->changes_max);
    wire_size(w, &refresh->rows_max);
}

void message_refreshed(struct wire *w, struct refreshed *refreshed)
{
    message_object(w, &refreshed->view);
    wire_i64(w, &refreshed->added);
    wire_i64(w, &refreshed->removed);
    wire_i64(w, &refreshed->duration_us);
    wire_bool(w, &refreshed->reset);
    wire_str(w, &refreshed->changes);
    wire_str(w, &refreshed->rows);
}

void message_rows_ask(struct wire *w, struct rows_ask *ask)
{
    int format = (int)ask->format;
    wire_str(w, &ask->name);
    wire_str(w, &ask->after);
    wire_i64(w, &ask->offset);
    wire_i64(w, &ask->limit);
    message_strs(w, &ask->sort.at, &ask->sort.n);
    message_strs(w, &ask->filter.at, &ask->filter.n);
    message_strs(w, &ask->columns.at, &ask->columns.n);
    wire_bool(w, &ask->count);
    wire_enum(w, &format, ROWS_PARQUET);
    ask->format = (enum rows_format)format;
}

void message_changes_ask(struct wire *w, struct changes_ask *ask)
{
    wire_str(w, &ask->view);
    wire_i64(w, &ask->after);
    wire_i64(w, &ask->upto);
    wire_str(w, &ask->cursor);
    wire_i64(w, &ask->limit);
}

void message_rows_page(struct wire *w, struct rows_page *page)
{
    wire_str(w, &page->json);
    wire_c(w, &page->path);
    wire_str(w, &page->next);
    wire_i64(w, &page->version);
    wire_i64(w, &page->row_count);
}

void message_queried(struct wire *w, struct queried *queried)
{
    message_columns(w, &queried->columns);
    wire_str(w, &queried->json);
    wire_bool(w, &queried->more);
}
