/*
 * Paths and queries: a path, and behind a '?' a query, against the program's own routes and the
 * query tables of these. The first byte picks the method.
 *
 * What is decoded, encoded and decoded again is the same; a path is matched as it is with a slash
 * at its end; a query means the same when its escapes are written otherwise.
 */
#include <jansson.h>

#include "accounts/accounts.h"
#include "data/data.h"
#include "fuzz/fuzz.h"
#include "http/asking.h"
#include "http/page.h"
#include "http/routes.h"

#define MEMORY ((size_t)16 << 20)
#define INTO_MAX 1024

static const char *const methods[] = {"GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "x", ""};

static struct arena forever;
static struct routes *routes;
static const struct route_table *tables;

static void routes_once(void)
{
    static struct route_table all[3];
    if (routes)
        return;
    all[0] = (struct route_table){"Accounts", accounts_routes, accounts_route_count, NULL};
    all[1] = (struct route_table){"Data", data_routes, data_route_count, NULL};
    all[2] = (struct route_table){"Events", events_routes, events_route_count, NULL};
    tables = all;
    arena_init(&forever, MEMORY);
    CHECK(!routes_new(&forever, tables, LENGTH(all), &routes));
}

/* The segments encoded, with a slash at the end or without. */
static str path_encode(struct arena *mem, const struct path *path, bool slash)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, MEMORY);
    for (size_t i = 0; i < path->count; i++) {
        buf_char(&text, '/');
        url_print(&text, path->segments[i]);
    }
    if (slash || path->count == 0)
        buf_char(&text, '/');
    return str_copy(mem, buf_str(&text));
}

static bool paths_eq(const struct path *a, const struct path *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (!str_eq(a->segments[i], b->segments[i]))
            return false;
    }
    return a->count == b->count;
}

static void match_check(struct arena *mem, const char *method, const struct path *path,
                        const struct path *again)
{
    struct route_match one, other;
    routes_match(routes, str_of(method), path, &one);
    routes_match(routes, str_of(method), again, &other);
    CHECK(one.route == other.route && one.known == other.known);
    CHECK(strcmp(one.allow, other.allow) == 0 && strlen(one.allow) < ALLOW_MAX);
    if (!one.route)
        return;
    CHECK(one.param_count == other.param_count);
    size_t params = 0;
    for (str rest = str_of(one.route->path); rest.at; str_cut(&rest, '{'))
        params += str_find(rest, '{') >= 0;
    CHECK(one.param_count == params);
    for (size_t i = 0; i < params; i++)
        CHECK(one.params[i].len > 0 && str_eq(one.params[i], other.params[i]));
    (void)mem;
}

static void path_check(struct arena *mem, const char *method, str raw)
{
    struct path path, again;
    err e = path_parse(mem, raw, &path);
    if (e) {
        CHECK(e->status == 400 || e->status == 404);
        return;
    }
    for (size_t i = 0; i < path.count; i++)
        CHECK(str_utf8_ok(path.segments[i]));
    bool whole = path.count < PATH_SEGMENTS_MAX;
    for (int slash = 0; slash < 2; slash++) {
        /* An empty last piece needs its slash to be one at all. */
        if (!slash && path.count && path.segments[path.count - 1].len == 0)
            continue;
        CHECK(!path_parse(mem, path_encode(mem, &path, slash), &again) || !whole);
        CHECK(paths_eq(&path, &again));
        match_check(mem, method, &path, &again);
    }
}

/* Every byte of names and values that is not a plain letter as an escape, in either case. */
static str query_encode(struct arena *mem, str query)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, MEMORY);
    for (bool first = true; query.at; first = false) {
        str pair = str_cut(&query, '&'), name = str_cut(&pair, '='), value;
        buf_add(&text, first ? STR("") : STR("&"));
        buf_add(&text, name);
        if (!pair.at)
            continue;
        buf_char(&text, '=');
        if (!percent_decode(mem, pair, true, &value)) {
            buf_add(&text, pair);
            continue;
        }
        for (size_t i = 0; i < value.len; i++)
            buf_fmt(&text, i & 1 ? "%%%02x" : "%%%02X", (unsigned char)value.at[i]);
    }
    return str_copy(mem, buf_str(&text));
}

static void errors_check(err e)
{
    CHECK(e->status == 422 && e->errors.at);
    json_t *errors = json_loadb(e->errors.at, e->errors.len, 0, NULL);
    CHECK(json_is_object(errors));
    json_decref(errors);
}

static void query_check(struct arena *mem, const struct field *fields, str query)
{
    char one[INTO_MAX] = {0}, other[INTO_MAX] = {0};
    CLEANUP(buf_done) struct buf first;
    CLEANUP(buf_done) struct buf second;
    buf_init(&first, MEMORY);
    buf_init(&second, MEMORY);
    err e = fields_parse_query(mem, fields, query, one);
    err e_other = fields_parse_query(mem, fields, query_encode(mem, query), other);
    CHECK(!e == !e_other);
    if (e) {
        errors_check(e);
        CHECK(str_eq(e->errors, e_other->errors));
        return;
    }
    fields_print(&first, fields, one);
    fields_print(&second, fields, other);
    CHECK(str_eq(buf_str(&first), buf_str(&second)));
}

/* A form has the pairs of a query, without tables. */
static void form_check(struct arena *mem, str form)
{
    struct asking ask = {.rq = {.mem = mem}};
    arena_init(&ask.mem, MEMORY);
    buf_init(&ask.body, MEMORY);
    buf_add(&ask.body, form);
    err e = request_parse_form(&ask);
    CHECK(!e || e->status == 400);
    const struct form_value *values = ask.rq.form.at;
    for (size_t i = 0; !e && i < ask.rq.form.n; i++)
        CHECK(values[i].name.at && values[i].value.at);
    for (size_t i = 0; !e && i < ask.rq.form.n; i++) {
        str name = values[i].name;
        if (str_find(name, '\0') < 0)
            CHECK(request_form(&ask.rq, str_c(mem, name)).at);
    }
    buf_done(&ask.body);
    arena_done(&ask.mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    routes_once();
    const char *method = methods[data[0] % LENGTH(methods)];
    char *copy = exact_copy((str){(const char *)data + 1, size - 1});
    str query = {copy, size - 1}, path = str_cut(&query, '?');
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    path_check(&mem, method, path);
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < tables[i].count; j++) {
            if (tables[i].routes[j].query)
                query_check(&mem, tables[i].routes[j].query, query);
        }
    }
    form_check(&mem, query.at ? query : STR(""));
    CHECK(!arena_failed(&mem) || size > 2000);
    free(copy);
    return 0;
}
