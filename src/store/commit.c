/*
 * Group commit: one sync of the WAL serves all whose commit it came after.
 *
 * The writer connection runs with synchronous=NORMAL: COMMIT appends to the WAL file and syncs
 * nothing. Commits are numbered, one at a time, by who holds the writer: `begun` counts before the
 * COMMIT, `done` after it. Whoever committed gives the writer up and waits until a sync that began
 * with `done` at or above the own number has ended; `synced` is the highest such number.
 *
 *   - Nobody is syncing: the one who waits does it, for all that is done, without the lock. But
 *     while others write, who are about to want one too, and fewer than ROUND_GROWS wait, it waits
 *     for them, up to ROUND_WAIT_MS: a sync costs as much for one as for many.
 *   - A sync is under way that began too early: wait for the next round. Those who wait for one
 *     round share a condition, by the round's parity: the end of a round wakes all that it served,
 *     and of those who wait for the next one a single thread, which does that round.
 *
 * A reader may have seen a commit that is visible but not yet counted as done, let alone synced;
 * that is why `begun` moves before the COMMIT: all that a snapshot can hold is at or below the
 * `begun` that is read afterwards.
 *
 * What SQLite itself syncs with synchronous=NORMAL keeps this sound: the WAL before a checkpoint
 * copies from it, the database before the WAL may be begun anew, and the new header of a WAL that
 * is. So a commit is on disk, in the WAL or in the database, once a later sync of the WAL file has
 * ended, also when the WAL was begun anew in between. Frames are chained by checksums: after a
 * power cut, what is found again is a prefix of the commits.
 *
 * The sync goes through SQLite's own file object of the WAL, of a connection that does nothing
 * else.
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/pool.h"
#include "store/sqlite.h"

/* A WAL this long is copied into the database. */
#define CHECKPOINT_PAGES 4000
/* If readers stand in the way, tried again when it is longer by that part of it. */
#define CHECKPOINT_AGAIN 4
/* One that many times as long, although it was tried: the writer waits for the readers, up to a
 * limit. */
#define CHECKPOINT_FORCE 8
#define CHECKPOINT_WAIT_MS 200

/* A sync for fewer commits than that waits for those who write, but not for long. */
#define ROUND_GROWS 10
#define ROUND_WAIT_MS 1

/* So that the names of the files are as durable as what is in them. */
static err folder_sync(struct store *store, struct arena *mem)
{
    char *path = str_c(mem, str_of(store->options.path));
    int fd = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_internal(mem, "can't open the folder of %s", store->options.path);
    int rc = fsync(fd);
    close(fd);
    return rc ? err_internal(mem, "can't sync the folder of %s", store->options.path) : NULL;
}

static int checkpoint_pages(const struct store *store)
{
    int pages = store->options.checkpoint_pages;
    return pages ? pages : CHECKPOINT_PAGES;
}

err group_open(struct store *store, struct arena *mem)
{
    struct group *group = &store->group;
    pthread_mutex_init(&group->lock, NULL);
    store->writer.checkpoint_at = checkpoint_pages(store);
    TRY(store_conn_open(store, mem, false, &group->conn));
    int rc =
        sqlite3_file_control(group->conn->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &group->wal);
    if (rc != SQLITE_OK || !group->wal || !group->wal->pMethods)
        return err_internal(mem, "the WAL of %s is not open", store->options.path);
    /* What an earlier process left in the WAL may not be on disk yet. */
    rc = group->wal->pMethods->xSync(group->wal, SQLITE_SYNC_NORMAL);
    return rc ? err_internal(mem, "can't sync the WAL: %d", rc) : folder_sync(store, mem);
}

void group_close(struct store *store)
{
    struct group *group = &store->group;
    if (!group->conn)
        return;
    store_conn_close(group->conn);
    pthread_mutex_destroy(&group->lock);
}

