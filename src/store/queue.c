/*
 * The one writer and the readers' connections: bounded, and given in the order they were asked for.
 *
 * Who finds none free stands in the queue and is handed what becomes free, so that nobody who comes
 * later gets it first.
 */
#include <errno.h>
#include <time.h>

#include "store/sqlite.h"

/* On the stack of the one who waits. */
struct turn {
    struct turn *next;
    pthread_cond_t come;
    struct store_conn *conn; /* what was given */
};

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

/* Under `lock`; NULL when the time was up. */
static struct store_conn *queue_wait(struct queue *queue, pthread_mutex_t *lock)
{
    struct turn turn;
    turn_init(&turn);
    *queue->end = &turn;
    queue->end = &turn.next;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_S;
    int rc = 0;
    while (!turn.conn && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&turn.come, lock, &until);
    if (!turn.conn)
        queue_leave(queue, &turn);
    pthread_cond_destroy(&turn.come);
    return turn.conn;
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
    *out = writer->taken ? queue_wait(&writer->queue, &writer->lock) : writer->conn;
    if (*out) {
        writer->taken = true;
        writer->by = pthread_self();
    }
    pthread_mutex_unlock(&writer->lock);
    return *out ? NULL : busy(mem);
}

void writer_give(struct store *store)
{
    struct writer *writer = &store->writer;
    pthread_mutex_lock(&writer->lock);
    writer->by = (pthread_t){0};
    writer->taken = queue_give(&writer->queue, writer->conn);
    pthread_mutex_unlock(&writer->lock);
}

/* A place is held in `open` before the connection is there, so that there are never too many. */
static err reader_open(struct store *store, struct arena *mem, struct store_conn **out)
{
    err e = conn_open(store, mem, false, out);
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
        conn_close(conn);
        conn = next;
    }
    conn_close(store->writer.conn);
    pthread_mutex_destroy(&store->writer.lock);
    pthread_mutex_destroy(&store->readers.lock);
}
