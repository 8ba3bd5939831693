/* Rows of tables and views, differences of views, and queries for trying. */
#ifndef DATA_ROWS_H
#define DATA_ROWS_H

#include "data/state.h"

extern const struct field rows_query_fields[], rows_fields[], changes_query_fields[],
    changes_fields[], query_input_fields[], query_fields[];

err table_rows(struct request *rq);
err view_rows(struct request *rq);
err view_changes(struct request *rq);
err query_run(struct request *rq);

#endif
