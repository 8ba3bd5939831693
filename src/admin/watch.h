/*
 * The watch: tells listeners what the present is, and each line of the log.
 *
 * It looks only while somebody listens: its thread, which the first listener starts, is asleep when
 * there is none. Every LINES_MS it takes the new lines of the log, and every LOOK_US (or more
 * seldom, when there are many processes to look at) it looks at the server; what it has to say is a
 * frame that all listeners share.
 */
#ifndef ADMIN_WATCH_H
#define ADMIN_WATCH_H

#include "admin/state.h"

struct listener;

struct watch *watch_new(struct admin *admin); /* NULL: no memory */
void watch_stop(struct watch *watch);         /* nothing is posted to a loop any more */
void watch_free(struct watch *watch);         /* no stream may be left; NULL is fine */
/* The reply of a handler. */
MUST_CHECK err reply_watch(struct request *rq, struct watch *watch);

/* For listeners. */
void watch_lock(struct watch *watch);
void watch_unlock(struct watch *watch);
/* On its loop. False: nothing can be told. */
bool watch_join(struct watch *watch, struct listener *listener);

#endif
