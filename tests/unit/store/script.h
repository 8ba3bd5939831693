/*
 * A scripted run over the real schema, and the check of what is left of it.
 *
 * Each writer has a team, and registers an account first. Its operation N is one transaction: it
 * changes a channel's record by a fixed rule, and appends an event that says N to its team's log
 * and one to a log that all share. So the last number of its log alone says what all of its
 * records have to be, and the shared log holds each operation once.
 */
#ifndef UNIT_STORE_SCRIPT_H
#define UNIT_STORE_SCRIPT_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "accounts/account.h"
#include "base/embedded.h"
#include "base/time.h"
#include "store/migrations.h"
#include "store/sqlite.h"
#include "unit/store/folder.h"

#define SCRIPT_WRITERS 6
#define SCRIPT_OPS_MAX 400
#define SCRIPT_MEMORY ((size_t)16 << 20)
#define SHARED_LOG STR("everyone")

/* What was acknowledged; may be shared with another process. */
struct acknowledged {
    atomic_int version;              /* of the migrations */
    atomic_int ops[SCRIPT_WRITERS];  /* 1 to this of each writer */
    atomic_int told[SCRIPT_WRITERS]; /* a reader that ended durably has seen so many */
};

struct script {
    struct store *store;
    struct events *events;
    struct acknowledged *acknowledged;
    struct arena mem;
    atomic_bool over;
};

static inline str script_team(struct arena *mem, int writer)
{
    return str_fmt(mem, "team-%d", writer);
}

static inline err script_open(struct script *script, const char *path, const char *vfs,
                              int checkpoint_pages)
{
    struct store_options options = {.path = path, .vfs = vfs, .checkpoint_pages = checkpoint_pages};
    struct events_options events = {.keep_days = 30};
    int applied;
    arena_init(&script->mem, SCRIPT_MEMORY);
    TRY(migrations_make(
        &script->mem, embedded_files, &options.migrations, &options.migration_count));
    TRY(store_open(&script->mem, &options, &script->store));
    TRY(store_migrate_up(script->store, &script->mem, &applied));
    if (script->acknowledged)
        atomic_store(&script->acknowledged->version, (int)options.migration_count);
    events.store = script->store;
    return events_open(&script->mem, &events, &script->events);
}

static inline void script_close(struct script *script)
{
    if (script->events)
        events_close(script->events);
    if (script->store)
        store_close(script->store);
    arena_done(&script->mem);
    script->events = NULL;
    script->store = NULL;
}

/* Every fifth is taken away again by the second after it; every ninth event is a long one. */
static inline bool op_removes(int op)
{
    return op % 5 == 2 && op > 2;
}

static inline err op_record(struct tx *tx, str team, int op)
{
    struct arena *mem = tx->db->mem;
    str id = str_fmt(mem, "%.*s-%d", STR_ARGS(team), op_removes(op) ? op - 2 : op);
    if (op_removes(op))
        return tx_run(tx, "DELETE FROM channels WHERE team = $1 AND id = $2", A(team), A(id));
    return tx_run(
        tx, "INSERT INTO channels (team, id, created) VALUES ($1, $2, $3)", A(team), A(id), A(op));
}

static inline int op_channels(int ops)
{
    int n = 0;
    for (int op = 1; op <= ops; op++)
        n += op_removes(op) ? -1 : 1;
    return n;
}

static inline err op_account(struct script *script, struct tx *tx, int writer)
{
    struct accounts accounts = {.options = {.events = script->events}};
    struct account account = {.primary_email = str_fmt(tx->db->mem, "w%d@example.com", writer),
                              .password = STR("hash"),
                              .is_active = true};
    return account_insert(&accounts, tx, &account, time_now());
}

