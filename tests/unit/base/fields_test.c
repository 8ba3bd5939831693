/* Field tables: what parses, what is refused and how it is said, and what is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/fields.h"

struct part {
    str name;
    int64_t size;
};

static const struct field part_fields[] = {
    FIELD(struct part, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 8),
    FIELD(struct part, size, FIELD_INT, .min = 0, .max = 10),
    FIELD_LAST,
};

struct thing {
    str title;
    int64_t count, at;
    double ratio;
    bool open, count_given;
    struct strs tags;
    struct ints ids;
    struct list parts;
    str raw;
};

static const struct field thing_fields[] = {
    FIELD(struct thing, title, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct thing, count, FIELD_INT, .flags = FIELD_LENIENT,
          .given = offsetof(struct thing, count_given)),
    FIELD(struct thing, at, FIELD_TIME),
    FIELD(struct thing, ratio, FIELD_REAL),
    FIELD(struct thing, open, FIELD_BOOL),
    FIELD(struct thing, tags, FIELD_STRS),
    FIELD(struct thing, ids, FIELD_INTS, .flags = FIELD_LENIENT),
    FIELD(struct thing, parts, FIELD_LIST, .of = part_fields, .of_size = sizeof(struct part),
          .max = 3),
    FIELD(struct thing, raw, FIELD_JSON),
    FIELD_LAST,
};

static struct arena mem;

static int setup(void **state)
{
    (void)state;
    arena_init(&mem, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&mem);
    return 0;
}

static void parses_and_prints_back(void **state)
{
    (void)state;
    struct thing thing = {0};
    err e = fields_parse(
        &mem,
        thing_fields,
        STR("{\"title\": \"a\\u00e4\\n\\\"\", \"count\": \"42\", \"at\": "
            "\"2026-11-21T11:02:03.5+01:00\","
            " \"ratio\": 0.1, \"open\": true, \"tags\": [\"x\", \"y\"], \"ids\": [1, \"2\"],"
            " \"parts\": [{\"name\": \"p\", \"size\": 3}], \"raw\": {\"k\": [1.10, null]}}"),
        &thing);
    assert_null(e);
    assert_true(thing.count_given);
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 4096);
    fields_print(&out, thing_fields, &thing);
    buf_char(&out, '\0');
    assert_string_equal(
        out.at,
        "{\"title\": \"a\xc3\xa4\\n\\\"\", \"count\": 42, \"at\": \"2026-11-21T10:02:03.500000Z\","
        " \"ratio\": 0.1, \"open\": true, \"tags\": [\"x\", \"y\"], \"ids\": [1, 2],"
        " \"parts\": [{\"name\": \"p\", \"size\": 3}], \"raw\": {\"k\": [1.10, null]}}");
}

static void refused(const char *json, const char *code, const char *errors)
{
    struct thing thing = {0};
    err e = fields_parse(&mem, thing_fields, str_of(json), &thing);
    assert_non_null(e);
    assert_string_equal(e->code, code);
    if (errors)
        assert_string_equal(str_c(&mem, e->errors), errors);
}

static void names_all_that_is_wrong(void **state)
{
    (void)state;
    refused(
        "{\"count\": 1.5, \"more\": 1, \"parts\": [{\"name\": \"123456789\", \"size\": 11}, 3]}",
        "invalid_fields",
        "{\"count\": [\"Must be a whole number.\"], \"more\": [\"Is not a field of this "
        "request.\"],"
        " \"parts[0].name\": [\"Must be at most 8 bytes long, this is 9.\"],"
        " \"parts[0].size\": [\"Must be from 0 to 10.\"], \"parts[1]\": [\"Must be an object.\"],"
        " \"title\": [\"Is required.\"]}");
    refused("{\"title\": 1}", "invalid_fields", "{\"title\": [\"Must be text.\"]}");
    refused("", "invalid_fields", "{\"title\": [\"Is required.\"]}");
}

static void says_where_json_breaks(void **state)
{
    (void)state;
    refused("{\"title\": \"a\",\n \"count\": }", "malformed_json", NULL);
    refused("{\"title\": \"a\", \"title\": \"b\"}", "malformed_json", NULL);
    refused("[1]", "malformed_json", NULL);
    refused("{\"title\": \"\\u0000\"}", "invalid_fields", NULL);
    struct thing thing = {0};
    err e = fields_parse(&mem, thing_fields, STR("{\"title\": \"a\",\n \"count\": }"), &thing);
    assert_non_null(strstr(str_c(&mem, e->detail), "line 2, column"));
}

static void reads_queries(void **state)
{
    (void)state;
    struct thing thing = {0};
    assert_null(fields_parse_query(
        &mem, thing_fields, STR("title=a%20b+c&tags=x&count=7&tags=y%26&open=1"), &thing));
    assert_string_equal(str_c(&mem, thing.title), "a b c");
    assert_int_equal(thing.tags.n, 2);
    assert_string_equal(str_c(&mem, thing.tags.at[1]), "y&");
    assert_int_equal(thing.count, 7);
    assert_non_null(fields_parse_query(&mem, thing_fields, STR("title=%zz"), &thing));
    assert_non_null(fields_parse_query(&mem, thing_fields, STR("title=a&title=a"), &thing));
    assert_non_null(fields_parse_query(&mem, thing_fields, STR("title=a&nope=1"), &thing));
    assert_non_null(fields_parse_query(&mem, thing_fields, STR("title=%00"), &thing));
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    struct arena small;
    arena_init(&small, 64);
    struct thing thing = {0};
    err e = fields_parse(
        &small,
        thing_fields,
        STR("{\"title\": "
            "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"),
        &thing);
    assert_ptr_equal(e, &err_no_memory);
    arena_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(parses_and_prints_back, setup, teardown),
        cmocka_unit_test_setup_teardown(names_all_that_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(says_where_json_breaks, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_queries, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_arena_is_an_error, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
