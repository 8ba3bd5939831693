/*
 * Commits one transaction after another on SQLite, each on disk before the next (WAL,
 * synchronous=FULL), and tells how many a second.
 *
 *   commits FILE SECONDS SETUP SQL ...
 *
 * Runs SETUP once; a transaction is all of the SQL, where ?1 is the transaction's number. Prints
 * the transactions a second.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "loopback.h"

#define STATEMENTS_MAX 16

struct commits {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *statements[STATEMENTS_MAX];
    size_t n;
};

static void script_run(struct commits *commits, const char *sql)
{
    if (sqlite3_exec(commits->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        give_up("%s: %s", sql, sqlite3_errmsg(commits->db));
}

static sqlite3_stmt *statement_new(struct commits *commits, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(commits->db, sql, -1, &statement, NULL) != SQLITE_OK)
        give_up("%s: %s", sql, sqlite3_errmsg(commits->db));
    return statement;
}

static void statement_run(struct commits *commits, sqlite3_stmt *statement, int64_t n)
{
    if (sqlite3_bind_parameter_count(statement) > 0)
        sqlite3_bind_int64(statement, 1, n);
    if (sqlite3_step(statement) != SQLITE_DONE)
        give_up("%s: %s", sqlite3_sql(statement), sqlite3_errmsg(commits->db));
    sqlite3_reset(statement);
}

static void transaction_run(struct commits *commits, int64_t n)
{
    statement_run(commits, commits->begin, n);
    for (size_t i = 0; i < commits->n; i++)
        statement_run(commits, commits->statements[i], n);
    statement_run(commits, commits->commit, n);
}

static void commits_open(struct commits *commits, int argc, char **argv)
{
    if (sqlite3_open(argv[1], &commits->db) != SQLITE_OK)
        give_up("%s can't be opened", argv[1]);
    script_run(commits, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    script_run(commits, argv[3]);
    commits->begin = statement_new(commits, "BEGIN IMMEDIATE");
    commits->commit = statement_new(commits, "COMMIT");
    for (int i = 4; i < argc; i++)
        commits->statements[commits->n++] = statement_new(commits, argv[i]);
}

int main(int argc, char **argv)
{
    struct commits commits = {0};
    if (argc < 5 || argc > 4 + STATEMENTS_MAX)
        give_up("usage: commits FILE SECONDS SETUP SQL ...");
    int64_t lasts = number_of(argv[2], 1, 3600) * 1000000, n = 0;
    commits_open(&commits, argc, argv);
    int64_t began = steady_us(), now = began;
    for (; now - began < lasts; now = steady_us())
        transaction_run(&commits, ++n);
    printf("%.1f\n", (double)n * 1e6 / (double)(now - began));
    return 0;
}
