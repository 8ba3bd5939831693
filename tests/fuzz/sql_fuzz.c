/*
 * The guard of SQL with DuckDB: the input is a statement, which DuckDB's parser makes a tree of.
 *
 * What is refused is refused for the statement's sake; what is taken is one statement, taken again
 * with the same outcome, and its tree has nothing in it that may not be. Nothing is run.
 */
#include "fuzz/allowed.h"

#include <unistd.h>

#include "engine/worker/lex.h"

#define MEMORY ((size_t)64 << 20)

static struct {
    duckdb_database database;
    duckdb_connection connection;
    struct arena mem;
    char dir[64];
} world;

/* The process's side of an operation, of which the guard needs nothing. */

void call_progress(struct call *call, struct progress progress)
{
    (void)call, (void)progress;
}

bool call_cancelled(const struct call *call)
{
    (void)call;
    return false;
}

void call_parallel(struct call *call)
{
    (void)call;
}

void call_serial(struct call *call)
{
    (void)call;
}

static void run(const char *sql)
{
    duckdb_result result;
    if (duckdb_query(world.connection, sql, &result) != DuckDBSuccess)
        fprintf(stderr, "%s: %s\n", sql, duckdb_result_error(&result));
    CHECK(!duckdb_result_error(&result));
    duckdb_destroy_result(&result);
}

static void world_remove(void)
{
    char command[128];
    duckdb_disconnect(&world.connection);
    duckdb_close(&world.database);
    snprintf(command, sizeof(command), "rm -rf %s", world.dir);
    CHECK(system(command) == 0);
}

static struct call call_of(struct arena *mem)
{
    return (struct call){.connection = world.connection,
                         .mem = mem,
                         .tmp_dir = world.dir,
                         .memory_max = (int64_t)1 << 30};
}

static void table_make(struct arena *mem, const char *name, const char *csv)
{
    char path[128];
    int64_t added;
    struct object object;
    struct call call = call_of(mem);
    snprintf(path, sizeof(path), "%s/upload", world.dir);
    FILE *file = fopen(path, "wb");
    CHECK(file && fputs(csv, file) >= 0 && fclose(file) == 0);
    struct load load = {.table = str_of(name), .format = FORMAT_CSV, .path = path};
    err e = worker_load(&call, &load, &object, &added);
    if (e)
        fprintf(stderr, "%.*s %.*s\n", STR_ARGS(e->detail), STR_ARGS(e->inside));
    CHECK(!e);
}

/* A team's file as the engine process has it. */
static void world_once(void)
{
    char sql[256];
    duckdb_config config;
    if (world.database)
        return;
    snprintf(world.dir, sizeof(world.dir), "/tmp/fuzz-sql-XXXXXX");
    CHECK(mkdtemp(world.dir));
    arena_init(&world.mem, MEMORY);
    CHECK(duckdb_create_config(&config) == DuckDBSuccess);
    duckdb_set_config(config, "threads", "1");
    CHECK(duckdb_open_ext(NULL, &world.database, config, NULL) == DuckDBSuccess);
    duckdb_destroy_config(&config);
    CHECK(duckdb_connect(world.database, &world.connection) == DuckDBSuccess);
    atexit(world_remove);
    run("SET TimeZone = 'UTC'; SET autoinstall_known_extensions = false; SET "
        "autoload_known_extensions = false");
    snprintf(sql, sizeof(sql), "ATTACH '%s/engine.duckdb' AS " TEAM_CATALOG, world.dir);
    run(sql);
    run("USE " TEAM_CATALOG);
    struct call call = call_of(&world.mem);
    CHECK(!worker_prepare(&call));
    snprintf(sql, sizeof(sql), "SET allowed_directories = ['%s/']", world.dir);
    run(sql);
    run("SET enable_external_access = false; SET lock_configuration = true");
    table_make(&world.mem, "t", "SomeNumber,SomeString\n0,alfa\n1,bravo\n");
    table_make(&world.mem,
               "sales",
               "id,day,region,amount,price,tags\n1,2026-01-01,north,5,1.5,\"{\"\"a\"\":1}\"\n");
    table_make(&world.mem, "user", "user,order\n1,2\n");
}

static void one_statement(struct arena *mem, str sql)
{
    duckdb_extracted_statements statements;
    CHECK(duckdb_extract_statements(world.connection, str_c(mem, sql), &statements) == 1);
    duckdb_destroy_extracted(&statements);
}

/* The tree of what is to be run, which may not be what was given. */
static void tree_of_taken(struct call *call, const struct guarded *guarded, bool rewritten)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    str text = sql_text(call, "SELECT json_serialize_sql(%L)", guarded->sql);
    CHECK(!sql_try_query(call, text, &result, &failure) && !failure.message.at);
    str json = sql_str(call, &result, 0, 0);
    json_t *root = json_loadb(json.at, json.len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
    const json_t *statement = json_array_get(json_object_get(root, "statements"), 0);
    CHECK(json_is_object(statement));
    tree_allowed(statement, statement, rewritten);
    json_decref(root);
}

static void taken(struct call *call, str sql, const struct guarded *guarded)
{
    struct guarded again;
    CHECK(guarded->sql.len == sql.len && guarded->checked.columns.n > 0);
    one_statement(call->mem, guarded->sql);
    depends_allowed(&guarded->checked);
    tree_of_taken(call, guarded, !str_eq(guarded->sql, sql));
    CHECK(!guard_check(call, sql, &again));
    CHECK(str_eq(again.sql, guarded->sql) && again.steady == guarded->steady);
    CHECK(again.checked.columns.n == guarded->checked.columns.n);
    CHECK(again.checked.is_volatile == guarded->checked.is_volatile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world_once();
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    struct call call = call_of(&mem);
    char *copy = exact_copy((str){(const char *)data, size});
    str sql = {copy, size};
    struct guarded guarded;
    err e = guard_check(&call, sql, &guarded);
    if (e && e->status != 422)
        fprintf(stderr, "%d %s %.*s\n", e->status, e->code, STR_ARGS(e->inside));
    CHECK(!e || e->status == 422);
    if (!e)
        taken(&call, sql, &guarded);
    free(copy);
    return 0;
}
