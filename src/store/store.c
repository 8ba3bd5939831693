/* Transactions: begun, ended, and what is done when they are durable. */
#include "store/store.h"

#include <stdlib.h>

#include "store/sqlite.h"

struct tx_after {
    struct tx_after *next;
    void (*run)(void *arg);
    void (*drop)(void *arg);
    void *arg;
};

static void tx_open(struct tx *tx, struct db *db, struct store_conn *conn, bool write)
{
    *tx = (struct tx){.db = db, .conn = conn, .write = write};
    tx->after_end = &tx->after;
}

err db_begin(struct db *db, struct tx *tx)
{
    struct store_conn *conn;
    *tx = (struct tx){0};
    TRY(writer_take(db->store, db->mem, &conn));
    readers_settle(db->store);
    err e = store_conn_run(conn, db->mem, "BEGIN IMMEDIATE");
    if (e) {
        writer_give(db->store);
        return e;
    }
    tx_open(tx, db, conn, true);
    return NULL;
}

err db_read(struct db *db, struct tx *tx)
{
    struct store_conn *conn;
    *tx = (struct tx){0};
    TRY(reader_take(db->store, db->mem, &conn));
    err e = snapshot_begin(conn, db->mem);
    if (e) {
        reader_give(db->store, conn);
        return e;
    }
    tx_open(tx, db, conn, false);
    return NULL;
}

/* Gives the connection back; whatever was not committed is undone. */
static void tx_release(struct tx *tx)
{
    struct store *store = tx->db->store;
    if (tx->write) {
        store_conn_rollback(tx->conn);
        writer_give(store);
    } else {
        snapshot_leave(tx->conn, tx->failed);
        reader_give(store, tx->conn);
    }
    tx->conn = NULL;
}

static void tx_drop_after(struct tx *tx)
{
    for (struct tx_after *after = tx->after; after; after = after->next) {
        if (after->drop)
            after->drop(after->arg);
    }
    tx->after = NULL;
}

void tx_done(struct tx *tx)
{
    if (!tx->conn)
        return;
    tx_release(tx);
    tx_drop_after(tx);
}

static void tx_run_after(struct tx *tx)
{
    for (struct tx_after *after = tx->after; after; after = after->next)
        after->run(after->arg);
    tx->after = NULL;
}

static err tx_check(struct tx *tx)
{
    struct db *db = tx->db;
    if (arena_failed(db->mem) || (db->reserve && !db->reserve(db)))
        return &err_no_memory;
    if (tx->failed)
        return err_internal(db->mem, "a transaction that has failed can't be committed");
    return NULL;
}

static err tx_write_end(struct tx *tx)
{
    struct store *store = tx->db->store;
    uint64_t number = 0;
    err e = tx_check(tx);
    if (!e)
        e = group_commit(store, tx->db->mem, tx->conn, &number);
    if (e) {
        tx_done(tx);
        return e;
    }
    tx_release(tx);
    group_wait(store, number);
    tx_run_after(tx);
    return NULL;
}

err tx_commit(struct tx *tx)
{
    if (tx->write)
        return tx_write_end(tx);
    tx_release(tx);
    tx_run_after(tx);
    return NULL;
}

err tx_end_durable(struct tx *tx)
{
    struct store *store = tx->db->store;
    uint64_t number = group_now(store);
    tx_release(tx);
    group_wait(store, number);
    tx_run_after(tx);
    return NULL;
}

err tx_after(struct tx *tx, void (*run)(void *arg), void (*drop)(void *arg), void *arg)
{
    struct tx_after *after = NEW(tx->db->mem, struct tx_after);
    if (!after)
        return &err_no_memory;
    *after = (struct tx_after){.run = run, .drop = drop, .arg = arg};
    *tx->after_end = after;
    tx->after_end = &after->next;
    return NULL;
}

static void store_free(struct store *store)
{
    group_close(store);
    queues_done(store);
    free(store);
}

err store_open(struct arena *mem, const struct store_options *options, struct store **out)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return &err_no_memory;
    store->options = *options;
    store->log = options->log;
    queues_init(store);
    err e = store_conn_open(store, mem, true, &store->writer.conn);
    if (!e)
        e = group_open(store, mem);
    if (e) {
        store_free(store);
        return e;
    }
    *out = store;
    return NULL;
}

void store_close(struct store *store)
{
    if (store)
        store_free(store);
}
