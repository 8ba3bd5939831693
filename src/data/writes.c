/* The engine's writes, and what became of those whose process died. */
#include "data/writes.h"

#include <unistd.h>

#include "base/time.h"

/* The engine is started again at most once a second. */
#define LOOK_MS 10000
#define PAUSE_US (50 * 1000)

static const char unknown_text[] = "it is not known what was done";

/* It may have been the answer that there was none for. Such a process is replaced. */
static bool no_memory(err e)
{
    return err_is(e, "query_memory") || err_is(e, "out_of_memory");
}

static bool in_doubt(err e)
{
    return err_is(e, "engine_failed") || err_is(e, "query_timeout") || err_is(e, "client_gone") ||
           err_is(e, "query_cancelled") || no_memory(e);
}

/* In nobody's name: the client may have left. */
static struct ask look_ask(const struct ask *ask)
{
    struct ask own = *ask;
    own.gone = NULL;
    own.limit_ms = LOOK_MS;
    return own;
}

/* Until a process answers, or it is enough. */
static bool again(err e, int64_t end_us)
{
    if ((!err_is(e, "engine_failed") && !no_memory(e)) || time_steady() >= end_us)
        return false;
    usleep(PAUSE_US);
    return true;
}

static err look(const struct ask *ask, struct objects *out)
{
    struct ask own = look_ask(ask);
    int64_t end_us = time_steady() + LOOK_MS * 1000;
    err e;
    do
        e = engine_objects(&own, out);
    while (again(e, end_us));
    return e;
}

/* Not refused: who takes it for that would forget what may have been done. */
static err not_known(struct arena *mem, err e)
{
    struct err *unknown = NEW(mem, struct err);
    if (!unknown)
        return &err_no_memory;
    *unknown = *e;
    unknown->inside = (str){unknown_text, sizeof(unknown_text) - 1};
    if (e->status >= 499)
        return unknown;
    unknown->status = 503;
    unknown->code = "engine_failed";
    unknown->detail = str_fmt(mem,
                              "It is not known yet what was done: look, before it is sent again. "
                              "The cause: %.*s",
                              STR_ARGS(e->detail));
    return unknown;
}

bool outcome_unknown(err e)
{
    return e && e->inside.at == unknown_text;
}

/* NULL when `name` has come to `version` although `e` says that it was cut off. */
static err outcome(const struct ask *ask, err e, str name, int64_t version, struct object *out)
{
    struct objects objects = {0};
    if (!in_doubt(e))
        return e;
    err looked = look(ask, &objects);
    for (size_t i = 0; !looked && i < objects.n; i++) {
        if (!str_eq_nocase(objects.at[i].name, name) || objects.at[i].version != version)
            continue;
        *out = objects.at[i];
        return NULL;
    }
    return looked ? not_known(ask->mem, e) : e;
}

err write_load(const struct ask *ask, const struct load *load, const struct relation *table,
               struct object *out, int64_t *rows_added)
{
    err e = engine_load(ask, load, out, rows_added);
    if (!e)
        return NULL;
    TRY(outcome(ask, e, load->table, table->version + 1, out));
    *rows_added = out->row_count - (load->mode == LOAD_APPEND ? table->row_count : 0);
    return NULL;
}

err write_fork(const struct ask *ask, str from, str to, struct object *out)
{
    return outcome(ask, engine_fork(ask, from, to, out), to, 1, out);
}

err write_refresh(const struct ask *ask, const struct refresh *refresh, int64_t version,
                  struct refreshed *out)
{
    struct object view;
    err e = engine_refresh(ask, refresh, out);
    if (!e)
        return NULL;
    TRY(outcome(ask, e, refresh->view, version + 1, &view));
    /* Rows and changes are not told inline, but where they can be had. */
    *out = (struct refreshed){
        .view = view, .added = view.added, .removed = view.removed, .reset = view.reset};
    return NULL;
}

err write_drop(const struct ask *ask, const str *names, size_t n)
{
    err e = engine_drop(ask, names, n);
    if (!in_doubt(e))
        return e;
    struct ask own = look_ask(ask);
    int64_t end_us = time_steady() + LOOK_MS * 1000;
    do
        e = engine_drop(&own, names, n); /* what is gone already is success */
    while (again(e, end_us));
    return e;
}
