/* Which rows of a table a client asks for, in which order and with which columns, as SQL. */
#ifndef ENGINE_WORKER_SELECTION_H
#define ENGINE_WORKER_SELECTION_H

#include "engine/worker/meta.h"

struct selection {
    struct call *call;
    const struct object *object;
    struct columns types; /* of all columns; as DuckDB says them where that matters */
    struct columns shown; /* those that are asked for, in their order */
    bool hidden;          /* a column has the name of the rows' ids */
    str where, order;     /* SQL; absent: all rows, as they stand */
    str of;               /* what a cursor belongs to */
};

/* 422 invalid_fields naming sort, filter or columns. */
MUST_CHECK err selection_make(struct call *call, const struct meta *meta,
                              const struct rows_ask *ask, struct selection *out);
/* The columns that are shown, as SQL. */
MUST_CHECK err selection_list(const struct selection *selection, str *out);
/* `limit` rows (0: all) from the `from`-th on; `list` is what is selected. */
str selection_sql(const struct selection *selection, str list, int64_t from, int64_t limit);
/* How many rows there are in all. */
MUST_CHECK err selection_count(const struct selection *selection, int64_t *out);

#endif
