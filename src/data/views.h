/* Handlers of views. */
#ifndef DATA_VIEWS_H
#define DATA_VIEWS_H

#include "data/relations.h"

extern const struct field view_input_fields[], view_patch_fields[];

err view_create(struct request *rq);
err view_list(struct request *rq);
err view_show(struct request *rq);
err view_patch(struct request *rq);
err view_refresh(struct request *rq);
err view_drop(struct request *rq);

#endif
