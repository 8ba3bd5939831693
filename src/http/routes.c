/*
 * A tree of path segments with the routes at its nodes.
 *
 * A literal segment is tried before a {parameter}; when what is below it does not have the method,
 * the parameter is tried too, so that "POST /tables/create" leaves "GET /tables/{name}" a table
 * that is called "create".
 */
#include "http/routes.h"

#include <string.h>

struct row {
    const struct route *route;
    void *context;
    struct row *next;
};

struct node {
    str literal;
    struct node *children; /* with literals */
    struct node *next;     /* of the same parent */
    struct node *param;    /* any segment */
    struct row *rows;
};

struct routes {
    struct node root;
};

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

static bool is_param(str segment)
{
    return segment.len > 2 && segment.at[0] == '{' && segment.at[segment.len - 1] == '}';
}

/* The child for this piece of a route's path, made when it is not there. NULL: no memory. */
static struct node *node_child(struct arena *mem, struct node *node, str segment)
{
    if (is_param(segment)) {
        if (!node->param)
            node->param = NEW(mem, struct node);
        return node->param;
    }
    for (struct node *child = node->children; child; child = child->next) {
        if (str_eq(child->literal, segment))
            return child;
    }
    struct node *child = NEW(mem, struct node);
    if (child) {
        *child = (struct node){.literal = segment, .next = node->children};
        node->children = child;
    }
    return child;
}

static err route_add(struct arena *mem, struct routes *routes, const struct route *route,
                     void *context)
{
    str rest = str_of(route->path);
    str_cut(&rest, '/');
    struct node *node = &routes->root;
    size_t depth = 0;
    while (node && rest.len) {
        node = node_child(mem, node, str_cut(&rest, '/'));
        depth++;
    }
    struct row *row = NEW(mem, struct row);
    if (!row || !node)
        return &err_no_memory;
    if (depth > PATH_SEGMENTS_MAX)
        return err_internal(mem, "route %s: too long", route->path);
    for (struct row *other = node->rows; other; other = other->next) {
        if (strcmp(other->route->method, route->method) == 0)
            return err_internal(mem, "two routes for %s %s", route->method, route->path);
    }
    *row = (struct row){route, context, node->rows};
    node->rows = row;
    return NULL;
}

err routes_new(struct arena *mem, const struct route_table *tables, size_t count,
               struct routes **out)
{
    *out = NEW(mem, struct routes);
    if (!*out)
        return &err_no_memory;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < tables[i].count; j++)
            TRY(route_add(mem, *out, &tables[i].routes[j], tables[i].context));
    }
    return NULL;
}

static err path_bad(struct arena *mem)
{
    return err_new(mem, 400, "bad_path", "The path has an escape or a character that it may not.");
}

err path_parse(struct arena *mem, str raw, struct path *out)
{
    *out = (struct path){0};
    if (!str_starts(raw, STR("/")))
        return path_bad(mem);
    str rest = str_sub(raw, 1, raw.len);
    while (rest.len) {
        str segment = str_cut(&rest, '/');
        if (out->count == PATH_SEGMENTS_MAX)
            return err_new(mem, 404, "not_found", "There is nothing at this path.");
        if (str_find(segment, '%') >= 0 && !percent_decode(mem, segment, false, &segment))
            return arena_failed(mem) ? &err_no_memory : path_bad(mem);
        if (!str_utf8_ok(segment))
            return path_bad(mem);
        out->segments[out->count++] = segment;
    }
    return NULL;
}

/* "GET" also answers HEAD. */
static bool method_fits(const struct route *route, str method)
{
    return str_eq(str_of(route->method), method) ||
           (str_eq(method, STR("HEAD")) && strcmp(route->method, "GET") == 0);
}

struct search {
    str method;
    const struct path *path;
    struct route_match *out;
    unsigned allowed; /* bits of `methods` */
};

static bool rows_search(struct search *search, const struct node *node)
{
    bool options = str_eq(search->method, STR("OPTIONS")); /* is told of all */
    for (const struct row *row = node->rows; row; row = row->next) {
        if (method_fits(row->route, search->method)) {
            search->out->route = row->route;
            search->out->context = row->context;
            if (!options)
                return true;
        }
        for (size_t i = 0; i < LENGTH(methods); i++) {
            if (method_fits(row->route, str_of(methods[i])))
                search->allowed |= 1U << i;
        }
    }
    return search->out->route;
}

static bool node_search(struct search *search, const struct node *node, size_t at, size_t params)
{
    struct route_match *out = search->out;
    if (at == search->path->count) {
        out->param_count = params;
        return rows_search(search, node);
    }
    str segment = search->path->segments[at];
    for (const struct node *child = node->children; child; child = child->next) {
        if (str_eq(child->literal, segment) && node_search(search, child, at + 1, params))
            return true;
    }
    if (!node->param || segment.len == 0)
        return false;
    out->params[params] = segment;
    return node_search(search, node->param, at + 1, params + 1);
}

void routes_match(const struct routes *routes, str method, const struct path *path,
                  struct route_match *out)
{
    *out = (struct route_match){0};
    struct search search = {.method = method, .path = path, .out = out};
    node_search(&search, &routes->root, 0, 0);
    out->known = out->route || search.allowed;
    size_t len = 0;
    for (size_t i = 0; i < LENGTH(methods); i++) {
        if (search.allowed & 1U << i) {
            size_t n = strlen(methods[i]);
            memcpy(out->allow + len, methods[i], n);
            memcpy(out->allow + len + n, ", ", 2);
            len += n + 2;
        }
    }
    if (search.allowed)
        memcpy(out->allow + len, "OPTIONS", sizeof("OPTIONS"));
}

int route_param(const struct route *route, const char *name)
{
    str rest = str_of(route->path);
    for (int i = 0; rest.at;) {
        str segment = str_cut(&rest, '/');
        if (!is_param(segment))
            continue;
        if (str_eq(str_sub(segment, 1, segment.len - 2), str_of(name)))
            return i;
        i++;
    }
    return -1;
}
