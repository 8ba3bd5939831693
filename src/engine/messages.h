/*
 * What goes over the wire: each struct of engine.h described once, for both directions (see
 * wire.h).
 *
 * A message is read into a zeroed struct. What is read is only as true as its sender: the server
 * takes no length, path or count from an engine process on trust.
 */
#ifndef ENGINE_MESSAGES_H
#define ENGINE_MESSAGES_H

#include "engine/engine.h"
#include "engine/wire.h"

enum engine_op {
    OP_OBJECTS,
    OP_LOAD,
    OP_FORK,
    OP_DROP,
    OP_CHECK,
    OP_REFRESH,
    OP_ROWS,
    OP_CHANGES,
    OP_QUERY,
    OP_PREVIEW,
    OP_LAST = OP_PREVIEW,
};

/* Calls that one process works on at a time. */
#define CALLS_MAX 9

/* Does it change anything? Such calls of one team run one after another. */
bool engine_op_writes(enum engine_op op);
const char *engine_op_name(enum engine_op op);

/* What the operations are asked. */
struct forking {
    str from, to;
};

struct dropping {
    str *names;
    size_t n;
};

struct querying {
    str sql;
    int64_t limit;
};

struct loaded {
    struct object table;
    int64_t rows_added;
};

void message_op(struct wire *w, enum engine_op *op);
void message_err(struct wire *w, struct err *e);
void message_load(struct wire *w, struct load *load); /* `progress` stays here */
void message_progress(struct wire *w, struct progress *progress);
void message_loaded(struct wire *w, struct loaded *loaded);
void message_preview(struct wire *w, struct preview *preview);
void message_previewed(struct wire *w, struct previewed *previewed);
void message_forking(struct wire *w, struct forking *forking);
void message_dropping(struct wire *w, struct dropping *dropping);
void message_querying(struct wire *w, struct querying *querying);
void message_object(struct wire *w, struct object *object);
void message_objects(struct wire *w, struct objects *objects);
void message_checked(struct wire *w, struct checked *checked);
void message_refresh(struct wire *w, struct refresh *refresh);
void message_refreshed(struct wire *w, struct refreshed *refreshed);
void message_rows_ask(struct wire *w, struct rows_ask *ask);
void message_changes_ask(struct wire *w, struct changes_ask *ask);
void message_rows_page(struct wire *w, struct rows_page *page);
void message_queried(struct wire *w, struct queried *queried);

/* What the nursery is asked and says (SOCK_SEQPACKET, one message each, fixed sizes: plain
 * structs). */
#define TEAM_MAX 36 /* a UUID */

enum nursery_kind {
    NURSERY_HELLO = 1, /* from it: `missing` says which walls this kernel does not have */
    NURSERY_START,     /* to it, with the process's end of the control socket */
    NURSERY_STARTED,   /* from it: `pid`, or -1 and `status` is the errno */
    NURSERY_KILL,      /* to it */
    NURSERY_ENDED,     /* from it: `status` as waitpid gives it */
};

#define MISSING_LANDLOCK 1
#define MISSING_SECCOMP 2

struct nursery_message {
    int32_t kind;
    uint32_t missing;
    int64_t id; /* of the process: the server's own number, never used twice */
    int64_t pid;
    int64_t status;
    char team[TEAM_MAX + 1];
};

/* The first message of an engine process on its control socket: `ok`, or why it could not start. */
struct ready_message {
    int32_t ok, status;
    char code[64];
    char detail[512];
    char inside[1024];
};

#endif
