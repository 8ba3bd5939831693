/*
 * The one writer and the readers' connections: bounded, and given in the order they were asked for.
 *
 * A reader's connection is handed to who waits longest. The writer is not, at first: to wake a
 * thread takes as long as a small transaction, and meanwhile nobody would write. So the writer
 * becomes free, the first in the queue is woken, and a thread that runs already may come before it;
 * once it was passed over PASSED_MOST times, the writer is handed to it.
 */
#include <errno.h>
#include <time.h>

#include "base/pool.h"
#include "store/sqlite.h"

/* On the stack of the one who waits. */
struct turn {
    struct turn *next;
    pthread_cond_t come;
    struct store_conn *conn; /* what was given */
    int passed;              /* times it was woken and others came first */
};

#define PASSED_MOST 16

static void turn_init(struct turn *turn)
{
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    *turn = (struct turn){0};
    pthread_cond_init(&turn->come, &steady);
    pthread_condattr_destroy(&steady);
}

static void queue_leave(struct queue *queue, struct turn *turn)
{
    struct turn **place = &queue->first;
    while (*place != turn)
        place = &(*place)->next;
    *place = turn->next;
    if (queue->end == &turn->next)
        queue->end = place;
}

static void queue_stand(struct queue *queue, struct turn *turn, struct timespec *until)
{
    turn_init(turn);
    *queue->end = turn;
    queue->end = &turn->next;
    clock_gettime(CLOCK_MONOTONIC, until);
    until->tv_sec += WAIT_S;
}

/* Under `lock`; NULL when the time was up. */
static struct store_conn *queue_wait(struct queue *queue, pthread_mutex_t *lock)
{
    struct turn turn;
    struct timespec until;
    int rc = 0;
    queue_stand(queue, &turn, &until);
    pool_wait_begin();
    while (!turn.conn && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&turn.come, lock, &until);
    pool_wait_end();
    if (!turn.conn)
        queue_leave(queue, &turn);
    pthread_cond_destroy(&turn.come);
    return turn.conn;
}

/* The same for the writer, which may be there for the taking. */
static struct store_conn *writer_wait(struct writer *writer)
{
    struct turn turn;
    struct timespec until;
    struct store_conn *conn = NULL;
    int rc = 0;
    queue_stand(&writer->queue, &turn, &until);
    pool_wait_begin();
    while (!turn.conn && !conn && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&turn.come, &writer->lock, &until);
        turn.passed++;
        if (!writer->taken)
            conn = writer->conn;
    }
    pool_wait_end();
    if (!turn.conn)
        queue_leave(&writer->queue, &turn);
    pthread_cond_destroy(&turn.come);
    return turn.conn ? turn.conn : conn;
}

/* Under the lock; false when nobody waits. */
static bool queue_give(struct queue *queue, struct store_conn *conn)
{
    struct turn *turn = queue->first;
    if (!turn)
        return false;
    queue->first = turn->next;
    if (!turn->next)
        queue->end = &queue->first;
    turn->conn = conn;
    pthread_cond_signal(&turn->come);
    return true;
}

static err busy(struct arena *mem)
{
    return err_busy(
        mem, 1, "store_busy", "The store was busy for %d seconds. Please try again.", WAIT_S);
}

err writer_take(struct store *store, struct arena *mem, struct store_conn **out)
{
    struct writer *writer = &store->writer;
    pthread_mutex_lock(&writer->lock);
    if (writer->taken && pthread_equal(writer->by, pthread_self())) {
        pthread_mutex_unlock(&writer->lock);
        return err_internal(mem, "a thread that writes began to write again");
    }
    atomic_fetch_add(&writer->wanted, 1);
    *out = writer->taken ? writer_wait(writer) : writer->conn;
    if (*out) {
        writer->taken = true;
        writer->by = pthread_self();
    } else {
        atomic_fetch_sub(&writer->wanted, 1);
    }
    pthread_mutex_unlock(&writer->lock);
    return *out ? NULL : busy(mem);
}

void writer_give(struct store *store)
{
    struct writer *writer = &store->writer;
    pthread_mutex_lock(&writer->lock);
    atomic_fetch_sub(&writer->wanted, 1);
    writer->by = (pthread_t){0};
    struct turn *first = writer->queue.first;
    writer->taken =
        first && first->passed >= PASSED_MOST && queue_give(&writer->queue, writer->conn);
    if (first && !writer->taken)
        pthread_cond_signal(&first->come);
    pthread_mutex_unlock(&writer->lock);
}

/* A place is held in `open` before the connection is there, so that there are never too many. */
static err reader_open(struct store *store, struct arena *mem, struct store_conn **out)
{
    err e = store_conn_open(store, mem, false, out);
    if (!e)
        return NULL;
    pthread_mutex_lock(&store->readers.lock);
    store->readers.open--;
    pthread_mutex_unlock(&store->readers.lock);
    return e;
}

err reader_take(struct store *store, struct arena *mem, struct store_conn **out)
{
    struct readers *readers = &store->readers;
    pthread_mutex_lock(&readers->lock);
    struct store_conn *conn = readers->idle;
    bool open = !conn && readers->open < READERS_MAX;
    if (conn)
        readers->idle = conn->next;
    else if (open)
        readers->open++;
    else
        conn = queue_wait(&readers->queue, &readers->lock);
    pthread_mutex_unlock(&readers->lock);
    if (open)
        return reader_open(store, mem, out);
    *out = conn;
    return conn ? NULL : busy(mem);
}

void reader_give(struct store *store, struct store_conn *conn)
{
    struct readers *readers = &store->readers;
    pthread_mutex_lock(&readers->lock);
    if (!queue_give(&readers->queue, conn)) {
        conn->next = readers->idle;
        readers->idle = conn;
    }
    pthread_mutex_unlock(&readers->lock);
}

void readers_settle(struct store *store)
{
    struct readers *readers = &store->readers;
    pthread_mutex_lock(&readers->lock);
    for (struct store_conn *conn = readers->idle; conn; conn = conn->next)
        store_conn_rollback(conn);
    pthread_mutex_unlock(&readers->lock);
}

void queues_init(struct store *store)
{
    pthread_mutex_init(&store->writer.lock, NULL);
    pthread_mutex_init(&store->readers.lock, NULL);
    store->writer.queue.end = &store->writer.queue.first;
    store->readers.queue.end = &store->readers.queue.first;
}

void queues_done(struct store *store)
{
    for (struct store_conn *conn = store->readers.idle; conn;) {
        struct store_conn *next = conn->next;
        store_conn_close(conn);
        conn = next;
    }
    store_conn_close(store->writer.conn);
    pthread_mutex_destroy(&store->writer.lock);
    pthread_mutex_destroy(&store->readers.lock);
}
