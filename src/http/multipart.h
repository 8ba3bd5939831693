/*
 * multipart/form-data (RFC 7578, RFC 2046 5.1) as it arrives: bytes in, parts out.
 *
 * A push parser that keeps no data of its own: what belongs to a part is passed on as it came, as
 * views of the bytes that were fed. It is made in an arena and has nothing to free. One thread at a
 * time. Its errors are 400 malformed_form and 413 form_too_large, and say at which byte of the
 * body. After an error, its own or a callback's, feed no more.
 */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define MULTIPART_BOUNDARY_MAX 70            /* characters, as RFC 2046 has it */
#define MULTIPART_HEADERS_MAX ((size_t)8192) /* bytes of one part's headers */
#define MULTIPART_PARTS_MAX 100
#define MULTIPART_FIELD_MAX ((int64_t)1 << 20) /* bytes of a part that is not a file */
#define MULTIPART_PREAMBLE_MAX ((int64_t)8192) /* bytes before the first boundary */

struct multipart;

/* The texts are good during the call only. */
struct multipart_part {
    str name;     /* of the form field; UTF-8 */
    str filename; /* absent: a field, not a file; may be empty; UTF-8; filename* wins over filename
                   */
    str content_type; /* absent when the part does not say */
};

/* An err that is not NULL stops the parser, which returns it. */
struct multipart_calls {
    err (*begin)(void *arg, const struct multipart_part *part);
    err (*data)(void *arg, str bytes); /* never empty; good during the call only */
    err (*end)(void *arg);             /* of the part */
};

bool multipart_is(str content_type); /* "multipart/form-data", whatever its parameters */
/* `content_type` with its boundary; `calls` and `arg` must outlive the parser. */
MUST_CHECK err multipart_new(struct arena *mem, str content_type,
                             const struct multipart_calls *calls, void *arg,
                             struct multipart **out);
/* The next bytes of the body; errors are made in the arena of multipart_new. */
MUST_CHECK err multipart_feed(struct multipart *m, str bytes);
/* The body has ended: an error unless the closing boundary has come. */
MUST_CHECK err multipart_end(struct multipart *m);

#endif
