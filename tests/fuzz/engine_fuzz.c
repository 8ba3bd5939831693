/*
 * The server reads an engine process that may say anything: the first byte picks what is asked, the
 * second how the rest comes (as it is, or as the bodies of frames), what follows is said over a
 * real socket.
 *
 * Whatever is said, the call ends, its err is one a client may be told, and a file that is named
 * lies in the team's own folder.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/ask.h"
#include "engine/folders.h"
#include "engine/process.h"
#include "fuzz/fuzz.h"

#define MEMORY ((size_t)1 << 20)
#define TEAM "0198c5d2-0000-7000-8000-000000000001"

static struct {
    struct engine *engine;
    char data_dir[64], tmp[192];
    struct supervisor supervisor; /* what we leave to it finds it idle */
    struct process process;
    int ends[2]; /* of the call: ours, the process's */
    bool killed, given, reusable;
} fake;

/* The supervisor, with one process that is always there. */

err supervisor_new(struct arena *mem, const struct engine_options *options, const char *teams_dir,
                   struct supervisor **out)
{
    (void)mem, (void)options, (void)teams_dir;
    *out = &fake.supervisor;
    return NULL;
}

void supervisor_free(struct supervisor *supervisor)
{
    (void)supervisor;
}

err supervisor_take(struct supervisor *supervisor, const struct ask *ask, bool writes,
                    const atomic_bool *cancelled, struct lease *lease)
{
    (void)supervisor, (void)ask, (void)cancelled;
    *lease = (struct lease){.process = &fake.process, .fd = fake.ends[0], .writes = writes};
    return NULL;
}

void supervisor_give(struct supervisor *supervisor, struct lease *lease, bool reusable)
{
    (void)supervisor, (void)lease;
    CHECK(!fake.given);
    fake.given = true;
    fake.reusable = reusable;
}

void supervisor_kill(struct supervisor *supervisor, const struct lease *lease, const char *because)
{
    (void)supervisor, (void)lease;
    CHECK(because);
    fake.killed = true;
}

err supervisor_outcome(struct supervisor *supervisor, const struct lease *lease, struct arena *mem)
{
    (void)supervisor, (void)lease;
    return err_busy(mem, 1, "engine_failed", "It has ended.");
}

err supervisor_processes(struct supervisor *supervisor, struct arena *mem,
                         struct engine_process **out, size_t *n)
{
    (void)supervisor, (void)mem, (void)out;
    *n = 0;
    return NULL;
}

static void folder_remove(void)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf %s", fake.data_dir);
    CHECK(system(command) == 0);
}

/* A team's folder with a file of its own, and a link that leads out of it. */
static void engine_once(void)
{
    static struct arena mem;
    char path[256];
    if (fake.engine)
        return;
    arena_init(&mem, MEMORY);
    snprintf(fake.data_dir, sizeof(fake.data_dir), "/tmp/fuzz-engine-XXXXXX");
    CHECK(mkdtemp(fake.data_dir));
    atexit(folder_remove);
    struct engine_options options = {.program = "none", .data_dir = fake.data_dir};
    CHECK(!engine_open(&mem, &options, &fake.engine));
    snprintf(path, sizeof(path), "%s/teams", fake.data_dir);
    CHECK(!folder_make(&mem, path, STR(TEAM)));
    snprintf(fake.tmp, sizeof(fake.tmp), "%s/teams/" TEAM "/tmp/", fake.data_dir);
    snprintf(path, sizeof(path), "%sown", fake.tmp);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && close(fd) == 0);
    snprintf(path, sizeof(path), "%sout", fake.tmp);
    CHECK(symlink("/etc/passwd", path) == 0);
}

/* Length byte, kind byte, body: as frames with true heads. A body's '*' is the team's folder. */
static void frames_print(struct buf *out, str said)
{
    while (said.len >= 2) {
        unsigned len = (unsigned char)said.at[0], kind = (unsigned char)said.at[1] % 6;
        str body = str_sub(said, 2, len == 0xFF ? said.len : len);
        said = str_sub(said, 2 + body.len, said.len);
        CLEANUP(buf_done) struct buf frame;
        buf_init(&frame, MEMORY);
        wire_frame_begin(&frame);
        buf_add(&frame, body);
        CHECK(wire_frame_end(&frame, (enum wire_kind)kind));
        buf_add(out, buf_str(&frame));
    }
}

