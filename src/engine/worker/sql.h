/*
 * Statements of our own: text with names and values put in safely, running it, reading small
 * answers.
 *
 * A format has %I (an identifier, quoted), %L (a text as a literal; absent is NULL), %S (SQL made
 * by us or checked by the guard, as it is), each a `str`, and %D (an int64_t). The team's objects
 * are named through SQL_MAIN and SQL_OURS.
 */
#ifndef ENGINE_WORKER_SQL_H
#define ENGINE_WORKER_SQL_H

#include "engine/worker/worker.h"

#define SQL_MAIN TEAM_CATALOG ".main" /* the team's tables and views, which it sees */
#define SQL_OURS TEAM_CATALOG ".tdc"  /* what is kept about them, which it does not */

/* In the arena of the call. */
str sql_text(struct call *call, const char *format, ...);
/* What stands before the i-th of many terms that an operator joins, with ")" behind the last: in
 * groups, since a row of a thousand operators is deeper than DuckDB goes. */
str sql_many(struct call *call, size_t i, const char *operator);

/* An answer held in memory; for CLEANUP(sql_result_done). A zeroed one is fine. */
struct sql_result {
    duckdb_result result;
    bool open;
};

void sql_result_done(struct sql_result *result);

/* A fault of these is ours (500), but for what call_fault knows. */
MUST_CHECK err sql_run(struct call *call, const char *format, ...);
MUST_CHECK err sql_query(struct call *call, struct sql_result *out, const char *format, ...);
/* The same, with the rows that an INSERT added. */
MUST_CHECK err sql_insert(struct call *call, int64_t *added, const char *format, ...);
/* The first column of the first row; 0 when there is none. */
MUST_CHECK err sql_number(struct call *call, int64_t *out, const char *format, ...);

/* Of sql_query's results of BIGINT, BOOLEAN and VARCHAR columns. */
size_t sql_rows(struct sql_result *result);
int64_t sql_i64(struct sql_result *result, size_t row, size_t column);
str sql_str(struct call *call, struct sql_result *result, size_t row, size_t column);

/* A statement that may fail by what the user gave: the caller turns the message into an err. */
struct sql_failure {
    duckdb_error_type type;
    str message;      /* without DuckDB's "LINE 1:" part; absent: it went well */
    int64_t position; /* in the statement, or -1 */
};

/* What DuckDB failed with: the machine's part of it is returned, the statement's goes to `failure`.
 */
MUST_CHECK err sql_failed(struct call *call, duckdb_error_type type, const char *message,
                          struct sql_failure *failure);
/* Runs `sql`; rows changed, for an INSERT or CREATE TABLE AS. The err is of the machine, never of
 * the statement. */
MUST_CHECK err sql_try(struct call *call, str sql, int64_t *changed, struct sql_failure *failure);
/* The same with its answer. */
MUST_CHECK err sql_try_query(struct call *call, str sql, struct sql_result *out,
                             struct sql_failure *failure);
/* An answer that comes chunk by chunk: duckdb_fetch_chunk on out->result. */
MUST_CHECK err sql_try_stream(struct call *call, str sql, struct sql_result *out,
                              struct sql_failure *failure);
/* After the last chunk: did it end well? */
MUST_CHECK err sql_stream_end(struct call *call, struct sql_result *out,
                              struct sql_failure *failure);

/* A transaction; for CLEANUP(sql_rollback): rolls back unless committed. */
struct sql_tx {
    struct call *call;
};

MUST_CHECK err sql_begin(struct call *call, struct sql_tx *tx);
MUST_CHECK err sql_begin_read(struct call *call,
                              struct sql_tx *tx); /* one state for all its statements; no writing */
MUST_CHECK err sql_commit(struct sql_tx *tx);     /* on disk when it returns */
void sql_rollback(struct sql_tx *tx);

#endif
