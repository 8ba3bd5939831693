/* Loads: a file becomes a table, or rows of one; waited for, or under way with an id to ask after.
 */
#ifndef DATA_LOADS_H
#define DATA_LOADS_H

#include "data/load_input.h"

struct load_record {
    str team, id, table_name, mode, state, error;
    str upload; /* that it is of; absent: none */
    int64_t bytes, bytes_done, rows, row_count, base_version, created, finished;
};

extern const struct field load_fields[], load_query_fields[];

/*
 * Runs the load and replies with the table, or starts it and replies 202 when the client prefers so
 * (RFC 7240). `input` is taken over.
 */
MUST_CHECK err load_reply(struct request *rq, str table_name, enum load_mode mode,
                          struct load_input *input);
/* The mark of a load that is under way, before the engine is asked; and its end. */
MUST_CHECK err load_begin(struct tx *tx, struct load_record *load);
MUST_CHECK err load_end(struct data *data, struct tx *tx, struct load_record *load, err why);
/* How far it is: rows and bytes_done. */
MUST_CHECK err load_progress(struct db *db, const struct load_record *load);
str load_mode_name(enum load_mode mode);
/* What a load was that the server's end cut off. */
err load_interrupted(struct arena *mem);
/* The base_version of a load that waits for its turn: no version is beyond it. */
#define LOAD_WAITS INT64_MAX

err load_show(struct request *rq);
err load_list(struct request *rq);
err load_stop(struct request *rq);

#endif
