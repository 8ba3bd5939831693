/* The filter of the log's routes: ?type=, which may be repeated. For events/ alone. */
#ifndef EVENTS_TYPES_H
#define EVENTS_TYPES_H

#include "events/feeds.h"

#define TYPE_BYTES_MAX 64

/* At most LOG_TYPES_MAX, each of lower-case letters, digits, '.', '-' and '_'. Sorts them and drops
 * repeats. */
MUST_CHECK err types_check(struct arena *mem, struct strs *types);

err event_list(struct request *rq);   /* list.c */
err event_listen(struct request *rq); /* listen.c */
extern const struct field event_list_query[], event_listen_query[];

#endif
