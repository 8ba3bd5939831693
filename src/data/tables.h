/* Handlers of tables, and what views share with them. */
#ifndef DATA_TABLES_H
#define DATA_TABLES_H

#include "data/relations.h"

extern const struct field fork_fields[], drop_query_fields[];

err table_create(struct request *rq);
err table_append(struct request *rq);
err table_replace(struct request *rq);
err table_list(struct request *rq);
err table_show(struct request *rq);
err table_fork(struct request *rq);
err table_drop(struct request *rq);

/* Of either kind. */
err relations_reply(struct request *rq, const char *kind, const struct field *fields);
err relation_reply(struct request *rq, const char *kind, const struct field *fields);
err relation_drop(struct request *rq, const char *kind);

#endif
