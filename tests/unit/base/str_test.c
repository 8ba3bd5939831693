/* Text, buffers, arenas, JSON members, time and ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "base/fields.h"
#include "base/id.h"
#include "base/json.h"
#include "base/time.h"

static void cuts_and_finds(void **state)
{
    (void)state;
    str rest = STR("a,,b");
    assert_true(str_eq(str_cut(&rest, ','), STR("a")));
    assert_true(str_eq(str_cut(&rest, ','), STR("")));
    assert_true(str_eq(str_cut(&rest, ','), STR("b")));
    assert_null(rest.at);
    assert_true(str_eq(str_trim(STR(" \t x y\n")), STR("x y")));
    assert_int_equal(str_sub(STR("abc"), 5, 2).len, 0);
    assert_true(str_cmp(STR("ab"), STR("abc")) < 0);
    assert_true(str_eq_nocase(STR("JwT"), STR("jWt")));
}

static void numbers_are_whole_and_bounded(void **state)
{
    (void)state;
    int64_t n = 7;
    assert_true(str_i64(STR("-9223372036854775808"), &n));
    assert_true(n == INT64_MIN);
    assert_true(str_i64(STR("9223372036854775807"), &n));
    assert_true(n == INT64_MAX);
    static const char *const bad[] = {
        "", "-", "+1", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809", "0x1"};
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(str_i64(str_of(bad[i]), &n));
    assert_true(n == INT64_MAX);
}

static void utf8_is_checked(void **state)
{
    (void)state;
    assert_true(str_utf8_ok(STR("aä€😀")));
    static const str bad[] = {STR("\xC0\x80"),
                              STR("\xE0\x80\x80"),
                              STR("\xED\xA0\x80"),
                              STR("\xF4\x90\x80\x80"),
                              STR("\xFF"),
                              STR("\xE2\x82"),
                              STR("a\0b")};
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(str_utf8_ok(bad[i]));
}

static void a_buffer_stops_at_its_maximum(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 10);
    buf_add(&b, STR("12345678"));
    assert_false(b.failed);
    buf_add(&b, STR("9ab"));
    assert_true(b.failed);
    buf_char(&b, 'x');
    assert_int_equal(b.len, 8);
    buf_done(&b);
    buf_init(&b, 1000);
    buf_fmt(&b, "%d-%s", 42, "x");
    buf_i64(&b, INT64_MIN);
    assert_true(str_eq(buf_str(&b), STR("42-x-9223372036854775808")));
    buf_done(&b);
}

static void an_arena_stops_at_its_cap(void **state)
{
    (void)state;
    struct arena mem;
    arena_init(&mem, 10000);
    size_t total = 0;
    for (char *at; (at = arena_alloc(&mem, 100)); total += 100)
        memset(at, 1, 100);
    assert_true(arena_failed(&mem));
    assert_in_range(total, 7000, 10000);
    assert_null(str_copy(&mem, STR("x")).at);
    assert_string_equal(str_c(&mem, STR("x")), "");
    assert_null(arena_array(&mem, SIZE_MAX / 2, 16));
    arena_done(&mem);
    assert_false(arena_failed(&mem));
    char *again = arena_alloc(&mem, 5000);
    assert_non_null(again);
    assert_int_equal(again[4999], 0);
    arena_done(&mem);
}

static void members_are_found_as_they_were_sent(void **state)
{
    (void)state;
    str object = STR(
        " {\"a\": [1, {\"b\": \"}\\\"\"}], \"c\" : -1.50e3,\"d\":\"x\\\\\", \"e\": {\"f\":[]}}");
    assert_true(str_eq(json_member(object, STR("a")), STR("[1, {\"b\": \"}\\\"\"}]")));
    assert_true(str_eq(json_member(object, STR("c")), STR("-1.50e3")));
    assert_true(str_eq(json_member(object, STR("d")), STR("\"x\\\\\"")));
    assert_true(str_eq(json_member(object, STR("e")), STR("{\"f\":[]}")));
    assert_null(json_member(object, STR("b")).at);
    assert_null(json_member(STR("{}"), STR("b")).at);
}

static void json_text_is_escaped(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    json_print_str(&b,
                   STR("a\"\\\n\x01\xFF"
                       "e"));
    assert_true(str_eq(buf_str(&b),
                       STR("\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBD"
                           "e\"")));
    buf_done(&b);
}

static void times_go_round(void **state)
{
    (void)state;
    int64_t us = 0;
    char text[TIME_TEXT];
    assert_true(time_parse(STR("2024-02-29T23:59:59.5-01:30"), &us));
    assert_true(str_eq(time_text(us, text), STR("2024-03-01T01:29:59.500000Z")));
    assert_true(str_eq(time_http(0, text), STR("Thu, 01 Jan 1970 00:00:00 GMT")));
    assert_true(str_eq(time_text(-1, text), STR("1969-12-31T23:59:59.999999Z")));
    static const char *const bad[] = {"2023-02-29T00:00:00Z",
                                      "2024-01-01",
                                      "2024-01-01T24:00:00Z",
                                      "2024-01-01T00:00:00",
                                      "2024-13-01T00:00:00Z",
                                      "2024-01-01T00:00:00.Z",
                                      "2024-01-01T00:00:00Zx",
                                      "0000-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01",
                                      ""};
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(time_parse(str_of(bad[i]), &us));
}

static void ids_are_uuids(void **state)
{
    (void)state;
    struct arena mem;
    arena_init(&mem, 4096);
    str a = id_new(&mem), b = id_random(&mem);
    assert_true(id_ok(a) && id_ok(b));
    assert_int_equal(a.at[14], '7');
    assert_int_equal(b.at[14], '4');
    assert_false(str_eq(b, id_random(&mem)));
    assert_false(id_ok(STR("0190c9a0-0000-7000-8000-00000000000g")));
    assert_false(id_ok(STR("0190c9a000007000800000000000000000000")));
    arena_done(&mem);
}

static void percent_escapes(void **state)
{
    (void)state;
    struct arena mem;
    arena_init(&mem, 4096);
    str out;
    assert_true(percent_decode(&mem, STR("a%2Fb+c%41"), false, &out));
    assert_true(str_eq(out, STR("a/b+cA")));
    static const char *const bad[] = {"%", "%4", "%4x", "%00", "abc%"};
    for (size_t i = 0; i < LENGTH(bad); i++)
        assert_false(percent_decode(&mem, str_of(bad[i]), true, &out));
    arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_and_finds),
        cmocka_unit_test(numbers_are_whole_and_bounded),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(a_buffer_stops_at_its_maximum),
        cmocka_unit_test(an_arena_stops_at_its_cap),
        cmocka_unit_test(members_are_found_as_they_were_sent),
        cmocka_unit_test(json_text_is_escaped),
        cmocka_unit_test(times_go_round),
        cmocka_unit_test(ids_are_uuids),
        cmocka_unit_test(percent_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