/* The body of a page, of which a fuzzer would not guess the path. */
static void page_print(struct buf *out, str path)
{
    char full[512];
    snprintf(full, sizeof(full), "%s%.*s", fake.tmp, STR_ARGS(str_sub(path, 0, 200)));
    struct rows_page page = {.json = STR("[]"), .path = full, .version = 1};
    struct wire w = wire_writer(out);
    wire_frame_begin(out);
    message_rows_page(&w, &page);
    CHECK(wire_frame_end(out, WIRE_ANSWER));
}

static void said_send(unsigned how, str said)
{
    CLEANUP(buf_done) struct buf bytes;
    buf_init(&bytes, MEMORY);
    if (how % 3 == 0)
        buf_add(&bytes, said);
    else if (how % 3 == 1)
        frames_print(&bytes, said);
    else
        page_print(&bytes, said);
    CHECK(wire_send(fake.ends[1], buf_str(&bytes), 1000));
    CHECK(shutdown(fake.ends[1], SHUT_WR) == 0);
}

static void page_check(const struct rows_page *page)
{
    struct stat is;
    if (!page->path)
        return;
    CHECK(str_starts(str_of(page->path), str_of(fake.tmp)));
    const char *name = page->path + strlen(fake.tmp);
    CHECK(*name && !strchr(name, '/'));
    CHECK(lstat(page->path, &is) == 0 && S_ISREG(is.st_mode));
}

static void columns_check(const struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++)
        CHECK(columns->at[i].column_name.len + columns->at[i].column_type.len < MEMORY);
}

static void rows_told(void *arg, const struct progress *progress)
{
    CHECK(progress->rows >= 0 && progress->millionths >= 0 && progress->millionths <= 1000000);
    *(int64_t *)arg = progress->rows;
}

static err ask_one(const struct ask *ask, unsigned which)
{
    union {
        struct objects objects;
        struct object object;
        struct checked checked;
        struct refreshed refreshed;
        struct rows_page page;
        struct queried queried;
        struct previewed previewed;
    } out;
    int64_t rows = 0;
    str names[] = {STR("a"), STR("b")};
    struct load load = {
        .table = STR("t"), .path = "x", .progress = rows_told, .progress_arg = &rows};
    struct refresh refresh = {.view = STR("v"), .sql = STR("SELECT 1")};
    struct rows_ask rows_ask = {.name = STR("t"), .limit = 10};
    struct changes_ask changes_ask = {.view = STR("v"), .limit = 10};
    switch (which % 10) {
    case 0:
        TRY(engine_objects(ask, &out.objects));
        for (size_t i = 0; i < out.objects.n; i++)
            columns_check(&out.objects.at[i].columns);
        return NULL;
    case 1:
        TRY(engine_load(ask, &load, &out.object, &rows));
        columns_check(&out.object.columns);
        return NULL;
    case 2:
        return engine_fork(ask, names[0], names[1], &out.object);
    case 3:
        return engine_drop(ask, names, LENGTH(names));
    case 4:
        TRY(engine_check(ask, STR("SELECT 1"), &out.checked));
        columns_check(&out.checked.columns);
        return NULL;
    case 5:
        return engine_refresh(ask, &refresh, &out.refreshed);
    case 6:
        TRY(engine_rows(ask, &rows_ask, &out.page));
        page_check(&out.page);
        return NULL;
    case 7:
        TRY(engine_changes(ask, &changes_ask, &out.page));
        page_check(&out.page);
        return NULL;
    case 8:
        TRY(engine_preview(ask, &(struct preview){.path = "x", .rows_max = 10}, &out.previewed));
        columns_check(&out.previewed.columns);
        return NULL;
    default:
        TRY(engine_query(ask, STR("SELECT 1"), 10, &out.queried));
        columns_check(&out.queried.columns);
        return NULL;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    engine_once();
    fake.killed = fake.given = fake.reusable = false;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fake.ends) == 0);
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    said_send(data[1], (str){(const char *)data + 2, size - 2});
    struct ask ask = {.engine = fake.engine, .mem = &mem, .team = STR(TEAM), .limit_ms = 5000};
    err e = ask_one(&ask, data[0]);
    CHECK(fake.given && !(fake.killed && !e));
    if (e) {
        CHECK(e->status >= 400 && e->status <= 599 && e->code && e->retry_after_s >= 0);
        for (const char *c = e->code; *c; c++)
            CHECK((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
    }
    close(fake.ends[0]);
    close(fake.ends[1]);
    return 0;
}
