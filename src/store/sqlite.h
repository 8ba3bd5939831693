/* The store on SQLite from the inside, for store/ alone. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/store.h"

#define WAIT_S 30    /* for the writer, or for a reader's connection */
#define BUSY_MS 5000 /* for another process: migrate, or somebody's shell */
#define READERS_MAX 32
#define STATEMENT_SETS 64
#define STATEMENT_WAYS 4
#define ARGS_MAX 32
#define INDEX_HEADER 24 /* words of the header of the WAL's index */

/* A prepared statement, kept under the address of its literal. */
struct statement {
    const char *sql;
    sqlite3_stmt *stmt;
    unsigned char args;         /* how many the SQL takes: the highest $n */
    unsigned char params;       /* how many SQLite knows, in the order they occur */
    unsigned char of[ARGS_MAX]; /* the argument, from 1, of each */
};

/* One thread at a time. */
struct store_conn {
    sqlite3 *db;
    struct store *store;
    struct store_conn *next; /* on the list of idle readers */
    bool write;
    sqlite3_file *file;             /* of a reader: the database's, through which ... */
    const volatile uint32_t *index; /* the WAL's index is mapped */
    uint32_t header[INDEX_HEADER];  /* of the index, before the reader's transaction began */
    int wal_pages; /* in the WAL after the last commit of this connection; 0: it wrote nothing */
    struct statement *statements[STATEMENT_SETS][STATEMENT_WAYS]; /* each set: last used first */
};

/* Who waits for a connection, in the order they came. */
struct queue {
    struct turn *first, **end;
};

struct writer {
    pthread_mutex_t lock;
    struct queue queue;
    bool taken;
    atomic_uint wanted; /* by so many: who has it and who waits for it */
    pthread_t by;
    struct store_conn *conn;
    int checkpoint_at; /* pages of the WAL; the writer's own */
};

struct readers {
    pthread_mutex_t lock;
    struct queue queue;
    struct store_conn *idle; /* last used first */
    size_t open;
};

/* See commit.c. */
struct group {
    pthread_mutex_t lock;
    atomic_uint ended[2]; /* futexes, by the parity of the round that is waited for */
    atomic_uint_fast64_t begun, synced;
    uint64_t done;
    uint64_t round; /* of syncs, begun so far */
    uint64_t goal;  /* what the latest one serves */
    bool syncing;
    struct store_conn *conn; /* whose WAL file is synced */
    sqlite3_file *wal;
};

struct store {
    struct store_options options;
    struct log *log;
    struct writer writer;
    struct readers readers;
    struct group group;
};

/* sqlite.c: connections and their statements. */
MUST_CHECK err store_conn_open(struct store *store, struct arena *mem, bool write,
                               struct store_conn **out);
void store_conn_close(struct store_conn *conn);
/* The statement with its values bound, ready to step. The values must live until query_end. */
MUST_CHECK err query_start(struct tx *tx, const char *sql, const struct arg *args,
                           struct statement **out);
MUST_CHECK err query_step(struct tx *tx, struct statement *statement, bool *row);
void query_end(struct statement **statement); /* for CLEANUP */
/* Statements without parameters and rows, of a transaction: "BEGIN". */
#define store_conn_run(conn, mem, sql) store_conn_run_((conn), (mem), "" sql)
MUST_CHECK err store_conn_run_(struct store_conn *conn, struct arena *mem, const char *sql);
/* Several statements of a text that is not a literal: a migration. */
MUST_CHECK err store_conn_script(struct store_conn *conn, struct arena *mem, str sql);
/* Ends a transaction if one is open. */
void store_conn_rollback(struct store_conn *conn);
/* What the last call on the connection, which gave `rc`, has failed of. A failed sync does not
 * return. */
MUST_CHECK err store_conn_err(struct store_conn *conn, struct arena *mem, int rc);
/* The disk may hold anything now: says so and ends the process. */
_Noreturn void store_sync_failed(struct store *store, const char *what);

/* snapshot.c: the transaction of a reader. */
MUST_CHECK err snapshot_open(struct store_conn *conn, struct arena *mem);
/* The one that was kept on the connection, if it shows all that is committed; or a new one. */
MUST_CHECK err snapshot_begin(struct store_conn *conn, struct arena *mem);
/* Keeps it if it may be of use to the next reader; not one in which a statement has failed. */
void snapshot_leave(struct store_conn *conn, bool failed);

/* queue.c: the one writer and the connections of readers, each given in the order they were asked
 * for. */
MUST_CHECK err writer_take(struct store *store, struct arena *mem, struct store_conn **out);
void writer_give(struct store *store);
MUST_CHECK err reader_take(struct store *store, struct arena *mem, struct store_conn **out);
void reader_give(struct store *store, struct store_conn *conn);
/* Ends the transactions that were kept on idle connections. */
void readers_settle(struct store *store);
void queues_init(struct store *store);
void queues_done(struct store *store); /* closes the connections */

/* commit.c */
MUST_CHECK err group_open(struct store *store, struct arena *mem);
void group_close(struct store *store);
/* COMMIT of the writer's transaction; `number` is what group_wait takes. */
MUST_CHECK err group_commit(struct store *store, struct arena *mem, struct store_conn *conn,
                            uint64_t *number);
/* What was begun until now, seen or not. */
uint64_t group_now(struct store *store);
/* Until all up to `number` is on disk. */
void group_wait(struct store *store, uint64_t number);

/* rows.c: the row the statement stands on. */
MUST_CHECK err row_read(struct arena *mem, sqlite3_stmt *stmt, const struct field *fields,
                        void *out);

#endif
