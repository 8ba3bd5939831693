/* A team's process: what the nursery's child becomes. */
#ifndef ENGINE_WORKER_CHILD_H
#define ENGINE_WORKER_CHILD_H

#include <duckdb.h>
#include <stdint.h>

struct settings {
    const char *teams_dir; /* absolute */
    int64_t memory_max, keep_us, threads;
};

/* The in-memory instance that a child inherits. */
struct instance {
    duckdb_database database;
    duckdb_connection connection;
};

/*
 * Shuts itself in, attaches the team's file, tells the server that it is ready (or why not) and
 * serves its calls until the server ends `control`. `parent` is the nursery's pid: the process does
 * not outlive it.
 */
_Noreturn void child_run(const struct settings *settings, struct instance *instance,
                         const char *team, int control, int64_t parent);

#endif