static inline err script_op(struct script *script, int writer, int op)
{
    struct arena mem;
    arena_init(&mem, 1 << 20);
    struct db db = {.store = script->store, .mem = &mem, .actor = STR("script")};
    struct tx tx = {0};
    str team = script_team(&mem, writer);
    str data = op % 9 ? str_fmt(&mem, "{\"op\": %d}", op)
                      : str_fmt(&mem, "{\"op\": %d, \"x\": \"%09000d\"}", op, op);
    str subject = str_fmt(&mem, "%d:%d", writer, op);
    err e = db_begin(&db, &tx);
    if (!e && op == 1)
        e = op_account(script, &tx, writer);
    if (!e)
        e = op_record(&tx, team, op);
    if (!e)
        e = event_append_json(script->events, &tx, team, "op", subject, data);
    if (!e)
        e = event_append_json(script->events, &tx, SHARED_LOG, "op", subject, STR("{}"));
    if (!e)
        e = tx_commit(&tx);
    tx_done(&tx);
    e = said(e);
    arena_done(&mem);
    if (!e)
        atomic_store(&script->acknowledged->ops[writer], op);
    return e ? &err_no_memory : NULL;
}

struct script_writer {
    struct script *script;
    int writer, ops;
};

static inline void *script_writer_main(void *arg)
{
    struct script_writer *of = arg;
    for (int op = 1; op <= of->ops; op++)
        if (script_op(of->script, of->writer, op))
            abort();
    return NULL;
}

/* Numbers of a team's log, as anyone could be told them. */
static inline void *script_reader_main(void *arg)
{
    struct script *script = arg;
    while (!atomic_load(&script->over)) {
        struct arena mem;
        arena_init(&mem, 1 << 20);
        struct db db = {.store = script->store, .mem = &mem};
        int64_t seen[SCRIPT_WRITERS], oldest;
        struct tx tx;
        err e = db_read(&db, &tx);
        for (int i = 0; i < SCRIPT_WRITERS && !e; i++)
            e = events_range(&tx, script_team(&mem, i), &seen[i], &oldest);
        if (!e)
            e = tx_end_durable(&tx);
        if (e)
            abort();
        for (int i = 0; i < SCRIPT_WRITERS; i++)
            atomic_store(&script->acknowledged->told[i], (int)seen[i]);
        arena_done(&mem);
    }
    return NULL;
}

/* The first writer alone; a reader that stays meanwhile makes the WAL grow. */
static inline void script_alone(struct script *script, int ops)
{
    struct script_writer alone = {script, 0, ops};
    struct db db = {.store = script->store, .mem = &script->mem};
    struct tx tx;
    int64_t n;
    if (db_read(&db, &tx) || tx_number(&tx, &n, "SELECT count(*) FROM events"))
        abort();
    script_writer_main(&alone);
    tx_done(&tx);
}

/* The others at once, beside a reader. */
static inline void script_together(struct script *script, int ops)
{
    struct script_writer of[SCRIPT_WRITERS];
    pthread_t threads[SCRIPT_WRITERS];
    pthread_create(&threads[0], NULL, script_reader_main, script);
    for (int i = 1; i < SCRIPT_WRITERS; i++) {
        of[i] = (struct script_writer){script, i, ops};
        pthread_create(&threads[i], NULL, script_writer_main, &of[i]);
    }
    for (int i = 1; i < SCRIPT_WRITERS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&script->over, true);
    pthread_join(threads[0], NULL);
}

/* What a check finds to be wrong. */
struct findings {
    int lost;   /* acknowledged, and not there */
    int gaps;   /* numbers of a log that are missing, or there twice */
    int torn;   /* records and events that do not belong together */
    int broken; /* that SQLite does not open, or finds damaged */
};

static inline int64_t script_number(sqlite3 *db, const char *sql, int64_t first)
{
    sqlite3_stmt *stmt = NULL;
    int64_t number = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        if (sqlite3_bind_parameter_count(stmt))
            sqlite3_bind_int64(stmt, 1, first);
        if (sqlite3_step(stmt) == SQLITE_ROW)
            number = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return number;
}

