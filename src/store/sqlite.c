/* Connections to SQLite: how they are set up, the statements they keep, and what their errors mean.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_KB_WRITER 8192
#define CACHE_KB_READER 1024
#define WAL_BYTES_KEPT (64 << 20)

static int wal_written(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    struct store_conn *conn = arg;
    conn->wal_pages = pages;
    return SQLITE_OK;
}

static err store_conn_harden(struct store_conn *conn, struct arena *mem)
{
    static const struct {
        int setting, value;
    } settings[] = {
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    };
    for (size_t i = 0; i < LENGTH(settings); i++) {
        int now = -1;
        int rc = sqlite3_db_config(conn->db, settings[i].setting, settings[i].value, &now);
        if (rc != SQLITE_OK || now != settings[i].value)
            return err_internal(mem, "SQLite refuses setting %d", settings[i].setting);
    }
    sqlite3_limit(conn->db, SQLITE_LIMIT_ATTACHED, 0);
    return NULL;
}

/* The first read opens the WAL. */
static err store_conn_set_up(struct store_conn *conn, struct arena *mem)
{
    sqlite3_busy_timeout(conn->db, BUSY_MS);
    TRY(store_conn_harden(conn, mem));
    CLEANUP(buf_done) struct buf pragmas;
    buf_init(&pragmas, 4096);
    if (conn->write)
        buf_fmt(&pragmas,
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                "PRAGMA journal_size_limit = %d; PRAGMA secure_delete = FAST;",
                WAL_BYTES_KEPT);
    else
        buf_fmt(&pragmas, "PRAGMA query_only = 1;");
    buf_fmt(
        &pragmas,
        "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%d; SELECT count(*) FROM sqlite_schema",
        conn->write ? CACHE_KB_WRITER : CACHE_KB_READER);
    TRY(store_conn_script(conn, mem, buf_str(&pragmas)));
    if (conn->write)
        sqlite3_wal_hook(conn->db, wal_written, conn); /* in the place of SQLite's checkpoints */
    return conn->write ? NULL : snapshot_open(conn, mem);
}

err store_conn_open(struct store *store, struct arena *mem, bool write, struct store_conn **out)
{
    struct store_conn *conn = calloc(1, sizeof(*conn));
    if (!conn)
        return &err_no_memory;
    *conn = (struct store_conn){.store = store, .write = write};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                (write ? SQLITE_OPEN_CREATE : 0);
    int rc = sqlite3_open_v2(store->options.path, &conn->db, flags, store->options.vfs);
    err e = rc == SQLITE_OK ? store_conn_set_up(conn, mem)
                            : err_internal(mem,
                                           "can't open %s: %s",
                                           store->options.path,
                                           conn->db ? sqlite3_errmsg(conn->db) : "no memory");
    if (e) {
        store_conn_close(conn);
        return e;
    }
    *out = conn;
    return NULL;
}

static void statement_free(struct statement *statement)
{
    if (statement)
        sqlite3_finalize(statement->stmt);
    free(statement);
}

void store_conn_close(struct store_conn *conn)
{
    if (!conn)
        return;
    for (size_t i = 0; i < STATEMENT_SETS * STATEMENT_WAYS; i++)
        statement_free(conn->statements[i / STATEMENT_WAYS][i % STATEMENT_WAYS]);
    sqlite3_close(conn->db);
    free(conn);
}

void store_sync_failed(struct store *store, const char *what)
{
    log_line(store->log,
             LOG_ERROR,
             "store",
             "syncing %s failed (%s): what is on disk is unknown, so the process ends",
             what,
             strerror(errno));
    abort();
}

static err err_about(struct arena *mem, struct err about, const char *inside)
{
    struct err *e = NEW(mem, struct err);
    about.inside = str_copy(mem, str_of(inside));
    if (!e || arena_failed(mem))
        return &err_no_memory;
    *e = about;
    return e;
}

static bool disk_full(sqlite3 *db, int rc)
{
    if ((rc & 0xff) == SQLITE_FULL)
        return true;
    int error = sqlite3_system_errno(db);
    return (rc & 0xff) == SQLITE_IOERR && (error == ENOSPC || error == EDQUOT || error == EFBIG);
}

