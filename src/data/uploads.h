/*
 * Uploads: files that come in pieces, so that what has come is not sent again. They are made, asked
 * after and continued as tus 1.0.0 has it (https://tus.io/protocols/resumable-upload), with its
 * extensions creation, termination and expiration; then a load names one in the place of a file.
 *
 * What has been answered is on disk. An upload is loaded once: the load that succeeds ends it.
 */
#ifndef DATA_UPLOADS_H
#define DATA_UPLOADS_H

#include "data/state.h"

struct upload_record {
    str team, id, filename;
    int64_t bytes, bytes_done, created, expires_at;
};

extern const struct field upload_fields[], upload_create_headers[], upload_append_headers[];

/* A second name for the whole file, at `to`: it is good also when the upload ends meanwhile. */
MUST_CHECK err upload_lend(struct request *rq, str id, const char *to, int64_t *bytes);
/* In the transaction that begins its load: it is there, and nothing else loads it. */
MUST_CHECK err upload_claim(struct tx *tx, str team, str id);
/* In the transaction in which its load succeeds. */
MUST_CHECK err upload_loaded(struct data *data, struct tx *tx, str team, str id);
/* Ends those that nobody has continued for a day. */
MUST_CHECK err uploads_trim(struct data *data, struct db *db);
/* At start: removes files without a record. */
MUST_CHECK err uploads_sweep(struct data *data, struct arena *mem);

err upload_options(struct request *rq);
err upload_create(struct request *rq);
err upload_list(struct request *rq);
err upload_show(struct request *rq);
err upload_append_check(struct request *rq);
err upload_append(struct request *rq);
err upload_drop(struct request *rq);

#endif
