/* What a client sends to be loaded: a file of a form, or rows in JSON. */
#ifndef DATA_UPLOAD_H
#define DATA_UPLOAD_H

#include "data/relations.h"

struct upload_input {
    str table_name;
    struct columns columns; /* n 0: not declared */
    enum load_format format;
    char *path; /* in the team's folder; for the caller to unlink */
    int64_t bytes;
    bool cut; /* of a preview */
};

enum upload_kind { UPLOAD_CREATE, UPLOAD_ROWS, UPLOAD_PREVIEW };

/* The fields that a form or a JSON body may have, for the docs: `create` has table_name. */
extern const struct field upload_create_fields[], upload_rows_fields[], upload_preview_fields[];

/* Reads and checks the request and moves its file to where the engine may read it. */
MUST_CHECK err upload_take(struct request *rq, enum upload_kind kind, struct upload_input *out);
void upload_discard(struct upload_input *input); /* for CLEANUP: unlinks what is still there */

#endif
