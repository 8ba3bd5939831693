/*
 * Routes: a row of a table says who may call what, how large it may be, and where it runs. Handlers
 * hold none of it.
 *
 * The same rows print /openapi.json and the docs page, and the tests walk them.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/request.h"

enum right {
    RIGHT_ANYONE,    /* no token looked at */
    RIGHT_MEMBER,    /* a valid access token; rq->team is the caller's team */
    RIGHT_LISTENER,  /* a valid access token, or a single-use ?ticket= for this very path */
    RIGHT_SUPERUSER, /* a valid access token of a superuser */
    RIGHT_SUPERUSER_LISTENER, /* the same, or a single-use ?ticket= of one for this very path */
};

enum route_body {
    BODY_NONE,   /* a body that is not empty is refused: 413 */
    BODY_JSON,   /* application/json, held in memory, at most 1 MB */
    BODY_UPLOAD, /* multipart/form-data streamed to files of up to UPLOAD_MAX, or JSON of up to 16
                    MB in memory */
    BODY_FILE, /* of `media_in`, streamed to one file of up to UPLOAD_MAX. Also what came of a body
                  that broke off is given to the handler: rq->gone is set then, and its reply goes
                  nowhere */
};

enum route_pool {
    POOL_QUICK,    /* the store only */
    POOL_PASSWORD, /* hashes passwords */
    POOL_ENGINE,   /* asks the engine */
};

typedef err handler(struct request *rq);

struct route {
    const char *method; /* "GET" also answers HEAD; "OPTIONS" only what is no preflight of CORS */
    const char
        *path; /* "/jobs/{id}/runs"; without a trailing slash; matched with and without one */
    handler *run;
    enum right right;
    enum route_body body;
    enum route_pool pool;
    const struct field *input;   /* of the JSON body or the form, or NULL */
    const struct field *query;   /* or NULL */
    const struct field *headers; /* of the request, that the handler reads; or NULL */
    const char *media_in;        /* of BODY_FILE: the one type that it takes */
    handler *check;              /* of BODY_FILE: what can be refused before the body is read */
    const struct field *output;  /* of one object, or of an item of the list, or NULL */
    bool list;                   /* the answer is {"data": [...], "links"} */
    bool stream;                 /* the answer is text/event-stream */
    bool present;                /* of a stream: it has no ids, and nothing to resume */
    int status;                  /* of success */
    const char *const *media;    /* types that the answer has besides JSON, NULL-ended, or NULL */
    const struct field *later;   /* of the 202 that Prefer: respond-async gets, or NULL */
    const char *help;            /* one line */
};

struct route_table {
    const char *tag; /* for the docs: "Tables" */
    const struct route *routes;
    size_t count;
    void *context; /* rq->context */
};

#endif
