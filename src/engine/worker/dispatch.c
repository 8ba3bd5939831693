/* From a request's bytes to an operation and back: decodes, runs, encodes. */
#include "engine/worker/dispatch.h"

#include "engine/messages.h"
#include "engine/wire.h"

/* A request of whose bytes nothing may be left over, nor too few be there. */
static err request_check(const struct call *call, const struct wire *in)
{
    if (arena_failed(call->mem))
        return &err_no_memory;
    return wire_ok(in) ? NULL : err_internal(call->mem, "malformed request to the engine process");
}

static err run_objects(struct call *call, struct wire *in, struct wire *out)
{
    struct objects objects = {0};
    TRY(request_check(call, in));
    TRY(worker_objects(call, &objects));
    message_objects(out, &objects);
    return NULL;
}

static err run_load(struct call *call, struct wire *in, struct wire *out)
{
    struct load load = {0};
    struct loaded loaded = {0};
    message_load(in, &load);
    TRY(request_check(call, in));
    TRY(worker_load(call, &load, &loaded.table, &loaded.rows_added));
    message_loaded(out, &loaded);
    return NULL;
}

static err run_preview(struct call *call, struct wire *in, struct wire *out)
{
    struct preview preview = {0};
    struct previewed previewed = {0};
    message_preview(in, &preview);
    TRY(request_check(call, in));
    TRY(worker_preview(call, &preview, &previewed));
    message_previewed(out, &previewed);
    return NULL;
}

static err run_fork(struct call *call, struct wire *in, struct wire *out)
{
    struct forking forking = {0};
    struct object object = {0};
    message_forking(in, &forking);
    TRY(request_check(call, in));
    TRY(worker_fork(call, forking.from, forking.to, &object));
    message_object(out, &object);
    return NULL;
}

static err run_drop(struct call *call, struct wire *in, struct wire *out)
{
    struct dropping dropping = {0};
    message_dropping(in, &dropping);
    TRY(request_check(call, in));
    TRY(worker_drop(call, dropping.names, dropping.n));
    (void)out; /* that it is an answer says it all */
    return NULL;
}

static err run_check(struct call *call, struct wire *in, struct wire *out)
{
    struct querying querying = {0};
    struct checked checked = {0};
    message_querying(in, &querying);
    TRY(request_check(call, in));
    TRY(worker_check(call, querying.sql, &checked));
    message_checked(out, &checked);
    return NULL;
}

static err run_refresh(struct call *call, struct wire *in, struct wire *out)
{
    struct refresh refresh = {0};
    struct refreshed refreshed = {0};
    message_refresh(in, &refresh);
    TRY(request_check(call, in));
    TRY(worker_refresh(call, &refresh, &refreshed));
    message_refreshed(out, &refreshed);
    return NULL;
}

static err run_rows(struct call *call, struct wire *in, struct wire *out)
{
    struct rows_ask ask = {0};
    struct rows_page page = {0};
    message_rows_ask(in, &ask);
    TRY(request_check(call, in));
    TRY(worker_rows(call, &ask, &page));
    message_rows_page(out, &page);
    return NULL;
}

static err run_changes(struct call *call, struct wire *in, struct wire *out)
{
    struct changes_ask ask = {0};
    struct rows_page page = {0};
    message_changes_ask(in, &ask);
    TRY(request_check(call, in));
    TRY(worker_changes(call, &ask, &page));
    message_rows_page(out, &page);
    return NULL;
}

static err run_query(struct call *call, struct wire *in, struct wire *out)
{
    struct querying querying = {0};
    struct queried queried = {0};
    message_querying(in, &querying);
    TRY(request_check(call, in));
    TRY(worker_query(call, querying.sql, querying.limit, &queried));
    message_queried(out, &queried);
    return NULL;
}

static err (*const runs[])(struct call *call, struct wire *in, struct wire *out) = {
    [OP_OBJECTS] = run_objects,
    [OP_LOAD] = run_load,
    [OP_FORK] = run_fork,
    [OP_DROP] = run_drop,
    [OP_CHECK] = run_check,
    [OP_REFRESH] = run_refresh,
    [OP_ROWS] = run_rows,
    [OP_CHANGES] = run_changes,
    [OP_QUERY] = run_query,
    [OP_PREVIEW] = run_preview,
};

static err answer(struct call *call, str body, struct buf *frame)
{
    struct wire in = wire_reader(call->mem, body);
    struct wire out = wire_writer(frame);
    enum engine_op op = OP_OBJECTS;
    message_op(&in, &op);
    if (in.failed)
        return err_internal(call->mem, "unknown operation asked of the engine process");
    wire_frame_begin(frame);
    TRY(runs[op](call, &in, &out));
    if (arena_failed(call->mem))
        return &err_no_memory;
    if (!wire_ok(&out) || !wire_frame_end(frame, WIRE_ANSWER))
        return err_new(call->mem,
                       422,
                       "result_too_large",
                       "The answer is larger than %u MB; ask for fewer rows.",
                       WIRE_BODY_MAX >> 20);
    return NULL;
}

/* An err whose own texts are too large for a frame is told without them. */
static void failure(err e, struct buf *frame)
{
    struct err told = *e;
    for (int attempt = 0; attempt < 2; attempt++) {
        buf_done(frame);
        buf_init(frame, WIRE_BODY_MAX + WIRE_HEAD);
        struct wire out = wire_writer(frame);
        wire_frame_begin(frame);
        message_err(&out, &told);
        if (wire_ok(&out) && wire_frame_end(frame, WIRE_FAILURE))
            return;
        told = err_no_memory;
    }
}

bool dispatch(struct call *call, str body, struct buf *frame)
{
    err e = answer(call, body, frame);
    if (e)
        failure(e, frame);
    return !e;
}
