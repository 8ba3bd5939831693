/* What the tests of feeds stand on: a store with a log, loops without a network, topics whose
 * frames are numbers. After cmocka.h. */
#ifndef UNIT_EVENTS_STAGE_H
#define UNIT_EVENTS_STAGE_H

#include "base/embedded.h"
#include "store/migrations.h"
#include "unit/events/fake_http.h"
#include "unit/store/disk.h"
#include "unit/store/folder.h"

struct fixture {
    struct folder folder;
    struct arena mem;
    struct store *store;
    struct events *events;
    struct db db;
};

/* A topic of a test: all events, or those of one type; "end" ends it. Frames are "<n> ". */
struct watch {
    const char *type;
    atomic_int *renders, *frees;
};

static enum topic_action watch_match(void *arg, const struct event *event)
{
    struct watch *watch = arg;
    if (str_eq(event->type, STR("end")))
        return TOPIC_END;
    return !watch->type || str_eq(event->type, str_of(watch->type)) ? TOPIC_SEND : TOPIC_SKIP;
}

static struct frame *text_frame(const char *format, int64_t n)
{
    char text[32];
    snprintf(text, sizeof(text), format, (long long)n);
    return frame_copy(str_of(text));
}

static struct frame *watch_render(void *arg, const struct event *event)
{
    struct watch *watch = arg;
    if (watch->renders)
        atomic_fetch_add(watch->renders, 1);
    return text_frame(str_eq(event->type, STR("end")) ? "end%lld " : "%lld ", event->n);
}

static struct frame *watch_reset(void *arg, int64_t position)
{
    (void)arg;
    return text_frame("reset%lld ", position);
}

static void watch_free(void *arg)
{
    struct watch *watch = arg;
    if (watch->frees)
        atomic_fetch_add(watch->frees, 1);
    free(watch);
}

static const struct topic_kind watch_kind = {watch_match, watch_render, watch_free};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const struct embedded_file *all = embedded_files;
    struct embedded_file own[3] = {0};
    for (size_t n = 0; all->path; all++) {
        if (strstr(all->path, "/0001_events."))
            own[n++] = *all;
    }
    folder_make(&f->folder);
    fake_init();
    arena_init(&f->mem, 64 << 20);
    disk_reset();
    struct store_options options = {.path = f->folder.file, .vfs = "disk"};
    assert_ok(migrations_make(&f->mem, own, &options.migrations, &options.migration_count));
    int applied;
    assert_ok(store_open(&f->mem, &options, &f->store));
    assert_ok(store_migrate_up(f->store, &f->mem, &applied));
    struct events_options events = {.store = f->store, .keep_days = 0};
    assert_ok(events_open(&f->mem, &events, &f->events));
    assert_ok(events_join(f->events, &f->mem, &fake));
    f->db = (struct db){.store = f->store, .mem = &f->mem, .actor = STR("test")};
    open_on = &fake.loops[0];
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    events_close(f->events);
    store_close(f->store);
    folder_remove(&f->folder);
    arena_done(&f->mem);
    free(f);
    return 0;
}

static inline err append(struct events *events, struct store *store, const char *team,
                         const char *type)
{
    struct arena mem;
    arena_init(&mem, 1 << 20);
    struct db db = {.store = store, .mem = &mem, .actor = STR("test")};
    struct tx tx = {0};
    err e = db_begin(&db, &tx);
    if (!e)
        e = event_append_json(events, &tx, str_of(team), type, STR("s"), STR("{}"));
    if (!e)
        e = tx_commit(&tx);
    tx_done(&tx);
    said(e);
    arena_done(&mem);
    return e ? &err_no_memory : NULL;
}

static inline void append_n(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++)
        assert_ok(append(f->events, f->store, "team", "t"));
}

static inline struct stream *listen_as(struct fixture *f, const char *team, const char *key,
                                       struct watch watch, int64_t position)
{
    struct request rq = {.mem = &f->mem, .db = &f->db};
    struct watch *arg = malloc(sizeof(*arg));
    *arg = watch;
    struct topic_ask ask = {.team = str_of(team),
                            .key = str_of(key),
                            .kind = &watch_kind,
                            .arg = arg,
                            .position = position,
                            .reset = watch_reset};
    assert_ok(reply_events(&rq, f->events, &ask));
    loop_post(last_opened->loop, &last_opened->post);
    return last_opened;
}

static inline struct stream *listen(struct fixture *f, int64_t position)
{
    return listen_as(f, "team", "all", (struct watch){0}, position);
}

static inline bool has(const struct stream *stream, const char *text)
{
    return str_eq(buf_str(&stream->taken), str_of(text));
}

/* Runs the first loop until the stream has exactly this. */
static inline void wait_text(struct stream *stream, const char *text)
{
    while (!has(stream, text)) {
        if (!loop_step(stream->loop)) {
            fail_msg(
                "got \"%.*s\" in the place of \"%s\"", STR_ARGS(buf_str(&stream->taken)), text);
        }
    }
}

static inline void run_out(struct loop *loop)
{
    while (!loop_idle(loop))
        loop_step(loop);
}

static inline void leave(struct stream *stream)
{
    if (!stream->over)
        stream_end(stream, NULL);
    while (!stream->closed)
        assert_true(loop_step(stream->loop));
    stream_free(stream);
}

#endif
