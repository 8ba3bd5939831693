/* From a head to a route: path, static files, preflights, the limits of rate and size. */
#include "http/plan.h"

#include "http/accept.h"
#include "http/multipart.h"
#include "http/origins.h"
#include "http/statics.h"

static bool method_is(const struct asking *ask, str method)
{
    return str_eq(ask->rq.method, method);
}

static bool method_reads(const struct asking *ask)
{
    return method_is(ask, STR("GET")) || method_is(ask, STR("HEAD"));
}

/* "/a/b": decoded, and without a slash at the end. */
static str path_join(struct arena *mem, const struct path *path)
{
    size_t len = 1;
    for (size_t i = 0; i < path->count; i++)
        len += path->segments[i].len + 1;
    CLEANUP(buf_done) struct buf joined;
    buf_init(&joined, len);
    for (size_t i = 0; i < path->count; i++) {
        buf_char(&joined, '/');
        buf_add(&joined, path->segments[i]);
    }
    return path->count ? str_copy(mem, buf_str(&joined)) : STR("/");
}

static bool is_preflight(const struct asking *ask)
{
    return asking_header(ask, STR("origin")).at &&
           asking_header(ask, STR("access-control-request-method")).at;
}

static void plan_options(struct exchange *exchange, str allow)
{
    struct asking *ask = exchange->ask;
    struct request *rq = &ask->rq;
    reply_frame(ask, 204, NULL, NULL);
    reply_header(rq, "Allow", allow);
    str origin = asking_header(ask, STR("origin"));
    if (!is_preflight(ask) || !origins_allow(exchange->loop->server->origins, origin))
        return;
    reply_header(rq, "Access-Control-Allow-Methods", allow);
    reply_header(rq,
                 "Access-Control-Allow-Headers",
                 STR("Authorization, Content-Type, Accept, Last-Event-ID, Prefer, If-None-Match, "
                     "Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset"));
    reply_header(rq, "Access-Control-Max-Age", STR("600"));
}

static void plan_no_method(struct asking *ask, str allow)
{
    err e = err_new(&ask->mem,
                    405,
                    "method_not_allowed",
                    "This path does not take %.*s, but: %.*s.",
                    STR_ARGS(ask->rq.method),
                    STR_ARGS(allow));
    reply_err(ask, e);
    reply_header(&ask->rq, "Allow", allow);
}

/* A browser gets the console, a program the docs. */
static void plan_root(struct exchange *exchange)
{
    static const char *const offers[] = {"application/json", "text/html", NULL};
    struct asking *ask = exchange->ask;
    const struct static_entry *page = statics_find(exchange->loop->server->statics, STR("/"));
    if (page && accept_best(asking_header(ask, STR("accept")), offers) == 1) {
        reply_static(ask, page);
        return;
    }
    reply_frame(ask, 302, NULL, NULL);
    reply_header(&ask->rq, "Location", STR("/docs"));
}

/* True when the path is a file's (or the root): answered, unless a route has the method. */
static bool plan_static(struct exchange *exchange)
{
    static const str allow = {"GET, HEAD, OPTIONS", 18};
    struct asking *ask = exchange->ask;
    const struct static_entry *entry = statics_find(exchange->loop->server->statics, ask->rq.path);
    bool root = str_eq(ask->rq.path, STR("/"));
    if (!entry && !root)
        return false;
    if (method_is(ask, STR("OPTIONS")))
        plan_options(exchange, allow);
    else if (!method_reads(ask))
        plan_no_method(ask, allow);
    else if (root)
        plan_root(exchange);
    else
        reply_static(ask, entry);
    return true;
}

static bool type_is_json(str type)
{
    str kind = str_trim(str_cut(&type, ';'));
    return str_eq_nocase(kind, STR("application/json")) ||
           (str_starts(kind, STR("application/")) && str_ends(kind, STR("+json")));
}

static err type_refused(struct asking *ask, const char *wanted)
{
    return err_new(&ask->mem, 415, "unsupported_media_type", "The body must be %s.", wanted);
}

