/* The calls of the engine: encode what is asked, ask the team's process, decode what it answers. */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "engine/ask.h"
#include "engine/folders.h"

struct engine {
    struct supervisor *supervisor;
    struct roll roll;
    char *program, *teams_dir;
};

err engine_open(struct arena *mem, const struct engine_options *options, struct engine **out)
{
    char *teams_dir;
    TRY(folders_open(mem, options->data_dir, &teams_dir));
    struct engine *engine = calloc(1, sizeof(*engine));
    if (!engine)
        return &err_no_memory;
    roll_init(&engine->roll);
    engine->program = strdup(options->program);
    engine->teams_dir = strdup(teams_dir);
    struct engine_options kept = *options;
    kept.program = engine->program;
    err e = !engine->program || !engine->teams_dir
                ? &err_no_memory
                : supervisor_new(mem, &kept, engine->teams_dir, &engine->supervisor);
    if (e)
        engine_close(engine);
    else
        *out = engine;
    return e;
}

void engine_interrupt(struct engine *engine)
{
    supervisor_interrupt(engine->supervisor);
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    supervisor_free(engine->supervisor);
    roll_done(&engine->roll);
    free(engine->program);
    free(engine->teams_dir);
    free(engine);
}

err engine_processes(struct engine *engine, struct arena *mem, struct engine_process **out,
                     size_t *n)
{
    return supervisor_processes(engine->supervisor, mem, out, n);
}

err engine_tmp_path(const struct ask *ask, char **path)
{
    return folder_tmp_path(ask->mem, ask->engine->teams_dir, ask->team, path);
}

err engine_calls(struct engine *engine, struct arena *mem, struct engine_call **out, size_t *n)
{
    return roll_calls(&engine->roll, mem, out, n);
}

bool engine_cancel(struct engine *engine, struct arena *mem, int64_t id, struct engine_call *out)
{
    return roll_cancel(&engine->roll, id, mem, out);
}

static err ask(const struct ask *a, struct asked asked, struct buf *frame, struct wire *answer)
{
    return ask_run(a, a->engine->supervisor, &a->engine->roll, &asked, frame, answer);
}

/* The answer was what it should be, and nothing was left over. */
static err answer_check(const struct ask *ask, const struct wire *answer)
{
    if (arena_failed(ask->mem))
        return &err_no_memory;
    return wire_ok(answer) ? NULL
                           : err_internal(ask->mem, "an engine process gave a malformed answer");
}

/* A page's file must be one that the process could have made: the path comes from it, and the file
 * goes to a client. */
static err page_check(const struct ask *ask, const struct wire *answer,
                      const struct rows_page *page)
{
    TRY(answer_check(ask, answer));
    if (page->path && !folder_owns(ask->mem, ask->engine->teams_dir, ask->team, page->path))
        return err_internal(ask->mem, "an engine process named a file that is not its own");
    return NULL;
}

err engine_objects(const struct ask *a, struct objects *out)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer;
    ask_begin(&frame, OP_OBJECTS);
    TRY(ask(a, (struct asked){.op = OP_OBJECTS}, &frame, &answer));
    *out = (struct objects){0};
    message_objects(&answer, out);
    return answer_check(a, &answer);
}

err engine_load(const struct ask *a, const struct load *load, struct object *out,
                int64_t *rows_added)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_LOAD);
    struct load asked = *load;
    struct loaded loaded = {0};
    message_load(&request, &asked);
    TRY(ask(
        a, (struct asked){.op = OP_LOAD, .subject = load->table, .load = load}, &frame, &answer));
    message_loaded(&answer, &loaded);
    *out = loaded.table;
    *rows_added = loaded.rows_added;
    return answer_check(a, &answer);
}

err engine_preview(const struct ask *a, const struct preview *preview, struct previewed *out)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_PREVIEW);
    struct preview asked = *preview;
    message_preview(&request, &asked);
    TRY(ask(a, (struct asked){.op = OP_PREVIEW}, &frame, &answer));
    *out = (struct previewed){0};
    message_previewed(&answer, out);
    return answer_check(a, &answer);
}

err engine_fork(const struct ask *a, str from, str to, struct object *out)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_FORK);
    message_forking(&request, &(struct forking){.from = from, .to = to});
    TRY(ask(a, (struct asked){.op = OP_FORK, .subject = from}, &frame, &answer));
    *out = (struct object){0};
    message_object(&answer, out);
    return answer_check(a, &answer);
}

err engine_drop(const struct ask *a, const str *names, size_t n)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_DROP);
    message_dropping(&request, &(struct dropping){.names = (str *)names, .n = n});
    TRY(ask(a, (struct asked){.op = OP_DROP, .subject = n ? names[0] : (str){0}}, &frame, &answer));
    return answer_check(a, &answer);
}

err engine_check(const struct ask *a, str sql, struct checked *out)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_CHECK);
    message_querying(&request, &(struct querying){.sql = sql});
    TRY(ask(a, (struct asked){.op = OP_CHECK, .sql = sql}, &frame, &answer));
    *out = (struct checked){0};
    message_checked(&answer, out);
    return answer_check(a, &answer);
}

err engine_refresh(const struct ask *a, const struct refresh *refresh, struct refreshed *out)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_REFRESH);
    struct refresh asked = *refresh;
    message_refresh(&request, &asked);
    TRY(ask(a,
            (struct asked){.op = OP_REFRESH, .subject = refresh->view, .sql = refresh->sql},
            &frame,
            &answer));
    *out = (struct refreshed){0};
    message_refreshed(&answer, out);
    return answer_check(a, &answer);
}

err engine_rows(const struct ask *a, const struct rows_ask *rows, struct rows_page *out)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_ROWS);
    struct rows_ask asked = *rows;
    message_rows_ask(&request, &asked);
    TRY(ask(a, (struct asked){.op = OP_ROWS, .subject = rows->name}, &frame, &answer));
    *out = (struct rows_page){0};
    message_rows_page(&answer, out);
    return page_check(a, &answer, out);
}

err engine_changes(const struct ask *a, const struct changes_ask *changes, struct rows_page *out)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_CHANGES);
    struct changes_ask asked = *changes;
    message_changes_ask(&request, &asked);
    TRY(ask(a, (struct asked){.op = OP_CHANGES, .subject = changes->view}, &frame, &answer));
    *out = (struct rows_page){0};
    message_rows_page(&answer, out);
    return page_check(a, &answer, out);
}

err engine_query(const struct ask *a, str sql, int64_t limit, struct queried *out)
{
    CLEANUP(buf_done) struct buf frame;
    struct wire answer, request = ask_begin(&frame, OP_QUERY);
    message_querying(&request, &(struct querying){.sql = sql, .limit = limit});
    TRY(ask(a, (struct asked){.op = OP_QUERY, .sql = sql}, &frame, &answer));
    *out = (struct queried){0};
    message_queried(&answer, out);
    return answer_check(a, &answer);
}
