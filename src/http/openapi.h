/*
 * What the routes say of themselves: the OpenAPI 3.1 document and the docs page, printed from the
 * route and field tables.
 *
 * Both are the same for every request: print them once and keep them. A failed `out` (see struct
 * buf) is the only error.
 */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include "http/route.h"

/* A JSON text; serve it as application/json. 1 MB is room enough for a few hundred routes. */
void openapi_print(struct buf *out, const struct route_table *tables, size_t count,
                   const char *version);
/* An HTML page: no scripts, nothing from elsewhere, and its style in a file beside it. */
#define DOCS_STYLE_PATH "/docs.css"
extern const char docs_style[];
void docs_print(struct buf *out, const struct route_table *tables, size_t count,
                const char *version);

#endif
