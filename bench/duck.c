/*
 * Runs statements on DuckDB itself and tells how long each takes.
 *
 *   duck FILE THREADS SQL ...
 *
 * Prints a line a statement: its microseconds.
 */
#include <duckdb.h>
#include <stdio.h>

#include "loopback.h"

static void statement_run(duckdb_connection connection, const char *sql)
{
    duckdb_result result;
    if (duckdb_query(connection, sql, &result) != DuckDBSuccess)
        give_up("%s: %s", sql, duckdb_result_error(&result));
    duckdb_destroy_result(&result);
}

int main(int argc, char **argv)
{
    duckdb_database database;
    duckdb_connection connection;
    char threads[64];
    if (argc < 3)
        give_up("usage: duck FILE THREADS SQL ...");
    if (duckdb_open(argv[1], &database) != DuckDBSuccess ||
        duckdb_connect(database, &connection) != DuckDBSuccess)
        give_up("%s can't be opened", argv[1]);
    snprintf(threads, sizeof(threads), "SET threads = %lld", (long long)number_of(argv[2], 1, 256));
    statement_run(connection, threads);
    for (int i = 3; i < argc; i++) {
        int64_t began = steady_us();
        statement_run(connection, argv[i]);
        printf("%lld\n", (long long)(steady_us() - began));
    }
    duckdb_disconnect(&connection);
    duckdb_close(&database);
    return 0;
}
