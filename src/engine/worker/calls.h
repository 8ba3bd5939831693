/*
 * The calls of an engine process: each comes over a socket of its own and is served by a thread of
 * its own.
 *
 * The main thread takes new sockets from the control socket and watches those that are there: when
 * the server ends its side of one (shutdown or close), what runs there is interrupted, again and
 * again until it has ended. When the control socket ends, so does the process.
 */
#ifndef ENGINE_WORKER_CALLS_H
#define ENGINE_WORKER_CALLS_H

#include "engine/messages.h"
#include "engine/worker/worker.h"

/* Sockets at one time: those of the calls, and as many whose threads have yet to notice that they
 * were closed. */
#define SLOTS_MAX (2 * CALLS_MAX)

struct calls_options {
    duckdb_database database;
    int control;
    int64_t threads;                /* that DuckDB may use, the calling one counted */
    const char *tmp_dir, *log_path; /* the log of the team's file */
    int64_t keep_us, memory_max;
};

/* Runs worker_prepare on `connection`. */
MUST_CHECK err calls_prepare(const struct calls_options *options, duckdb_connection connection,
                             struct arena *mem);
/* Serves until the server has ended the control socket; then the process is to exit. Main thread.
 */
void calls_serve(const struct calls_options *options);

#endif
