/*
 * The worker's operations without its process: a DuckDB file of a test, attached as the engine
 * process does it, and what the process would give the operations (progress, cancelling, helpers on
 * the other cores).
 */
#ifndef TESTS_UNIT_ENGINE_WORKER_HARNESS_H
#define TESTS_UNIT_ENGINE_WORKER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/worker/worker.h"

#define HARNESS_MEMORY (512u * 1024 * 1024)

static struct harness {
    duckdb_database database;
    struct arena mem;
    struct call call;
    char dir[64];
    int64_t progress_rows, progress_calls;
    bool cancelled, helping, parallel_seen;
    duckdb_task_state helpers;
    pthread_t helper;
} harness;

void call_progress(struct call *call, struct progress progress)
{
    (void)call;
    harness.progress_rows = progress.rows;
    harness.progress_calls++;
}

bool call_cancelled(const struct call *call)
{
    (void)call;
    return harness.cancelled;
}

static void *helper_run(void *state)
{
    duckdb_execute_tasks_state(state);
    return NULL;
}

void call_parallel(struct call *call)
{
    (void)call;
    harness.parallel_seen = true;
    if (harness.helping)
        return;
    harness.helping = true;
    harness.helpers = duckdb_create_task_state(harness.database);
    pthread_create(&harness.helper, NULL, helper_run, harness.helpers);
}

void call_serial(struct call *call)
{
    (void)call;
    if (!harness.helping)
        return;
    duckdb_finish_execution(harness.helpers);
    pthread_join(harness.helper, NULL);
    duckdb_destroy_task_state(harness.helpers);
    harness.helping = false;
}

static inline void run_sql(const char *sql)
{
    duckdb_result result;
    if (duckdb_query(harness.call.connection, sql, &result) == DuckDBError)
        fail_msg("%s: %s", sql, duckdb_result_error(&result));
    duckdb_destroy_result(&result);
}

static inline void run_sql_fmt(const char *format, const char *text)
{
    char sql[512];
    snprintf(sql, sizeof(sql), format, text);
    run_sql(sql);
}

/* An err that should not be. */
static inline void ok(err e)
{
    call_serial(&harness.call);
    if (e)
        fail_msg("%d %s: %.*s %.*s [%.*s]",
                 e->status,
                 e->code,
                 STR_ARGS(e->detail),
                 STR_ARGS(e->errors),
                 STR_ARGS(e->inside));
}

static inline void attach_file(void)
{
    duckdb_config config;
    char sql[256];
    assert_int_equal(duckdb_create_config(&config), DuckDBSuccess);
    duckdb_set_config(config, "threads", "1");
    assert_int_equal(duckdb_open_ext(NULL, &harness.database, config, NULL), DuckDBSuccess);
    duckdb_destroy_config(&config);
    assert_int_equal(duckdb_connect(harness.database, &harness.call.connection), DuckDBSuccess);
    run_sql("SET threads = 2; SET external_threads = 2; SET TimeZone = 'UTC'; SET "
            "autoinstall_known_extensions = false;"
            "SET autoload_known_extensions = false");
    snprintf(sql, sizeof(sql), "ATTACH '%s/engine.duckdb' AS " TEAM_CATALOG, harness.dir);
    run_sql(sql);
    run_sql("USE " TEAM_CATALOG);
    ok(worker_prepare(&harness.call));
    run_sql_fmt("SET temp_directory = '%s/spill'", harness.dir);
    run_sql_fmt("SET allowed_directories = ['%s/']", harness.dir);
    run_sql("SET enable_external_access = false");
    run_sql("SET lock_configuration = true");
}

static inline void detach_file(void)
{
    call_serial(&harness.call);
    duckdb_disconnect(&harness.call.connection);
    duckdb_close(&harness.database);
}

static inline int harness_setup(void **state)
{
    (void)state;
    harness = (struct harness){0};
    snprintf(harness.dir, sizeof(harness.dir), "/tmp/tdc-worker-XXXXXX");
    if (!mkdtemp(harness.dir))
        return -1;
    arena_init(&harness.mem, HARNESS_MEMORY);
    harness.call = (struct call){.mem = &harness.mem,
                                 .tmp_dir = harness.dir,
                                 .keep_us = (int64_t)3600 * 1000000,
                                 .memory_max = (int64_t)1 << 30};
    attach_file();
    return 0;
}

static inline int harness_teardown(void **state)
{
    (void)state;
    detach_file();
    arena_done(&harness.mem);
    DIR *dir = opendir(harness.dir);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", harness.dir, entry->d_name);
        remove(path);
    }
    if (dir)
        closedir(dir);
    rmdir(harness.dir);
    return 0;
}

/* What the process does between two calls. */
static inline void next_call(void)
{
    call_serial(&harness.call);
    arena_done(&harness.mem);
    harness.parallel_seen = false;
}

static inline const char *file_write(const char *name, const char *bytes, size_t len)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", harness.dir, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
    return path;
}

static inline struct columns columns_of(const char *const *pairs)
{
    struct columns columns = {0};
    while (pairs[2 * columns.n])
        columns.n++;
    columns.at = arena_array(&harness.mem, columns.n + 1, sizeof(struct column));
    for (size_t i = 0; i < columns.n; i++)
        columns.at[i] = (struct column){str_of(pairs[2 * i]), str_of(pairs[2 * i + 1])};
    return columns;
}

/* Columns as name, type, ..., NULL; none: inferred. */
#define COLUMNS(...) columns_of((const char *const[]){__VA_ARGS__, NULL, NULL})
#define INFERRED ((struct columns){0})

static inline err load_text(const char *table, enum load_mode mode, enum load_format format,
                            const char *text, struct columns columns, struct object *out)
{
    int64_t added;
    struct load load = {.table = str_of(table),
                        .mode = mode,
                        .format = format,
                        .path = file_write("upload", text, strlen(text)),
                        .columns = columns};
    err e = worker_load(&harness.call, &load, out, &added);
    call_serial(&harness.call);
    return e;
}

static inline str query_rows(const char *sql)
{
    struct queried queried;
    ok(worker_query(&harness.call, str_of(sql), 1000, &queried));
    return queried.json;
}

#define assert_str(s, text)                                       \
    do {                                                          \
        str got_ = (s);                                           \
        if (!str_eq(got_, str_of(text)))                          \
            fail_msg("got  %.*s\nwant %s", STR_ARGS(got_), text); \
    } while (0)

#define assert_has(s, part)                                             \
    do {                                                                \
        str got_ = (s);                                                 \
        if (!got_.at || !memmem(got_.at, got_.len, part, strlen(part))) \
            fail_msg("\"%s\" is not in: %.*s", part, STR_ARGS(got_));   \
    } while (0)

#endif
