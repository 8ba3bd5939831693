/* One call of an engine process: its request, its answer, its limits. */
#ifndef ENGINE_ASK_H
#define ENGINE_ASK_H

#include "engine/messages.h"
#include "engine/roll.h"
#include "engine/supervisor.h"

/* What is asked, and what of it stands on the roll: texts may be absent. */
struct asked {
    enum engine_op op;
    str subject, sql;
    const struct load *load; /* or NULL: is told of progress */
};

/* Begins a request: the wire writes into `frame`, which is the caller's to free (buf_done). */
struct wire ask_begin(struct buf *frame, enum engine_op op);
/*
 * Sends the request and waits for the answer, which `answer` then reads from the ask's arena. Past
 * the ask's limit, without its client or when it is cancelled the call is interrupted, and what
 * can't be interrupted is killed.
 */
MUST_CHECK err ask_run(const struct ask *ask, struct supervisor *supervisor, struct roll *roll,
                       const struct asked *asked, struct buf *frame, struct wire *answer);

#endif
