/*
 * The engine processes: which run, who may call them, when they end.
 *
 * A process is started by the first call of its team. It ends when it has been idle for long, when
 * another team needs its place (the one idle longest goes), when a call ran over its limit and
 * would not be interrupted or has left too little memory for others, or of itself; its team's next
 * call starts a new one, after the old one is gone. A thread of its own, the watcher, hears from
 * the nursery and from processes that start. Everything else is under one lock. Any thread.
 */
#ifndef ENGINE_SUPERVISOR_H
#define ENGINE_SUPERVISOR_H

#include "engine/engine.h"

struct supervisor;
struct process;

/* The right to make one call: a socket to the team's process, non-blocking. */
struct lease {
    struct process *process;
    int fd;
    bool writes;
    bool strained; /* set by the caller: the call went over a limit */
};

/* `teams_dir` and the texts of `options` outlive it. */
MUST_CHECK err supervisor_new(struct arena *mem, const struct engine_options *options,
                              const char *teams_dir, struct supervisor **out);
/* No lease may be out. Ends all processes and waits for them. */
void supervisor_free(struct supervisor *supervisor);

/*
 * Starts the team's process when there is none, and waits for it, for a place among the processes,
 * and for its turn among the team's calls: up to the ask's limit, 30 s at most (503 engine_busy),
 * while the client is there (499 client_gone) and the call is not cancelled (409 query_cancelled).
 */
MUST_CHECK err supervisor_take(struct supervisor *supervisor, const struct ask *ask, bool writes,
                               const atomic_bool *cancelled, struct lease *lease);
/* Ends the lease. `reusable`: its last answer was read to the end, and nothing else was sent or
 * shut down. */
void supervisor_give(struct supervisor *supervisor, struct lease *lease, bool reusable);
/* Ends the process of a lease at once. `because` is a constant that completes "was stopped because
 * ...". */
/* Processor time that the leased process has used so far; -1: not known. */
int64_t supervisor_cpu_us(struct supervisor *supervisor, const struct lease *lease);
void supervisor_kill(struct supervisor *supervisor, const struct lease *lease, const char *because);
/* Of a lease whose socket has ended: waits for the process's end and says how it came. Never NULL.
 */
MUST_CHECK err supervisor_outcome(struct supervisor *supervisor, const struct lease *lease,
                                  struct arena *mem);
/* From now on calls end, and none begins: 503 stopping. */
void supervisor_interrupt(struct supervisor *supervisor);
bool supervisor_interrupted(const struct supervisor *supervisor);
MUST_CHECK err supervisor_stopping(struct arena *mem); /* what such a call is told; never NULL */
MUST_CHECK err supervisor_processes(struct supervisor *supervisor, struct arena *mem,
                                    struct engine_process **out, size_t *n);

#endif
