/* Which row of the route tables answers a method and a path. Made once, read by every loop. */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

#include "http/route.h"

#define PATH_SEGMENTS_MAX 16
#define ALLOW_MAX 64

struct routes;

/* The pieces of a path between its slashes, decoded; a slash at the end makes no piece. */
struct path {
    str segments[PATH_SEGMENTS_MAX];
    size_t count;
};

struct route_match {
    const struct route *route; /* NULL: none has this path and method */
    void *context;
    bool known; /* some route has this path; `allow` says which methods */
    char allow[ALLOW_MAX];
    str params[PATH_SEGMENTS_MAX]; /* values of the {names}, in order */
    size_t param_count;
};

/* Refuses two rows for the same method and path. */
MUST_CHECK err routes_new(struct arena *mem, const struct route_table *tables, size_t count,
                          struct routes **out);
/* A path as it came, without its query: 400 bad_path. */
MUST_CHECK err path_parse(struct arena *mem, str raw, struct path *out);
void routes_match(const struct routes *routes, str method, const struct path *path,
                  struct route_match *out);
/* The place of {name} among the parameters of a route's path; -1: it has none. */
int route_param(const struct route *route, const char *name);

#endif
