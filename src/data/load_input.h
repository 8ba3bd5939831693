/* What a client gives to be loaded: a file of a form, an upload that is there, or rows in JSON. */
#ifndef DATA_LOAD_INPUT_H
#define DATA_LOAD_INPUT_H

#include "data/relations.h"

struct load_input {
    str table_name;
    struct columns columns; /* n 0: not declared */
    enum load_format format;
    char *path; /* in the team's folder; for the caller to unlink */
    int64_t bytes;
    str upload; /* whose file it is; absent: came with the request */
    bool cut;   /* of a preview */
};

enum load_input_kind { INPUT_CREATE, INPUT_ROWS, INPUT_PREVIEW };

/* The fields that a form or a JSON body may have, for the docs: `create` has table_name. */
extern const struct field input_create_fields[], input_rows_fields[], input_preview_fields[];

/* Reads and checks the request and moves its file to where the engine may read it. */
MUST_CHECK err load_input_take(struct request *rq, enum load_input_kind kind,
                               struct load_input *out);
void load_input_discard(struct load_input *input); /* for CLEANUP: unlinks what is still there */

#endif
