/* What was acknowledged survives: a power cut at any moment, a kill, a full disk; and how many
 * share a sync. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "base/time.h"
#include "store/sqlite.h"
#include "unit/store/disk.h"
#include "unit/store/folder.h"

#define WRITERS 16
#define ROW_BYTES 6000

static struct migration migration = {.number = 1, .name = "rows"};

static void migration_make(void)
{
    migration.up = STR("CREATE TABLE rows (writer BIGINT NOT NULL, n BIGINT NOT NULL, body TEXT,"
                       " PRIMARY KEY (writer, n))");
    migration.down = STR("DROP TABLE rows");
}

static struct store *store_at(struct arena *mem, const char *path, const char *vfs)
{
    struct store *store;
    struct store_options options = {
        .path = path, .migrations = &migration, .migration_count = 1, .vfs = vfs};
    int applied;
    migration_make();
    assert_ok(store_open(mem, &options, &store));
    assert_ok(store_migrate_up(store, mem, &applied));
    return store;
}

struct work {
    struct store *store;
    atomic_bool stop;
    atomic_llong acked[WRITERS]; /* rows 1 to this of each writer were acknowledged */
    atomic_llong told[WRITERS];  /* and these were seen by a reader that ended durably */
    int fd;                      /* where acknowledgements go, or -1 */
    size_t body;
};

struct writer_of {
    struct work *work;
    int writer;
};

static char body[ROW_BYTES];

static err row_add(struct work *work, int writer, int64_t n)
{
    struct arena mem;
    arena_init(&mem, 1 << 20);
    struct db db = {.store = work->store, .mem = &mem, .actor = STR("test")};
    struct tx tx = {0};
    err e = db_begin(&db, &tx);
    if (!e)
        e = tx_run(&tx,
                   "INSERT INTO rows (writer, n, body) VALUES ($1, $2, $3)",
                   A(writer),
                   A(n),
                   A(((str){body, work->body})));
    if (!e)
        e = tx_commit(&tx);
    tx_done(&tx);
    arena_done(&mem);
    return e;
}

static void *writer_main(void *arg)
{
    struct writer_of *of = arg;
    for (int64_t n = 1; !atomic_load(&of->work->stop); n++) {
        if (row_add(of->work, of->writer, n))
            abort();
        atomic_store(&of->work->acked[of->writer], n);
        struct {
            int64_t writer, n;
        } note = {of->writer, n};
        if (of->work->fd >= 0 && write(of->work->fd, &note, sizeof(note)) != sizeof(note))
            abort();
    }
    return NULL;
}

struct count {
    int64_t writer, rows, last;
};

static const struct field count_row[] = {
    FIELD(struct count, writer, FIELD_INT),
    FIELD(struct count, rows, FIELD_INT),
    FIELD(struct count, last, FIELD_INT),
    FIELD_LAST,
};

static err counts_read(struct store *store, struct arena *mem, struct list *list)
{
    struct db db = {.store = store, .mem = mem, .actor = STR("test")};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(&db, &tx));
    TRY(tx_list(&tx,
                count_row,
                sizeof(struct count),
                WRITERS,
                list,
                "SELECT writer, count(*) AS rows, max(n) AS last FROM rows GROUP BY writer"));
    return tx_end_durable(&tx);
}

static void *reader_main(void *arg)
{
    struct work *work = arg;
    while (!atomic_load(&work->stop)) {
        struct arena mem;
        struct list list;
        arena_init(&mem, 1 << 20);
        if (counts_read(work->store, &mem, &list))
            abort();
        for (size_t i = 0; i < list.n; i++) {
            struct count *count = (struct count *)list.at + i;
            atomic_store(&work->told[count->writer], count->last);
        }
        arena_done(&mem);
    }
    return NULL;
}

struct crowd {
    pthread_t threads[WRITERS + 1];
    struct writer_of of[WRITERS];
    int writers;
};

/* Writers `first` and those that follow. */
static void crowd_start(struct crowd *crowd, struct work *work, int first, int writers)
{
    memset(body, 'x', sizeof(body));
    crowd->writers = writers;
    for (int i = 0; i < writers; i++) {
        crowd->of[i] = (struct writer_of){work, first + i};
        pthread_create(&crowd->threads[i], NULL, writer_main, &crowd->of[i]);
    }
    pthread_create(&crowd->threads[writers], NULL, reader_main, work);
}

static void crowd_stop(struct crowd *crowd, struct work *work)
{
    atomic_store(&work->stop, true);
    for (int i = 0; i <= crowd->writers; i++)
        pthread_join(crowd->threads[i], NULL);
}

