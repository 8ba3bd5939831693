/* From a request's bytes to an operation and back: decodes, runs, encodes. */
#ifndef ENGINE_WORKER_DISPATCH_H
#define ENGINE_WORKER_DISPATCH_H

#include "engine/worker/worker.h"

/* Runs what `body` asks and makes `frame` its answer or its failure. False: the operation failed,
 * or the bytes were wrong. */
bool dispatch(struct call *call, str body, struct buf *frame);

#endif
