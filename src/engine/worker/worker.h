/*
 * Inside an engine process: the seam between the process (main, child, calls, sandbox) and its
 * operations.
 *
 * An operation is the twin of the engine_... function of the same name in engine.h: it gets plain
 * structs, works on call->connection, and fills plain structs whose texts live in call->mem (or are
 * constants). It runs on a thread of its own with a connection of its own (nothing is left in it
 * from an earlier call), beside others; of the operations that write (load, fork, drop, refresh)
 * one runs at a time. It leaves no transaction open and no file behind but those it hands out.
 * Everything may be interrupted at any moment: a DuckDB call then fails with
 * DUCKDB_ERROR_INTERRUPT; between calls ask call_cancelled.
 */
#ifndef ENGINE_WORKER_WORKER_H
#define ENGINE_WORKER_WORKER_H

#include <duckdb.h>

#include "engine/engine.h"

/* The team's file is attached under this name and is the default database of every connection. */
#define TEAM_CATALOG "team"

struct call_slot; /* the process's side of it */

struct call {
    duckdb_connection connection;
    struct arena *mem;
    const char *tmp_dir; /* absolute, no slash at the end; the only folder that DuckDB may read and
                            write files in */
    int64_t keep_us;     /* how long the differences of a view are kept */
    int64_t memory_max;  /* bytes: for the text of an error */
    struct call_slot *slot;
};

/* For load.progress; as often as you like, it sends at most ten a second. */
void call_progress(struct call *call, struct progress progress);
bool call_cancelled(const struct call *call);
/*
 * DuckDB runs on the calling thread alone, so that the same rows give the same floating sums.
 * Between these two the other cores help with the queries of this call. For operations that write
 * only; ends by itself with the call.
 */
void call_parallel(struct call *call);
void call_serial(struct call *call);
/*
 * What a failed statement says about the machine rather than about itself: out of memory (422
 * query_memory), interrupted (503 query_interrupted; the server turns it into its own limit), disk
 * full (507 disk_full), a broken file (500). NULL: none of these, the statement is at fault.
 * `message` may be NULL. Not an error of its own: check it, return it.
 */
err call_fault(struct call *call, duckdb_error_type type, const char *message);

/* Once a process, after the team's file is attached and before the settings are locked: makes or
 * upgrades what is kept about the objects. */
MUST_CHECK err worker_prepare(struct call *call);

MUST_CHECK err worker_objects(struct call *call, struct objects *out);
MUST_CHECK err worker_load(struct call *call, const struct load *load, struct object *out,
                           int64_t *rows_added);
MUST_CHECK err worker_preview(struct call *call, const struct preview *preview,
                              struct previewed *out);
MUST_CHECK err worker_fork(struct call *call, str from, str to, struct object *out);
MUST_CHECK err worker_drop(struct call *call, const str *names, size_t n);
MUST_CHECK err worker_check(struct call *call, str sql, struct checked *out);
MUST_CHECK err worker_refresh(struct call *call, const struct refresh *refresh,
                              struct refreshed *out);
MUST_CHECK err worker_rows(struct call *call, const struct rows_ask *ask, struct rows_page *out);
MUST_CHECK err worker_changes(struct call *call, const struct changes_ask *ask,
                              struct rows_page *out);
MUST_CHECK err worker_query(struct call *call, str sql, int64_t limit, struct queried *out);

#endif