/* Each writer's rows are 1, 2, 3 ... and as many as it, or a reader, was told. */
static void rows_check(const char *path, const int64_t least[WRITERS])
{
    struct arena mem;
    struct list list;
    int64_t found[WRITERS] = {0};
    arena_init(&mem, 8 << 20);
    struct store *store = store_at(&mem, path, NULL);
    assert_ok(counts_read(store, &mem, &list));
    for (size_t i = 0; i < list.n; i++) {
        struct count *count = (struct count *)list.at + i;
        assert_int_equal(count->rows, count->last);
        found[count->writer] = count->last;
    }
    for (int i = 0; i < WRITERS; i++)
        assert_true(found[i] >= least[i]);
    store_close(store);
    arena_done(&mem);
}

static void wait_for_progress(struct work *work, int64_t more)
{
    long long goal = atomic_load(&work->acked[0]) + more;
    while (atomic_load(&work->acked[0]) < goal)
        sched_yield();
}

static void a_power_cut_loses_nothing_acknowledged(void **state)
{
    (void)state;
    struct folder folder;
    struct arena mem;
    struct crowd crowd;
    static struct work work;
    work = (struct work){.fd = -1, .body = ROW_BYTES};
    folder_make(&folder);
    disk_reset();
    arena_init(&mem, 1 << 20);
    work.store = store_at(&mem, folder.file, "disk");
    crowd_start(&crowd, &work, 0, WRITERS);
    for (int cut = 0; cut < 12; cut++) {
        int64_t least[WRITERS];
        char path[128];
        wait_for_progress(&work, 8);
        for (int i = 0; i < WRITERS; i++) {
            long long acked = atomic_load(&work.acked[i]), told = atomic_load(&work.told[i]);
            least[i] = acked > told ? acked : told;
        }
        snprintf(path, sizeof(path), "%s/cut-%d", folder.path, cut);
        disk_cut(path, (enum disk_mode)(cut % DISK_MODES));
        rows_check(path, least);
    }
    crowd_stop(&crowd, &work);
    store_close(work.store);
    arena_done(&mem);
    folder_remove(&folder);
}

static void many_share_a_sync(void **state)
{
    (void)state;
    struct folder folder;
    struct arena mem;
    struct crowd crowd;
    static struct work work;
    work = (struct work){.fd = -1, .body = 10};
    folder_make(&folder);
    disk_reset();
    arena_init(&mem, 1 << 20);
    work.store = store_at(&mem, folder.file, "disk");
    int before = atomic_load(&disk.syncs);
    crowd_start(&crowd, &work, 0, WRITERS);
    wait_for_progress(&work, 200);
    crowd_stop(&crowd, &work);
    long long commits = 0;
    for (int i = 0; i < WRITERS; i++)
        commits += atomic_load(&work.acked[i]);
    assert_true(atomic_load(&disk.syncs) - before < commits / 2);
    store_close(work.store);
    arena_done(&mem);
    folder_remove(&folder);
}

/* A commit that changed nothing and a reader of what is on disk have nothing to wait for. */
static void nothing_new_needs_no_sync(void **state)
{
    (void)state;
    struct folder folder;
    struct arena mem;
    struct list list;
    static struct work work;
    work = (struct work){.fd = -1, .body = 10};
    folder_make(&folder);
    disk_reset();
    arena_init(&mem, 1 << 20);
    work.store = store_at(&mem, folder.file, "disk");
    assert_ok(row_add(&work, 0, 1));
    int before = atomic_load(&disk.syncs);
    struct db db = {.store = work.store, .mem = &mem};
    for (int i = 0; i < 5; i++) {
        struct tx tx;
        assert_ok(db_begin(&db, &tx));
        assert_ok(tx_run(&tx, "DELETE FROM rows WHERE n > 5"));
        assert_ok(tx_commit(&tx));
        assert_ok(counts_read(work.store, &mem, &list));
    }
    assert_int_equal(atomic_load(&disk.syncs), before);
    assert_ok(row_add(&work, 0, 2));
    assert_int_equal(atomic_load(&disk.syncs), before + 1);
    store_close(work.store);
    arena_done(&mem);
    folder_remove(&folder);
}

static struct work *watched;
static int seen_early;