static bool taken(int rc)
{
    return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
           rc == SQLITE_CONSTRAINT_ROWID || rc == SQLITE_CONSTRAINT_FOREIGNKEY;
}

err store_conn_err(struct store_conn *conn, struct arena *mem, int rc)
{
    static const struct err conflict = {
        .status = 409,
        .code = "conflict",
        .detail = STR("This contradicts something that is already there.")};
    static const struct err busy = {.status = 503,
                                    .code = "store_busy",
                                    .detail = STR("The store is busy. Please try again."),
                                    .retry_after_s = 1};
    static const struct err full = {.status = 507,
                                    .code = "disk_full",
                                    .detail =
                                        STR("The server's disk is full. Nothing was changed.")};
    const char *inside = sqlite3_errmsg(conn->db);
    if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
        store_sync_failed(conn->store, "the store's files");
    if (taken(rc))
        return err_about(mem, conflict, inside);
    if (disk_full(conn->db, rc))
        return err_about(mem, full, inside);
    if ((rc & 0xff) == SQLITE_BUSY)
        return err_about(mem, busy, inside);
    if ((rc & 0xff) == SQLITE_NOMEM)
        return &err_no_memory;
    return err_internal(mem, "SQLite error %d: %s", rc, inside);
}

static bool is_space(str sql)
{
    return str_trim(sql).len == 0;
}

static err script_step(struct store_conn *conn, struct arena *mem, str *sql)
{
    sqlite3_stmt *stmt = NULL;
    const char *rest;
    int rc = sqlite3_prepare_v2(conn->db, sql->at, (int)sql->len, &stmt, &rest);
    if (rc == SQLITE_OK && stmt) {
        do
            rc = sqlite3_step(stmt);
        while (rc == SQLITE_ROW);
    }
    err e = rc == SQLITE_OK || rc == SQLITE_DONE ? NULL : store_conn_err(conn, mem, rc);
    sqlite3_finalize(stmt);
    *sql = str_sub(*sql, (size_t)(rest - sql->at), sql->len);
    return e;
}

err store_conn_script(struct store_conn *conn, struct arena *mem, str sql)
{
    if (sql.len > INT32_MAX)
        return err_internal(mem, "a script of %zu bytes", sql.len);
    while (!is_space(sql))
        TRY(script_step(conn, mem, &sql));
    return NULL;
}

/* "$12" is 12; SQLite itself takes such a name for a text, and counts in the order they occur. */
static err statement_params(struct arena *mem, struct statement *statement)
{
    int params = sqlite3_bind_parameter_count(statement->stmt);
    if (params > ARGS_MAX)
        return err_internal(mem, "more than %d parameters: %s", ARGS_MAX, statement->sql);
    for (int i = 0; i < params; i++) {
        const char *name = sqlite3_bind_parameter_name(statement->stmt, i + 1);
        int64_t number;
        if (!name || !str_i64(str_of(name + 1), &number) || number < 1 || number > ARGS_MAX)
            return err_internal(
                mem, "a parameter that is not $1 to $%d: %s", ARGS_MAX, statement->sql);
        statement->of[i] = (unsigned char)number;
        if (number > statement->args)
            statement->args = (unsigned char)number;
    }
    statement->params = (unsigned char)params;
    return NULL;
}

static err statement_prepare(struct store_conn *conn, struct arena *mem,
                             struct statement *statement)
{
    const char *rest = "";
    int rc = sqlite3_prepare_v3(
        conn->db, statement->sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->stmt, &rest);
    if (rc != SQLITE_OK)
        return store_conn_err(conn, mem, rc);
    if (!statement->stmt || !is_space(str_of(rest)))
        return err_internal(mem, "not one statement: %s", statement->sql);
    return statement_params(mem, statement);
}

static struct statement **statement_set(struct store_conn *conn, const char *sql)
{
    uint64_t hash = (uint64_t)(uintptr_t)sql * 0x9E3779B97F4A7C15u;
    return conn->statements[(hash >> 32) % STATEMENT_SETS];
}

/* Puts it first in its set; the last is pushed out. */
static void statement_keep(struct statement **set, struct statement *statement, size_t from)
{
    memmove(set + 1, set, from * sizeof(*set));
    set[0] = statement;
}

