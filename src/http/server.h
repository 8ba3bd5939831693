/* The HTTP server: its loops, listeners, pools and routes. Made, run and stopped by main. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/loop.h"
#include "http/route.h"
#include "http/stream.h"

struct static_file {
    const char *path; /* "/" or "/docs.css" */
    const char *content_type;
    str body;
    str packed;     /* with gzip; absent: packed at the start, if that is worth it */
    bool immutable; /* its path changes with what is in it */
};

struct server_options {
    str listen;
    int64_t port, stream_port; /* stream_port 0: none; port 0: any free one, see server_port */
    str tls_cert, tls_key;     /* PEM files; absent: no TLS */
    str cors_origins;
    size_t loops;   /* 0: one a core */
    size_t workers; /* threads of the quick and of the engine pool, each */
    int64_t upload_max;
    int64_t rate_limit;         /* requests a minute of an anonymous address; 0: off */
    int64_t account_rate_limit; /* of an account; 0: off */
    str trusted_proxies;
    const char *upload_dir; /* exists; swept at start */
    const char *version;
    const struct route_table *tables;
    size_t table_count;
    const struct static_file *files;
    size_t file_count;
    struct store *store;
    struct log *log;
    /* Checks who asks and fills account, session, team; on a worker thread. `ticket` is absent or
     * from the query. */
    err (*authenticate)(struct request *rq, str scheme, str token, str ticket, void *arg);
    void *authenticate_arg;
    /* NULL: ready. Any thread but the loops. */
    err (*ready)(struct arena *mem, void *arg);
    void *ready_arg;
};

/* Checks the options, binds the ports and raises the limit of descriptors; nothing is answered yet.
 */
MUST_CHECK err server_new(struct arena *mem, const struct server_options *options,
                          struct server **out);
MUST_CHECK err server_start(struct server *server, struct arena *mem);
/* The document of /openapi.json, for these tables and the routes that every server has. */
#define OPENAPI_MAX ((size_t)4 << 20)
void server_openapi(struct buf *out, const struct route_table *tables, size_t count,
                    const char *version);
int64_t server_port(const struct server *server);
/*
 * In order: stops accepting, finishes requests, ends streams (with `retry:` so that clients come
 * back soon). False: after `grace_ms` something is left.
 */
bool server_drain(struct server *server, int64_t grace_ms);
/*
 * Drains if that was not done; after `grace_ms` what is left is cut: its handlers know by
 * request.gone, and are waited for. When this returns no thread of the server runs: what is posted
 * to a loop from then on is never run, so stop first who posts.
 */
void server_stop(struct server *server, int64_t grace_ms);
void server_free(struct server *server);

#endif
