/*
 * Records in SQL: transactions that are on disk when their commit returns.
 *
 * SQL stands as a literal in the function that needs it, with numbered parameters ($1, $2), in the
 * dialect that SQLite and PostgreSQL share. A SQL text that is not a literal does not compile.
 *
 *     CLEANUP(tx_done) struct tx tx = {0};   // rolls back unless committed
 *     TRY(db_begin(db, &tx));
 *     TRY(tx_run(&tx, "UPDATE jobs SET active = $1 WHERE team = $2 AND id = $3", A(active),
 * A(team), A(id))); TRY(tx_commit(&tx));
 *
 * Group commit: db_begin takes the one writer; tx_commit writes to the WAL, releases the writer and
 * returns after an fsync that began later. A sync that fails ends the process: what is on disk is
 * then unknown.
 *
 * A statement that fails, also by a constraint, fails its transaction: the next statement and the
 * commit answer with the first error. (That no row was found is not a failure of the statement.) A
 * full disk is 507 disk_full. Thread: any but the loops'; a tx stays on the thread that began it.
 * Blocks.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/log.h"
#include "base/str.h"

struct store;

/* Who works on the store, and in whose memory. Lives as long as the request or the work it is for.
 */
struct db {
    struct store *store;
    struct arena *mem;
    str actor; /* for the log of events: the account's id, "job:<id>", or "system" */
    /* Sets aside what is needed to tell of a commit, before it; false: there is no memory for that,
     * and nothing is committed. NULL: nothing is. */
    bool (*reserve)(struct db *db);
};

struct tx_after;

struct tx {
    struct db *db;
    struct store_conn *conn; /* NULL: not open */
    bool write;
    bool failed;     /* a statement has failed: no more are run, and it can't be committed */
    int64_t changed; /* rows that the last tx_run changed */
    struct tx_after *after, **after_end;
};

struct migration {
    int number; /* 1, 2, 3 ... without gaps */
    const char *name;
    str up, down; /* SQL; several statements */
};

struct store_options {
    const char *path; /* of the database file; its folder exists */
    const struct migration *migrations;
    size_t migration_count;
    struct log *log;
    /* For tests: */
    const char *vfs;      /* the SQLite VFS to work through; NULL: the system's own */
    int checkpoint_pages; /* of the WAL, after which it is copied; 0: as commit.c says */
};

/* Opens or makes the file. Does not migrate. The texts of the options outlive the store. */
MUST_CHECK err store_open(struct arena *mem, const struct store_options *options,
                          struct store **out);
void store_close(struct store *store); /* no tx may be open; checkpoints */
/* All pending migrations up, each in its own transaction; refuses a database newer than the
 * program. */
MUST_CHECK err store_migrate_up(struct store *store, struct arena *mem, int *applied);
/* The newest applied one down. */
MUST_CHECK err store_migrate_down(struct store *store, struct arena *mem, int *reverted);
MUST_CHECK err store_version(struct store *store, struct arena *mem, int *version);

/* A write transaction; waits for the writer (up to 30 s, then 503 store_busy). */
MUST_CHECK err db_begin(struct db *db, struct tx *tx);
/* A read-only one: one snapshot, never waits for the writer. */
MUST_CHECK err db_read(struct db *db, struct tx *tx);
/*
 * Durable when it returns NULL. Then runs what tx_after left, in order. Refuses when the arena of
 * `db` has failed. Of a read-only tx: ends it.
 */
MUST_CHECK err tx_commit(struct tx *tx);
/* Ends a read-only tx, after waiting until all that it could see is on disk: for what is told to
 * others. */
MUST_CHECK err tx_end_durable(struct tx *tx);
void tx_done(struct tx *tx); /* rolls back unless ended; for CLEANUP */

/* Calls `run(arg)` after the commit is durable, on this thread; `drop(arg)` (may be NULL) instead
 * if it never is. */
MUST_CHECK err tx_after(struct tx *tx, void (*run)(void *arg), void (*drop)(void *arg), void *arg);

enum arg_type { ARG_LAST, ARG_STR, ARG_INT, ARG_REAL, ARG_BOOL };

struct arg {
    enum arg_type type;
    union {
        str text; /* the absent str is NULL */
        int64_t number;
        double real;
    };
};

static inline struct arg arg_str(str s)
{
    return (struct arg){.type = ARG_STR, .text = s};
}
static inline struct arg arg_c(const char *c)
{
    return (struct arg){.type = ARG_STR, .text = str_of(c)};
}
static inline struct arg arg_int(int64_t n)
{
    return (struct arg){.type = ARG_INT, .number = n};
}
static inline struct arg arg_real(double d)
{
    return (struct arg){.type = ARG_REAL, .real = d};
}
static inline struct arg arg_bool(bool b)
{
    return (struct arg){.type = ARG_BOOL, .number = b};
}

#define A(value) \
    _Generic((value),                                                                                                  \
        str: arg_str,                                                                                                  \
        char *: arg_c,                                                                                                 \
        const char *: arg_c,                                                                                           \
        bool: arg_bool,                                                                                                \
        double: arg_real,                                                                                              \
        int: arg_int,                                                                                                  \
        unsigned: arg_int,                                                                                             \
        long: arg_int,                                                                                                 \
        unsigned long: arg_int,                                                                                        \
        long long: arg_int)(value)

#define ARGS_(...) ((const struct arg[]){__VA_ARGS__ __VA_OPT__(, ){.type = ARG_LAST}})

/*
 * A constraint that fails is 409 "conflict" (unique, foreign key), so that a handler that wants to
 * say it better asks err_is(e, "conflict"). Statements are prepared once a connection, found by the
 * literal's address.
 */
#define tx_run(tx, sql, ...) tx_run_((tx), "" sql, ARGS_(__VA_ARGS__))
/*
 * Exactly one row into `out` by the names of the columns (see fields.h): no row is 404 not_found.
 * Also RETURNING. Each column needs a field of its name and type; a field without a column keeps
 * its value. NULL is the absent str, 0 or false. Lists and objects are read from JSON text.
 */
#define tx_one(tx, fields, out, sql, ...) tx_one_((tx), (fields), (out), "" sql, ARGS_(__VA_ARGS__))
/* At most one row; *found says. */
#define tx_find(tx, fields, out, found, sql, ...) \
    tx_find_((tx), (fields), (out), (found), "" sql, ARGS_(__VA_ARGS__))
/* All rows, into an array of structs of `size` bytes in the arena; more than `max` is an internal
 * error. */
#define tx_list(tx, fields, size, max, list, sql, ...) \
    tx_list_((tx), (fields), (size), (max), (list), "" sql, ARGS_(__VA_ARGS__))
/* One number: the first column of the first row, 0 when there is no row or it is NULL. */
#define tx_number(tx, out, sql, ...) tx_number_((tx), (out), "" sql, ARGS_(__VA_ARGS__))

MUST_CHECK err tx_run_(struct tx *tx, const char *sql, const struct arg *args);
MUST_CHECK err tx_one_(struct tx *tx, const struct field *fields, void *out, const char *sql,
                       const struct arg *args);
MUST_CHECK err tx_find_(struct tx *tx, const struct field *fields, void *out, bool *found,
                        const char *sql, const struct arg *args);
MUST_CHECK err tx_list_(struct tx *tx, const struct field *fields, size_t size, size_t max,
                        struct list *list, const char *sql, const struct arg *args);
MUST_CHECK err tx_number_(struct tx *tx, int64_t *out, const char *sql, const struct arg *args);

#endif
