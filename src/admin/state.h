/* The present of the server: its processes and what they are asked for; and what the files of this
 * room share. */
#ifndef ADMIN_STATE_H
#define ADMIN_STATE_H

#include "admin/admin.h"

struct watch;

struct admin {
    struct admin_options options;
    struct server *server;
    int64_t started; /* wall clock */
    struct watch *watch;
};

struct process_state {
    int64_t pid, started, memory_bytes, calls;
    str team;
};

struct server_state {
    int64_t pid, started, memory_bytes, streams, descriptors, events;
    str version;
};

struct query_state {
    int64_t id, started;
    str team, kind, subject, sql;
    double seconds;
    bool waiting;
};

struct state {
    struct list processes; /* of struct process_state */
    struct server_state server;
    struct list queries; /* of struct query_state */
};

extern const struct field admin_query_fields[], admin_processes_fields[], admin_state_fields[];

/* Of processes and server, of queries, or of all of it: texts live in `mem`. Any thread but the
 * loops'. */
MUST_CHECK err processes_look(struct admin *admin, struct arena *mem, struct state *out);
MUST_CHECK err queries_look(struct admin *admin, struct arena *mem, struct state *out);
MUST_CHECK err state_look(struct admin *admin, struct arena *mem, struct state *out);

#endif