static err body_limit(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    str type = asking_header(ask, STR("content-type"));
    switch (ask->match.route->body) {
    case BODY_NONE:
        ask->body_max = 0;
        return NULL;
    case BODY_JSON:
        ask->body_max =
            (int64_t)(ask->match.route->right == RIGHT_ANYONE ? STRANGER_BODY_MAX : JSON_BODY_MAX);
        return type.at && !type_is_json(type) ? type_refused(ask, "application/json") : NULL;
    case BODY_FILE:
        ask->body_max = exchange->loop->server->options.upload_max;
        return str_eq_nocase(type, str_of(ask->match.route->media_in))
                   ? NULL
                   : type_refused(ask, ask->match.route->media_in);
    case BODY_UPLOAD:
        break;
    }
    ask->body_max = (int64_t)JSON_BODY_MAX;
    if (multipart_is(type))
        ask->body_max = exchange->loop->server->options.upload_max + UPLOAD_FORM_MAX;
    else if (type_is_json(type))
        ask->body_max = (int64_t)UPLOAD_JSON_MAX;
    else if (!str_starts(type, STR("application/x-www-form-urlencoded")))
        return type_refused(ask, "multipart/form-data or application/json");
    return NULL;
}

static err plan_body(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    if (ask->body_size == 0)
        return NULL;
    TRY(body_limit(exchange));
    buf_init(&ask->body,
             (size_t)(ask->body_max < (int64_t)UPLOAD_JSON_MAX ? ask->body_max
                                                               : (int64_t)UPLOAD_JSON_MAX));
    if (ask->body_size > ask->body_max)
        return ask->body_max == 0
                   ? err_new(&ask->mem, 413, "body_not_allowed", "This request takes no body.")
                   : err_new(&ask->mem,
                             413,
                             "body_too_large",
                             "The body may have at most %lld bytes.",
                             (long long)ask->body_max);
    return NULL;
}

bool plan_spools(const struct asking *ask)
{
    enum route_body body = ask->match.route->body;
    return ask->body_size != 0 &&
           (body == BODY_FILE ||
            (body == BODY_UPLOAD && multipart_is(asking_header(ask, STR("content-type")))));
}

static err plan_rate(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    struct server *server = exchange->loop->server;
    if (ask->match.route->right != RIGHT_ANYONE || ask->match.context == server)
        return NULL;
    char key[LIMIT_ADDRESS];
    return asking_rate(ask,
                       limit_address(ask->rq.address, key),
                       server->options.rate_limit,
                       "Too many requests from this address.");
}

static err plan_route(struct exchange *exchange, const struct path *path)
{
    struct asking *ask = exchange->ask;
    struct route_match *match = &ask->match;
    routes_match(exchange->loop->server->routes, ask->rq.method, path, match);
    if (match->known && method_is(ask, STR("OPTIONS"))) {
        str allow = str_copy(&ask->mem, str_of(match->allow));
        if (!match->route || is_preflight(ask)) {
            plan_options(exchange, allow);
            return NULL;
        }
        reply_header(&ask->rq, "Allow", allow);
    }
    if (!match->route && match->known) {
        plan_no_method(ask, str_copy(&ask->mem, str_of(match->allow)));
        return NULL;
    }
    if (!match->route)
        return err_new(&ask->mem, 404, "not_found", "There is nothing at this path.");
    ask->rq.route = match->route;
    ask->rq.context = match->context;
    TRY(plan_rate(exchange));
    return plan_body(exchange);
}

void exchange_plan(struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    if (str_eq(ask->rq.path, STR("*")) && method_is(ask, STR("OPTIONS"))) {
        plan_options(exchange, STR("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        return;
    }
    struct path path;
    err e = path_parse(&ask->mem, ask->rq.path, &path);
    if (!e) {
        ask->rq.path = path_join(&ask->mem, &path);
        e = arena_failed(&ask->mem) || !ask->rq.path.at ? &err_no_memory : NULL;
    }
    if (!e) {
        if (plan_static(exchange))
            return;
        e = plan_route(exchange, &path);
    }
    if (e)
        reply_err(ask, e);
}
