/*
 * A request as a handler sees it, and the answers it can give.
 *
 * A handler runs on a thread of a pool, as straight-line C that may block: parse, check, act,
 * reply. It returns NULL after exactly one reply_...(), or the err that http/ turns into a
 * problem+json answer (RFC 9457) and a log line. All memory comes from rq->mem, which lives until
 * the answer is sent.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/log.h"
#include "base/str.h"
#include "store/store.h"

struct route;
struct exchange; /* the connection's side of it: http/exchange.h, for http/ alone */

struct upload {
    str name;     /* of the form field */
    str filename; /* as the client said it; never used as a path */
    str content_type;
    char *path; /* temporary file; unlinked when the request ends, unless moved away */
    int64_t size;
};

struct request {
    struct arena *mem;
    struct db *db; /* the store in this request's memory, in the name of this request's account */
    struct log *log;
    void *context; /* of the route: the domain's own struct */
    const struct route *route;
    int64_t now;             /* when the request was accepted (microseconds) */
    str id;                  /* of the request: in the log and in the answer's X-Request-Id */
    str method, path, query; /* path is decoded and has no trailing slash; query is raw */
    str address;             /* the client's, text */
    str body;                /* of a JSON route; absent when the route takes a form */
    struct list form; /* of struct form_value: the fields of a multipart or urlencoded form that are
                         not files */
    struct list uploads; /* of struct upload; of a BODY_FILE one, or none when the body is empty */

    /* Filled by the authenticator before the handler runs; absent on a route anyone may call. */
    str account, session, team;
    bool superuser;

    const atomic_bool *gone; /* set when the client has left: long work may stop */
    struct exchange *exchange;
};

struct form_value {
    str name, value;
};

/* A parameter of the path: {name}. Never absent for a name the route has. Decoded. */
str request_path(const struct request *rq, const char *name);
/* A header by its lower-case name; absent when it was not sent; repeated ones are joined with ", ".
 */
str request_header(const struct request *rq, const char *name);
/* The body through the route's own table; also a JSON object from an empty body when no field is
 * required. */
MUST_CHECK err request_body(struct request *rq, const struct field *fields, void *into);
/* Of a route that takes no fields: its body is empty or {}. */
MUST_CHECK err request_nothing(struct request *rq);
extern const struct field no_fields[];
MUST_CHECK err request_query(struct request *rq, const struct field *fields, void *into);
/* The same of the headers that are named in `fields`, such as "Upload-Offset"; 422 invalid_fields.
 */
MUST_CHECK err request_headers(struct request *rq, const struct field *fields, void *into);
/* A field of the form; absent when it was not sent. */
str request_form(const struct request *rq, const char *name);
/* The best of `offers` (NULL-ended media types, the first is the default) by Accept (RFC
 * 9110 12.5.1); -1: none. */
int request_accepts(const struct request *rq, const char *const *offers);

/* Headers of the answer, beside those http/ sets. Before the reply. Texts are kept by reference. */
void reply_header(struct request *rq, const char *name, str value);
/* Those given so far stand also in a refusal that comes after them. */
void reply_headers_keep(struct request *rq);
MUST_CHECK err reply_json(struct request *rq, int status, const struct field *fields,
                          const void *from);
/* An object with one more field in front; `value` is JSON. */
MUST_CHECK err reply_json_and(struct request *rq, int status, const char *name, str value,
                              const struct field *fields, const void *from);
/* JSON text made by the handler; takes the contents of `json` over and leaves it empty. */
MUST_CHECK err reply_json_text(struct request *rq, int status, struct buf *json);
/* Any type; takes `body` over. */
MUST_CHECK err reply_bytes(struct request *rq, int status, const char *content_type,
                           struct buf *body);
/* {"data": [...], "links": {"next", "prev"}}; an absent link is null. */
MUST_CHECK err reply_list(struct request *rq, const struct field *fields, size_t size,
                          struct list list, str next, str prev);
MUST_CHECK err reply_empty(struct request *rq, int status);
/* Streams the file from its start to its end and unlinks `path` at once (it stays open). */
MUST_CHECK err reply_file(struct request *rq, int status, const char *content_type,
                          const char *path);
MUST_CHECK err reply_redirect(struct request *rq, int status, str location);

#endif
