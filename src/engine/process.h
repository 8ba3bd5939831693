/*
 * One engine process as the server sees it, and the table of them: the inside of the supervisor.
 *
 * Every function here is called with the supervisor's lock held.
 */
#ifndef ENGINE_PROCESS_H
#define ENGINE_PROCESS_H

#include <pthread.h>

#include "engine/messages.h"
#include "engine/nursery.h"
#include "engine/supervisor.h"

enum process_state {
    PROCESS_STARTING, /* in the table; its first message is waited for */
    PROCESS_READY,    /* in the table; takes calls */
    PROCESS_ENDING, /* in the table, so that no other starts for its team; told to end, or killed */
    PROCESS_ENDED,  /* out of the table; freed with its last reference */
};

struct process {
    struct process *next; /* in the table */
    enum process_state state;
    size_t refs;     /* the table, and each lease and waiter */
    int64_t id, pid; /* the id is never used again, a pid may be */
    char team[TEAM_MAX + 1];
    int control;
    bool heard;          /* its first message has come, or its control socket has ended */
    int idle[CALLS_MAX]; /* call sockets without a call */
    size_t idle_count, calls, waiting;
    bool writing;
    bool worn; /* has too little memory left: ends when no call is under way */
    int64_t started_us, used_us, ending_us; /* steady clock, but for started_us */
    int64_t looked_us, cpu_us; /* while it starts: when it was looked at, and the processor time it
                                  had used then */
    bool kill_sent;
    const char *killed; /* NULL: not by us; else "because ..." */
    bool start_failed;
    struct ready_message ready;
    bool status_known;
    int64_t status; /* as waitpid gives it */
};

#define WATCH_FIRST \
    2 /* entries that the watcher polls beside processes: its bell and the nursery */

struct supervisor {
    struct engine_options options;
    struct nursery_options nursery_options;
    struct nursery nursery;
    int64_t nursery_started_us;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* any change of any process; waited for in short turns */
    pthread_t watcher;
    bool watcher_started, closing;
    atomic_bool interrupted; /* calls end, and no more begin */
    int wake;                /* an eventfd: the watcher looks anew */
    struct pollfd *polls;    /* the watcher's, WATCH_FIRST + processes_max entries, as poll_ids */
    int64_t *poll_ids;
    struct process *processes;
    size_t count;   /* in the table */
    size_t waiting; /* calls that wait for a place in it */
    int64_t next_id;
};

struct process *process_find(struct supervisor *supervisor, str team);
/* Makes the team's folders, the sockets and the entry, and asks the nursery (which it starts when
 * there is none). */
MUST_CHECK err process_start(struct supervisor *supervisor, struct arena *mem, str team);
void process_unref(struct process *process);
/* Asks it to end: it closes its database in order. */
void process_end(struct supervisor *supervisor, struct process *process);
void process_kill(struct supervisor *supervisor, struct process *process, const char *because);
/* It has ended: takes it out of the table. */
void process_ended(struct supervisor *supervisor, struct process *process, bool status_known,
                   int64_t status);
/* A socket for one call; -1: the process does not take it. */
int process_socket(struct process *process);
/* Processor time that a process has used so far; -1: not known. */
int64_t process_cpu_us(int64_t pid);
/* May one more call begin? */
bool process_free_for(const struct process *process, bool writes);
/* The one that has been idle longest; NULL: all are at work. */
struct process *process_idlest(struct supervisor *supervisor);
/* Tells all that wait, the watcher too. */
void supervisor_changed(struct supervisor *supervisor);

/* The watcher's thread; `arg` is the supervisor. */
void *watcher_run(void *arg);

#endif
