/* Which route answers what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/routes.h"

static err run(struct request *rq)
{
    (void)rq;
    return NULL;
}

static int context;

#define ROW(method_, path_)                          \
    {                                                \
        .method = method_, .path = path_, .run = run \
    }

static const struct route rows[] = {
    ROW("GET", "/tables"),
    ROW("POST", "/tables"),
    ROW("POST", "/tables/create"),
    ROW("GET", "/tables/{name}"),
    ROW("DELETE", "/tables/{name}"),
    ROW("GET", "/tables/{name}/rows"),
    ROW("GET", "/teams/{team}/tables/{name}"),
    ROW("GET", "/"),
};

static const struct route_table table = {"t", rows, LENGTH(rows), &context};

struct fixture {
    struct arena mem;
    struct routes *routes;
};

static int setup(void **state)
{
    static struct fixture fixture;
    arena_init(&fixture.mem, 1 << 20);
    *state = &fixture;
    return routes_new(&fixture.mem, &table, 1, &fixture.routes) ? -1 : 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->mem);
    return 0;
}

static struct route_match match(struct fixture *fixture, const char *method, const char *raw)
{
    struct path path;
    struct route_match found = {0};
    assert_null(path_parse(&fixture->mem, str_of(raw), &path));
    routes_match(fixture->routes, str_of(method), &path, &found);
    return found;
}

static void matches(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *method, *path;
        int row; /* -1: none */
    } cases[] = {
        {"GET", "/tables", 0},
        {"GET", "/tables/", 0},
        {"HEAD", "/tables", 0},
        {"POST", "/tables/", 1},
        {"POST", "/tables/create", 2},
        {"POST", "/tables/create/", 2},
        {"GET", "/tables/create", 3},
        {"GET", "/tables/a%20b", 3},
        {"DELETE", "/tables/create", 4},
        {"GET", "/tables/create/rows/", 5},
        {"GET", "/teams/1/tables/x", 6},
        {"GET", "/", 7},
        {"GET", "/tables//", -1},
        {"GET", "//tables", -1},
        {"GET", "/tables/a/rows/b", -1},
        {"GET", "/Tables", -1},
        {"PUT", "/tables", -1},
        {"get", "/tables", -1},
        {"HEAD", "/tables/create/x", -1},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct route_match found = match(fixture, cases[i].method, cases[i].path);
        const struct route *wanted = cases[i].row < 0 ? NULL : &rows[cases[i].row];
        if (found.route != wanted)
            fail_msg("%s %s", cases[i].method, cases[i].path);
        assert_ptr_equal(found.context, wanted ? &context : NULL);
    }
}

static void names_parameters(void **state)
{
    struct fixture *fixture = *state;
    struct route_match found = match(fixture, "GET", "/teams/a%2Fb/tables/%C3%A9");
    assert_int_equal(found.param_count, 2);
    assert_true(str_eq(found.params[0], STR("a/b")));
    assert_true(str_eq(found.params[1], STR("\xC3\xA9")));
    assert_int_equal(route_param(found.route, "team"), 0);
    assert_int_equal(route_param(found.route, "name"), 1);
    assert_int_equal(route_param(found.route, "nam"), -1);
}

static void tells_allowed(void **state)
{
    struct fixture *fixture = *state;
    struct route_match found = match(fixture, "PUT", "/tables/create");
    assert_true(found.known);
    assert_string_equal(found.allow, "GET, HEAD, POST, DELETE, OPTIONS");
    assert_false(match(fixture, "GET", "/views").known);
}

static void refuses_bad_paths(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *path;
        int status;
    } cases[] = {{"", 400},
                 {"tables", 400},
                 {"/%", 400},
                 {"/%4", 400},
                 {"/%00", 400},
                 {"/%ff", 400},
                 {"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", 404}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct path path;
        err e = path_parse(&fixture->mem, str_of(cases[i].path), &path);
        if (!e || e->status != cases[i].status)
            fail_msg("%s", cases[i].path);
    }
}

static void refuses_doubles(void **state)
{
    struct fixture *fixture = *state;
    static const struct route doubled[] = {ROW("GET", "/a/{x}"), ROW("GET", "/a/{y}")};
    const struct route_table bad = {"t", doubled, LENGTH(doubled), NULL};
    struct routes *routes;
    assert_non_null(routes_new(&fixture->mem, &bad, 1, &routes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(names_parameters),
        cmocka_unit_test(tells_allowed),
        cmocka_unit_test(refuses_bad_paths),
        cmocka_unit_test(refuses_doubles),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
