/* POST /tables/preview: what a file would become, without keeping anything. */
#ifndef DATA_PREVIEW_H
#define DATA_PREVIEW_H

#include "data/load_input.h"

extern const struct field table_preview_fields[];

err table_preview(struct request *rq);

#endif
