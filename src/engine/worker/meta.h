/*
 * What is kept about the team's tables and views, in a schema that their SQL can't name.
 *
 * objects has a row for each; kept has a row for each difference of a view that is still stored;
 * the rows of the differences are in one table a view, made and dropped with it (see changes.h).
 */
#ifndef ENGINE_WORKER_META_H
#define ENGINE_WORKER_META_H

#include "engine/worker/sql.h"

struct meta {
    int64_t id;
    struct object object;
    int64_t floor; /* of a view: differences after this version are kept */
};

/* The names alone, for looking them up. */
MUST_CHECK err meta_names(struct call *call, struct objects *out);
/* Names are one whatever their case, as DuckDB has it. */
MUST_CHECK err meta_find(struct call *call, str name, struct meta *out, bool *found);
/* 404 unknown_table. */
MUST_CHECK err meta_get(struct call *call, str name, struct meta *out);
/* The rows of the table that is there now. */
MUST_CHECK err meta_count(struct call *call, struct object *object);
/* Estimates its bytes from row_count. */
MUST_CHECK err meta_measure(struct call *call, struct object *object);
/* A new one gets its id; otherwise the row of `meta` is changed. */
MUST_CHECK err meta_save(struct call *call, struct meta *meta);
MUST_CHECK err meta_delete(struct call *call, const struct meta *meta);
/* The columns of a table as DuckDB has them. */
MUST_CHECK err meta_columns(struct call *call, str name, struct columns *out);
/* The columns of a table, named as in SQL, with DuckDB's types, which are finer than the names we
 * give them. */
MUST_CHECK err meta_types(struct call *call, str table, struct columns *out);

bool columns_equal(const struct columns *a, const struct columns *b);
/* The column of that name, whatever its case, or -1. */
ptrdiff_t columns_find(const struct columns *columns, str name);

#endif
