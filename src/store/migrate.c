/*
 * Migrations up and down, each in a transaction of its own, recorded in the table `migrations`.
 *
 * The checksum says that what was applied is still what the program holds: a migration that was
 * edited after it was applied would leave two kinds of databases.
 */
#include "base/time.h"
#include "store/sqlite.h"

struct applied {
    int64_t number;
    str name, checksum;
};

static const struct field applied_row[] = {
    FIELD(struct applied, number, FIELD_INT),
    FIELD(struct applied, name, FIELD_STR),
    FIELD(struct applied, checksum, FIELD_STR),
    FIELD_LAST,
};

/* FNV-1a of 64 bits: against accidents, not against intent. */
static str checksum(struct arena *mem, str text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * 0x100000001b3u;
    return str_fmt(mem, "%016llx", (unsigned long long)hash);
}

static err table_exists(struct tx *tx, bool *exists)
{
    int64_t n;
    TRY(tx_number(
        tx, &n, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'"));
    *exists = n > 0;
    return NULL;
}

static err table_make(struct tx *tx)
{
    return tx_run(tx,
                  "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY NOT NULL,"
                  " name TEXT NOT NULL, checksum TEXT NOT NULL, applied BIGINT NOT NULL)");
}

static err applied_check(struct tx *tx, const struct applied *applied, size_t i)
{
    const struct store_options *options = &tx->db->store->options;
    struct arena *mem = tx->db->mem;
    if (i >= options->migration_count)
        return err_internal(mem,
                            "the database is newer than this program: it has migration %lld, %.*s",
                            (long long)applied->number,
                            STR_ARGS(applied->name));
    const struct migration *migration = &options->migrations[i];
    if (applied->number != migration->number)
        return err_internal(mem, "migration %d was never applied", migration->number);
    if (!str_eq(applied->checksum, checksum(mem, migration->up)))
        return err_internal(mem,
                            "migration %d, %s, is not what it was when it was applied",
                            migration->number,
                            migration->name);
    return NULL;
}

/* How many are applied; an error when they are not the program's own. */
static err applied_count(struct tx *tx, size_t *n)
{
    bool exists;
    struct list list;
    *n = 0;
    TRY(table_exists(tx, &exists));
    if (!exists)
        return NULL;
    TRY(tx_list(tx,
                applied_row,
                sizeof(struct applied),
                10000,
                &list,
                "SELECT number, name, checksum FROM migrations ORDER BY number"));
    const struct applied *applied = list.at;
    for (size_t i = 0; i < list.n; i++)
        TRY(applied_check(tx, &applied[i], i));
    *n = list.n;
    return NULL;
}

static err script(struct tx *tx, const struct migration *migration, str sql)
{
    struct arena *mem = tx->db->mem;
    err e = store_conn_script(tx->conn, mem, sql);
    if (e && e->status == 500)
        e = err_internal(
            mem, "migration %d, %s: %.*s", migration->number, migration->name, STR_ARGS(e->inside));
    if (!e && sqlite3_get_autocommit(tx->conn->db))
        e = err_internal(
            mem, "migration %d, %s, ends the transaction", migration->number, migration->name);
    return e;
}

static err up(struct tx *tx, const struct migration *migration)
{
    TRY(table_make(tx));
    TRY(script(tx, migration, migration->up));
    return tx_run(
        tx,
        "INSERT INTO migrations (number, name, checksum, applied) VALUES ($1, $2, $3, $4)",
        A(migration->number),
        A(migration->name),
        A(checksum(tx->db->mem, migration->up)),
        A(time_now()));
}

static err up_next(struct db *db, bool *was_last)
{
    const struct store_options *options = &db->store->options;
    size_t n;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(applied_count(&tx, &n));
    *was_last = n == options->migration_count;
    if (*was_last)
        return NULL;
    TRY(up(&tx, &options->migrations[n]));
    TRY(tx_commit(&tx));
    log_line(db->store->log,
             LOG_INFO,
             "store",
             "migration %d, %s, applied",
             options->migrations[n].number,
             options->migrations[n].name);
    return NULL;
}

err store_migrate_up(struct store *store, struct arena *mem, int *applied)
{
    struct db db = {.store = store, .mem = mem, .actor = STR("system")};
    bool last = false;
    for (*applied = 0;; (*applied)++) {
        TRY(up_next(&db, &last));
        if (last)
            return NULL;
    }
}

err store_migrate_down(struct store *store, struct arena *mem, int *reverted)
{
    struct db db = {.store = store, .mem = mem, .actor = STR("system")};
    size_t n;
    *reverted = 0;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(&db, &tx));
    TRY(applied_count(&tx, &n));
    if (n == 0)
        return NULL;
    const struct migration *migration = &store->options.migrations[n - 1];
    TRY(script(&tx, migration, migration->down));
    TRY(tx_run(&tx, "DELETE FROM migrations WHERE number = $1", A(migration->number)));
    TRY(tx_commit(&tx));
    *reverted = migration->number;
    return NULL;
}

err store_version(struct store *store, struct arena *mem, int *version)
{
    struct db db = {.store = store, .mem = mem, .actor = STR("system")};
    bool exists;
    int64_t number = 0;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(&db, &tx));
    TRY(table_exists(&tx, &exists));
    if (exists)
        TRY(tx_number(&tx, &number, "SELECT max(number) FROM migrations"));
    *version = (int)number;
    return NULL;
}
