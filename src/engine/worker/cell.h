/*
 * One value of a DuckDB vector as text or as JSON.
 *
 * Numbers that a JSON number can't hold exactly (beyond 2^53, numeric) are strings, as are NaN and
 * the infinities. Times are ISO 8601, those with a zone in UTC with a Z. A blob is base64. Lists,
 * structs and maps are JSON.
 */
#ifndef ENGINE_WORKER_CELL_H
#define ENGINE_WORKER_CELL_H

#include "engine/worker/worker.h"

/* What a type is made of, worked out once a column. */
struct shape {
    duckdb_type id, inside; /* inside: how a decimal or an enum is stored */
    bool is_json;
    uint8_t scale;
    idx_t size;             /* of an array */
    struct shape *children; /* of a list, array, struct, map, union */
    str *names;             /* of a struct's or union's members, of an enum's values */
    size_t n;
};

/* False: a type that has no text, or no memory (then the arena has failed). */
bool shape_read(struct arena *mem, duckdb_logical_type type, struct shape *out);

bool cell_is_null(duckdb_vector vector, idx_t row);
void cell_json(struct buf *out, const struct shape *shape, duckdb_vector vector, idx_t row);
/* As it stands in a CSV file, without quotes; nothing for NULL. */
void cell_text(struct buf *out, const struct shape *shape, duckdb_vector vector, idx_t row);

#endif
