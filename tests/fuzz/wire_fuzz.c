/*
 * What the server and the engine processes tell each other, value by value: the first byte picks
 * the message; what is read as one must come out as the same bytes when it is written again.
 */
#include "engine/messages.h"
#include "fuzz/fuzz.h"

#define KINDS 17

union message {
    struct err err;
    struct load load;
    struct loaded loaded;
    struct forking forking;
    struct dropping dropping;
    struct querying querying;
    struct objects objects;
    struct checked checked;
    struct refresh refresh;
    struct refreshed refreshed;
    struct rows_ask rows_ask;
    struct changes_ask changes_ask;
    struct rows_page rows_page;
    struct queried queried;
    struct progress progress;
    struct preview preview;
    struct previewed previewed;
};

/* Once to read, once to write: the wire knows which. */
static void message_run(struct wire *w, unsigned kind, union message *m)
{
    switch (kind) {
    case 0:
        message_err(w, &m->err);
        break;
    case 1:
        message_load(w, &m->load);
        break;
    case 2:
        message_loaded(w, &m->loaded);
        break;
    case 3:
        message_forking(w, &m->forking);
        break;
    case 4:
        message_dropping(w, &m->dropping);
        break;
    case 5:
        message_querying(w, &m->querying);
        break;
    case 6:
        message_objects(w, &m->objects);
        break;
    case 7:
        message_checked(w, &m->checked);
        break;
    case 8:
        message_refresh(w, &m->refresh);
        break;
    case 9:
        message_refreshed(w, &m->refreshed);
        break;
    case 10:
        message_rows_ask(w, &m->rows_ask);
        break;
    case 11:
        message_changes_ask(w, &m->changes_ask);
        break;
    case 12:
        message_rows_page(w, &m->rows_page);
        break;
    case 13:
        message_queried(w, &m->queried);
        break;
    case 14:
        message_progress(w, &m->progress);
        break;
    case 15:
        message_preview(w, &m->preview);
        break;
    default:
        message_previewed(w, &m->previewed);
        break;
    }
}

static void message_again(unsigned kind, union message *m, str body)
{
    CLEANUP(buf_done) struct buf again;
    buf_init(&again, WIRE_BODY_MAX);
    struct wire out = wire_writer(&again);
    message_run(&out, kind, m);
    CHECK(wire_ok(&out) && str_eq(buf_str(&again), body));
}

/* Cut anywhere it is no message any more. */
static void cut_is_refused(unsigned kind, str body)
{
    for (size_t len = 0; len < body.len; len += 1 + body.len / 8) {
        CLEANUP(arena_done) struct arena mem;
        arena_init(&mem, 1 << 20);
        union message m = {0};
        struct wire in = wire_reader(&mem, str_sub(body, 0, len));
        message_run(&in, kind, &m);
        CHECK(!wire_ok(&in));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, 1 << 20);
    char *copy = exact_copy((str){(const char *)data + 1, size - 1});
    str body = {copy, size - 1};
    union message m;
    memset(&m, 0, sizeof(m));
    struct wire in = wire_reader(&mem, body);
    message_run(&in, data[0] % KINDS, &m);
    if (wire_ok(&in)) {
        message_again(data[0] % KINDS, &m, body);
        cut_is_refused(data[0] % KINDS, body);
    }
    free(copy);
    return 0;
}