static int checkpoint_run(struct store_conn *conn, int mode, int *pages, int *copied)
{
    if (mode == SQLITE_CHECKPOINT_RESTART)
        sqlite3_busy_timeout(conn->db, CHECKPOINT_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(conn->db, "main", mode, pages, copied);
    if (mode == SQLITE_CHECKPOINT_RESTART)
        sqlite3_busy_timeout(conn->db, BUSY_MS);
    return rc;
}

/* A checkpoint that fails loses nothing: the WAL has it all, and the next one begins again. */
static void checkpoint(struct store *store, struct store_conn *conn)
{
    struct writer *writer = &store->writer;
    int usual = checkpoint_pages(store), again = usual / CHECKPOINT_AGAIN;
    int pages = conn->wal_pages, copied = 0;
    if (pages < again)
        writer->checkpoint_at = usual; /* it was begun anew */
    if (pages < writer->checkpoint_at)
        return;
    int mode =
        pages < CHECKPOINT_FORCE * usual ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
    readers_settle(store);
    int rc = checkpoint_run(conn, mode, &pages, &copied);
    writer->checkpoint_at = conn->wal_pages + again;
    if (rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY)
        return;
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
        store_sync_failed(store, "the database at a checkpoint");
    log_line(store->log, LOG_WARNING, "store", "checkpoint: %s", sqlite3_errmsg(conn->db));
}

/* A condition would take the lock again for each thread that it wakes: most time would go there. */
static void ended_wait(struct group *group, uint64_t round, unsigned before, bool briefly)
{
    static const struct timespec most = {.tv_nsec = ROUND_WAIT_MS * 1000000};
    syscall(SYS_futex,
            &group->ended[round & 1],
            FUTEX_WAIT_PRIVATE,
            before,
            briefly ? &most : NULL,
            NULL,
            0);
}

static void ended_wake(struct group *group, uint64_t round, int threads)
{
    atomic_fetch_add(&group->ended[round & 1], 1);
    syscall(SYS_futex, &group->ended[round & 1], FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

err group_commit(struct store *store, struct arena *mem, struct store_conn *conn, uint64_t *number)
{
    struct group *group = &store->group;
    conn->wal_pages = 0;
    uint64_t mine = atomic_load(&group->begun) + 1;
    atomic_store(&group->begun, mine);
    err e = store_conn_run(conn, mem, "COMMIT");
    pthread_mutex_lock(&group->lock);
    group->done = mine;
    if (e || !conn->wal_pages) {
        /* Nothing of its own to sync, but somebody may wait for it to be done. */
        if (atomic_load(&group->synced) == mine - 1)
            atomic_store(&group->synced, mine);
        ended_wake(group, 0, INT_MAX);
        ended_wake(group, 1, INT_MAX);
    }
    pthread_mutex_unlock(&group->lock);
    if (!e && conn->wal_pages)
        checkpoint(store, conn);
    *number = mine;
    return e;
}

uint64_t group_now(struct store *store)
{
    return atomic_load(&store->group.begun);
}

/* With the lock, which it gives up. */
static void round_run(struct store *store)
{
    struct group *group = &store->group;
    uint64_t round = ++group->round, goal = group->done;
    group->goal = goal;
    group->syncing = true;
    pthread_mutex_unlock(&group->lock);
    int rc = group->wal->pMethods->xSync(group->wal, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    if (rc != SQLITE_OK)
        store_sync_failed(store, "the WAL");
    pthread_mutex_lock(&group->lock);
    group->syncing = false;
    atomic_store(&group->synced, goal);
    pthread_mutex_unlock(&group->lock);
    ended_wake(group, round, INT_MAX);
    ended_wake(group, round + 1, 1);
}

/* The round that serves `number`: the one under way if it began late enough, else the next. */
static uint64_t round_for(const struct group *group, uint64_t number)
{
    return group->syncing && group->goal >= number ? group->round : group->round + 1;
}

static bool round_grows(struct store *store)
{
    const struct group *group = &store->group;
    return group->done - atomic_load(&group->synced) < ROUND_GROWS &&
           atomic_load(&store->writer.wanted) > 0;
}

static void group_wait_on(struct store *store, uint64_t number)
{
    struct group *group = &store->group;
    bool waited = false;
    while (atomic_load(&group->synced) < number) {
        pthread_mutex_lock(&group->lock);
        bool due = !group->syncing && group->done > atomic_load(&group->synced);
        if (due && (waited || !round_grows(store))) {
            round_run(store);
        } else {
            uint64_t round = round_for(group, number);
            unsigned before = atomic_load(&group->ended[round & 1]);
            bool over = atomic_load(&group->synced) >= number;
            pthread_mutex_unlock(&group->lock);
            if (!over)
                ended_wait(group, round, before, due);
            waited = due;
        }
    }
}

void group_wait(struct store *store, uint64_t number)
{
    if (atomic_load(&store->group.synced) >= number)
        return;
    pool_wait_begin();
    group_wait_on(store, number);
    pool_wait_end();
}