static err statement_find(struct store_conn *conn, struct arena *mem, const char *sql,
                          struct statement **out)
{
    struct statement **set = statement_set(conn, sql);
    for (size_t i = 0; i < STATEMENT_WAYS && set[i]; i++) {
        if (set[i]->sql == sql) {
            *out = set[i];
            statement_keep(set, *out, i);
            return NULL;
        }
    }
    struct statement *statement = calloc(1, sizeof(*statement));
    if (!statement)
        return &err_no_memory;
    statement->sql = sql;
    err e = statement_prepare(conn, mem, statement);
    if (e) {
        statement_free(statement);
        return e;
    }
    statement_free(set[STATEMENT_WAYS - 1]);
    statement_keep(set, statement, STATEMENT_WAYS - 1);
    *out = statement;
    return NULL;
}

static int arg_bind(sqlite3_stmt *stmt, int at, const struct arg *arg)
{
    switch (arg->type) {
    case ARG_INT:
    case ARG_BOOL:
        return sqlite3_bind_int64(stmt, at, arg->number);
    case ARG_REAL:
        return sqlite3_bind_double(stmt, at, arg->real);
    default:
        if (!arg->text.at)
            return sqlite3_bind_null(stmt, at);
        return sqlite3_bind_text64(
            stmt, at, arg->text.at, arg->text.len, SQLITE_STATIC, SQLITE_UTF8);
    }
}

static err statement_bind(struct tx *tx, struct statement *statement, const struct arg *args)
{
    size_t n = 0;
    while (args[n].type != ARG_LAST)
        n++;
    if (n != statement->args)
        return err_internal(
            tx->db->mem, "%zu values for %d parameters: %s", n, statement->args, statement->sql);
    for (int i = 0; i < statement->params; i++) {
        int rc = arg_bind(statement->stmt, i + 1, &args[statement->of[i] - 1]);
        if (rc != SQLITE_OK)
            return store_conn_err(tx->conn, tx->db->mem, rc);
    }
    return NULL;
}

/* A value that memory was missing for would look like NULL: nothing may be written with it. */
static err query_allowed(struct tx *tx)
{
    static const struct err outside = {
        .status = 500,
        .code = "internal_error",
        .detail = STR("Something went wrong on our side. It has been logged."),
        .inside = STR("a statement outside of a transaction")};
    if (!tx->conn)
        return &outside;
    if (tx->failed)
        return err_internal(tx->db->mem, "a statement in a transaction that has failed");
    return arena_failed(tx->db->mem) ? &err_no_memory : NULL;
}

err query_start(struct tx *tx, const char *sql, const struct arg *args, struct statement **out)
{
    struct statement *statement;
    TRY(query_allowed(tx));
    err e = statement_find(tx->conn, tx->db->mem, sql, &statement);
    if (!e)
        e = statement_bind(tx, statement, args);
    if (e) {
        tx->failed = true;
        return e;
    }
    *out = statement;
    return NULL;
}

err query_step(struct tx *tx, struct statement *statement, bool *row)
{
    int rc = sqlite3_step(statement->stmt);
    *row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return NULL;
    tx->failed = true;
    return store_conn_err(tx->conn, tx->db->mem, rc);
}

void query_end(struct statement **statement)
{
    if (*statement)
        sqlite3_reset((*statement)->stmt);
}

err store_conn_run_(struct store_conn *conn, struct arena *mem, const char *sql)
{
    struct statement *statement;
    TRY(statement_find(conn, mem, sql, &statement));
    int rc = sqlite3_step(statement->stmt);
    err e = rc == SQLITE_DONE ? NULL : store_conn_err(conn, mem, rc);
    sqlite3_reset(statement->stmt);
    return e;
}

void store_conn_rollback(struct store_conn *conn)
{
    if (sqlite3_get_autocommit(conn->db))
        return;
    struct arena mem;
    arena_init(&mem, 16 * 1024);
    err e = store_conn_run(conn, &mem, "ROLLBACK");
    if (e)
        log_line(conn->store->log, LOG_ERROR, "store", "rollback: %.*s", STR_ARGS(e->inside));
    arena_done(&mem);
}
