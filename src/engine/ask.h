/* One call of an engine process: its request, its answer, its limits. */
#ifndef ENGINE_ASK_H
#define ENGINE_ASK_H

#include "engine/messages.h"
#include "engine/supervisor.h"

/* Begins a request: the wire writes into `frame`, which is the caller's to free (buf_done). */
struct wire ask_begin(struct buf *frame, enum engine_op op);
/*
 * Sends the request and waits for the answer, which `answer` then reads from the ask's arena. Past
 * the ask's limit or without its client the call is interrupted, and what can't be interrupted is
 * killed. `load` (or NULL) is told of progress.
 */
MUST_CHECK err ask_run(const struct ask *ask, struct supervisor *supervisor, enum engine_op op,
                       struct buf *frame, const struct load *load, struct wire *answer);

#endif