/* Each log is 1, 2, 3 ... up to what its counter says. */
static inline int script_gaps(sqlite3 *db)
{
    return (int)script_number(
               db,
               "SELECT count(*) FROM event_logs l WHERE l.last <> (SELECT count(*) FROM events e"
               " WHERE e.team = l.team) OR l.last <> (SELECT max(n) FROM events e WHERE e.team ="
               " l.team) OR 1 <> (SELECT min(n) FROM events e WHERE e.team = l.team)",
               0) +
           (int)script_number(db,
                              "SELECT count(*) FROM events WHERE team NOT IN (SELECT team FROM "
                              "event_logs)",
                              0);
}

static inline void script_check_writer(sqlite3 *db, int writer, int least,
                                       struct findings *findings)
{
    int64_t last = script_number(
        db, "SELECT coalesce(max(last), 0) FROM event_logs WHERE team = 'team-' || $1", writer);
    int64_t channels =
        script_number(db, "SELECT count(*) FROM channels WHERE team = 'team-' || $1", writer);
    int64_t shared = script_number(db,
                                   "SELECT count(DISTINCT subject) FROM events WHERE team ="
                                   " 'everyone' AND subject LIKE $1 || ':%'",
                                   writer);
    int64_t accounts = script_number(
        db,
        "SELECT count(*) FROM accounts a JOIN memberships m ON m.account = a.id JOIN events e ON"
        " e.team = a.team AND e.subject = a.id WHERE email_key = 'w' || $1 || '@example.com'",
        writer);
    if (last < least)
        findings->lost += least - (int)last;
    if (channels != op_channels((int)last) || shared != last || accounts != (last > 0))
        findings->torn++;
}

/* The next number of the shared log is the one that follows. */
static inline err script_append(struct script *script, int64_t *before, int64_t *after)
{
    int64_t oldest;
    struct db db = {.store = script->store, .mem = &script->mem, .actor = STR("check")};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(&db, &tx));
    TRY(events_range(&tx, SHARED_LOG, before, &oldest));
    TRY(event_append_json(script->events, &tx, SHARED_LOG, "op", STR("check"), STR("{}")));
    TRY(events_range(&tx, SHARED_LOG, after, &oldest));
    return tx_commit(&tx);
}

static inline bool script_whole(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    bool ok = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL) == SQLITE_OK &&
              sqlite3_step(stmt) == SQLITE_ROW &&
              strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    sqlite3_finalize(stmt);
    return ok && script_number(db, "SELECT count(*) FROM pragma_foreign_key_check", 0) == 0;
}

/* Migrations that were acknowledged, before the store is opened by what would make them anew. */
static inline int script_version(const char *path)
{
    struct store *store;
    struct arena mem;
    struct store_options options = {.path = path};
    int version = -1;
    arena_init(&mem, SCRIPT_MEMORY);
    err e = migrations_make(&mem, embedded_files, &options.migrations, &options.migration_count);
    if (!e)
        e = store_open(&mem, &options, &store);
    if (!e) {
        e = store_version(store, &mem, &version);
        store_close(store);
    }
    if (said(e))
        version = -1;
    arena_done(&mem);
    return version;
}

/* Opens what a cut has left with the real code, and holds it against what was acknowledged. */
static inline void script_check(const char *path, const struct acknowledged *acknowledged,
                                struct findings *findings)
{
    struct script script = {0};
    int version = script_version(path);
    if (version < 0 || said(script_open(&script, path, NULL, 0))) {
        findings->broken++;
        script_close(&script);
        return;
    }
    if (version < acknowledged->version)
        findings->lost++;
    sqlite3 *db = script.store->writer.conn->db;
    findings->broken += !script_whole(db);
    findings->gaps += script_gaps(db);
    for (int i = 0; i < SCRIPT_WRITERS; i++) {
        int ops = acknowledged->ops[i], told = acknowledged->told[i];
        script_check_writer(db, i, ops > told ? ops : told, findings);
    }
    int64_t before = 0, after = 0;
    if (said(script_append(&script, &before, &after)) || after != before + 1)
        findings->gaps++;
    script_close(&script);
}

#endif
