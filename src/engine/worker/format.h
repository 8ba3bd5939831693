/* The rows of an answer as JSON objects by column name, or as lines of CSV (RFC 4180). */
#ifndef ENGINE_WORKER_FORMAT_H
#define ENGINE_WORKER_FORMAT_H

#include "engine/worker/cell.h"
#include "engine/worker/sql.h"

struct format {
    size_t first, n; /* columns of the answer, from `first` on */
    struct shape *shapes;
    str *names;
    str *keys; /* "name": as JSON, with the comma that stands before all but the first */
};

/*
 * For the columns of `result` from `first` on, under `names` (NULL: their own). 422 when a column's
 * type has no text.
 */
MUST_CHECK err format_open(struct call *call, duckdb_result *result, size_t first,
                           const struct columns *names, struct format *out);
void format_json(struct buf *out, const struct format *format, duckdb_data_chunk chunk, idx_t row);
void format_csv_head(struct buf *out, const struct format *format);
void format_csv(struct buf *out, const struct format *format, duckdb_data_chunk chunk, idx_t row);

#endif
