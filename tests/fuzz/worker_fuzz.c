/*
 * An engine process reads a server that may ask anything: the first byte says how the operation
 * fares, what follows is the body of a call.
 *
 * The operations are fakes that look at all they are asked and give it back; whatever comes, the
 * answer is one whole frame that the server can read.
 */
#include "engine/messages.h"
#include "engine/worker/dispatch.h"
#include "fuzz/fuzz.h"

#define MEMORY ((size_t)4 << 20)

static unsigned fares;

static size_t touched; /* so that nothing is read for nothing */

static void touch(str s)
{
    for (size_t i = 0; i < s.len; i++)
        touched += (unsigned char)s.at[i];
}

static err outcome(struct call *call)
{
    switch (fares % 4) {
    case 0:
        return err_new(call->mem, 422, "invalid_query", "No.");
    case 1:
        return err_with(call->mem, 422, "invalid_file", STR("No."), STR("[]"));
    default:
        return NULL;
    }
}

static struct object object_of(str name, struct columns columns)
{
    return (struct object){.name = name, .version = 1, .row_count = 3, .columns = columns};
}

err worker_objects(struct call *call, struct objects *out)
{
    *out = (struct objects){NEW(call->mem, struct object), 1};
    CHECK(out->at);
    out->at[0] = object_of(STR("t"), (struct columns){0});
    return outcome(call);
}

err worker_load(struct call *call, const struct load *load, struct object *out, int64_t *rows_added)
{
    touch(load->table);
    touch(str_of(load->path));
    CHECK(load->mode <= LOAD_REPLACE && load->format <= FORMAT_JSON && !load->progress);
    for (size_t i = 0; i < load->columns.n; i++) {
        touch(load->columns.at[i].column_name);
        touch(load->columns.at[i].column_type);
    }
    *out = object_of(load->table, load->columns);
    *rows_added = 3;
    return outcome(call);
}

err worker_preview(struct call *call, const struct preview *preview, struct previewed *out)
{
    touch(str_of(preview->path));
    CHECK(preview->format <= FORMAT_JSON);
    *out = (struct previewed){
        .columns = preview->columns, .json = str_of(preview->path), .complete = preview->cut};
    return outcome(call);
}

err worker_fork(struct call *call, str from, str to, struct object *out)
{
    touch(from);
    *out = object_of(to, (struct columns){0});
    return outcome(call);
}

err worker_drop(struct call *call, const str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        touch(names[i]);
    return outcome(call);
}

err worker_check(struct call *call, str sql, struct checked *out)
{
    *out = (struct checked){.depends = NEW(call->mem, str), .depends_n = 1};
    CHECK(out->depends);
    out->depends[0] = sql;
    return outcome(call);
}

err worker_refresh(struct call *call, const struct refresh *refresh, struct refreshed *out)
{
    *out = (struct refreshed){.view = object_of(refresh->view, (struct columns){0}),
                              .changes = refresh->sql};
    return outcome(call);
}

err worker_rows(struct call *call, const struct rows_ask *ask, struct rows_page *out)
{
    CHECK(ask->format <= ROWS_PARQUET);
    const struct strs *lists[] = {&ask->sort, &ask->filter, &ask->columns};
    for (size_t i = 0; i < LENGTH(lists); i++) {
        for (size_t j = 0; j < lists[i]->n; j++)
            touch(lists[i]->at[j]);
    }
    *out = (struct rows_page){.json = ask->name, .next = ask->after, .version = ask->limit};
    return outcome(call);
}

err worker_changes(struct call *call, const struct changes_ask *ask, struct rows_page *out)
{
    *out = (struct rows_page){.json = ask->view, .next = ask->cursor, .version = ask->after};
    return outcome(call);
}

err worker_query(struct call *call, str sql, int64_t limit, struct queried *out)
{
    *out = (struct queried){.json = sql, .more = limit > 0};
    return outcome(call);
}

static bool answer_read(struct wire *w, enum engine_op op)
{
    union {
        struct objects objects;
        struct loaded loaded;
        struct object object;
        struct checked checked;
        struct refreshed refreshed;
        struct rows_page page;
        struct queried queried;
        struct previewed previewed;
    } m;
    memset(&m, 0, sizeof(m));
    switch (op) {
    case OP_OBJECTS:
        message_objects(w, &m.objects);
        break;
    case OP_LOAD:
        message_loaded(w, &m.loaded);
        break;
    case OP_FORK:
        message_object(w, &m.object);
        break;
    case OP_DROP:
        break;
    case OP_CHECK:
        message_checked(w, &m.checked);
        break;
    case OP_REFRESH:
        message_refreshed(w, &m.refreshed);
        break;
    case OP_ROWS:
    case OP_CHANGES:
        message_rows_page(w, &m.page);
        break;
    case OP_QUERY:
        message_queried(w, &m.queried);
        break;
    case OP_PREVIEW:
        message_previewed(w, &m.previewed);
        break;
    }
    return wire_ok(w);
}

static void frame_check(str frame, bool ok, unsigned op)
{
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    CHECK(frame.len >= WIRE_HEAD);
    size_t length = 0;
    for (size_t i = 0; i < 4; i++)
        length |= (size_t)(unsigned char)frame.at[i] << (8 * i);
    CHECK(length == frame.len - WIRE_HEAD);
    CHECK(frame.at[4] == (ok ? WIRE_ANSWER : WIRE_FAILURE));
    struct wire w = wire_reader(&mem, str_sub(frame, WIRE_HEAD, length));
    struct err e = {0};
    if (ok) {
        CHECK(answer_read(&w, (enum engine_op)op));
        return;
    }
    message_err(&w, &e);
    CHECK(wire_ok(&w) && e.status >= 400 && e.code[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    fares = data[0];
    char *copy = exact_copy((str){(const char *)data + 1, size - 1});
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    CLEANUP(buf_done) struct buf frame;
    buf_init(&frame, WIRE_BODY_MAX + WIRE_HEAD);
    struct call call = {.mem = &mem, .tmp_dir = "/nowhere"};
    bool ok = dispatch(&call, (str){copy, size - 1}, &frame);
    CHECK(!ok || (size > 1 && data[1] <= OP_LAST && fares % 4 > 1));
    frame_check(buf_str(&frame), ok, size > 1 ? data[1] : 0);
    free(copy);
    return 0;
}