/* On the writer's thread, inside of its COMMIT: reads as anyone else could at that moment. */
static void read_early(void)
{
    disk.unlocked = NULL;
    struct arena mem;
    int64_t n;
    arena_init(&mem, 1 << 20);
    struct db db = {.store = watched->store, .mem = &mem};
    struct tx tx;
    assert_ok(db_read(&db, &tx));
    assert_ok(tx_number(&tx, &n, "SELECT count(*) FROM rows"));
    assert_ok(tx_commit(&tx));
    if (n == 2) {
        seen_early++;
        assert_true(group_now(watched->store) > atomic_load(&watched->store->group.synced));
    }
    arena_done(&mem);
    disk.unlocked = read_early;
}

static void what_is_seen_early_is_waited_for(void **state)
{
    (void)state;
    struct folder folder;
    struct arena mem;
    static struct work work;
    work = (struct work){.fd = -1, .body = 10};
    folder_make(&folder);
    disk_reset();
    arena_init(&mem, 1 << 20);
    work.store = store_at(&mem, folder.file, "disk");
    assert_ok(row_add(&work, 0, 1));
    watched = &work;
    disk.unlocked = read_early;
    assert_ok(row_add(&work, 0, 2));
    disk.unlocked = NULL;
    assert_true(seen_early > 0);
    store_close(work.store);
    arena_done(&mem);
    folder_remove(&folder);
}

static void a_full_disk_changes_nothing(void **state)
{
    (void)state;
    struct folder folder;
    struct arena mem;
    static struct work work;
    work = (struct work){.fd = -1, .body = ROW_BYTES};
    folder_make(&folder);
    disk_reset();
    arena_init(&mem, 1 << 20);
    work.store = store_at(&mem, folder.file, "disk");
    assert_ok(row_add(&work, 0, 1));
    struct db db = {.store = work.store, .mem = &mem};
    struct tx tx;
    assert_ok(db_begin(&db, &tx));
    assert_ok(tx_run(&tx, "INSERT INTO rows (writer, n) VALUES (0, 2)"));
    atomic_store(&disk.full, true);
    err e = tx_commit(&tx);
    assert_true(err_is(e, "disk_full"));
    assert_int_equal(e->status, 507);
    atomic_store(&disk.full, false);
    assert_ok(row_add(&work, 0, 2));
    store_close(work.store);
    rows_check(folder.file, (int64_t[WRITERS]){2});
    arena_done(&mem);
    folder_remove(&folder);
}

/* In a child: nobody may go on after a sync has failed. */
static void a_failed_sync_ends_the_process(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct arena mem;
        struct work work = {.fd = -1, .body = 10};
        signal(SIGABRT, SIG_DFL);
        disk_reset();
        arena_init(&mem, 1 << 20);
        work.store = store_at(&mem, folder.file, "disk");
        atomic_store(&disk.broken, true);
        _exit(row_add(&work, 0, 1) ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    folder_remove(&folder);
}

static _Noreturn void child_writes(const char *path, int fd, int first)
{
    struct arena mem;
    struct crowd crowd;
    static struct work work;
    work = (struct work){.fd = fd, .body = 200};
    arena_init(&mem, 1 << 20);
    work.store = store_at(&mem, path, NULL);
    crowd_start(&crowd, &work, first, 4);
    for (;;)
        pause();
}

/* Runs four writers in a child until it is killed; what they acknowledged is in `least`. */
static void child_killed(const char *path, int first, int after, int64_t least[WRITERS])
{
    struct {
        int64_t writer, n;
    } note;
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        child_writes(path, ends[1], first);
    }
    close(ends[1]);
    for (int seen = 0; read(ends[0], &note, sizeof(note)) == sizeof(note); seen++) {
        least[note.writer] = note.n;
        if (seen == after)
            kill(pid, SIGKILL);
    }
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Each store is killed, opened again and written on, a few times. */
static void a_kill_loses_nothing_acknowledged(void **state)
{
    (void)state;
    struct folder folder;
    int64_t until = time_steady() + 2 * US_PER_S;
    folder_make(&folder);
    for (int round = 0; round == 0 || time_steady() < until; round++) {
        int64_t least[WRITERS] = {0};
        char path[128];
        snprintf(path, sizeof(path), "%s/%d", folder.path, round);
        for (int first = 0; first < WRITERS; first += 4) {
            child_killed(path, first, 20 + (round * 53 + first * 17) % 400, least);
            rows_check(path, least);
        }
    }
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_loses_nothing_acknowledged),
        cmocka_unit_test(a_failed_sync_ends_the_process),
        cmocka_unit_test(nothing_new_needs_no_sync),
        cmocka_unit_test(what_is_seen_early_is_waited_for),
        cmocka_unit_test(a_full_disk_changes_nothing),
        cmocka_unit_test(many_share_a_sync),
        cmocka_unit_test(a_power_cut_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
