/*
 * Snapshots: a reader's transaction is not ended with the reading, but kept for who reads next.
 *
 * To begin and to end one costs more than a statement in it: two locks of the WAL's index, each a
 * call of the system. Whether the one that was kept shows what a new one would show, the index
 * says: its header, of two copies (https://sqlite.org/walformat.html), is another one after each
 * commit, of whatever process. It is copied before the transaction begins; should a commit come in
 * between, the copy is older than the snapshot, and the snapshot is not kept.
 *
 * As any reader does, a kept snapshot stands in the way of a checkpoint, and of beginning the WAL
 * anew. So those of idle connections are ended before the writer writes and before a checkpoint.
 */
#include <string.h>

#include "store/sqlite.h"

#define INDEX_REGION (32 * 1024) /* bytes of the index that are mapped at a time */

err snapshot_open(struct store_conn *conn, struct arena *mem)
{
    volatile void *at = NULL;
    int rc = sqlite3_file_control(conn->db, "main", SQLITE_FCNTL_FILE_POINTER, &conn->file);
    if (rc == SQLITE_OK)
        rc = conn->file->pMethods->xShmMap(conn->file, 0, INDEX_REGION, 0, &at);
    conn->index = at;
    return rc == SQLITE_OK && at ? NULL : err_internal(mem, "the WAL's index is not open: %d", rc);
}

static void index_read(const struct store_conn *conn, uint32_t header[INDEX_HEADER])
{
    for (size_t i = 0; i < INDEX_HEADER; i++)
        header[i] = conn->index[i];
}

static bool snapshot_is_new(const struct store_conn *conn)
{
    uint32_t now[INDEX_HEADER];
    index_read(conn, now);
    return memcmp(now, conn->header, sizeof(now)) == 0;
}

err snapshot_begin(struct store_conn *conn, struct arena *mem)
{
    if (!sqlite3_get_autocommit(conn->db) && snapshot_is_new(conn))
        return NULL;
    store_conn_rollback(conn);
    index_read(conn, conn->header);
    conn->file->pMethods->xShmBarrier(conn->file);
    return store_conn_run(conn, mem, "BEGIN");
}

void snapshot_leave(struct store_conn *conn, bool failed)
{
    if (failed || !snapshot_is_new(conn))
        store_conn_rollback(conn);
}
