/* Heads of requests: what is taken from them, and what is refused with which status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/head.h"

/* On the heap in its exact size, so that reading past the end shows. */
static const struct head_fault *parse(const char *text, struct head_parsed *out, char **copy)
{
    size_t len = strlen(text);
    *copy = malloc(len);
    assert_non_null(*copy);
    memcpy(*copy, text, len);
    return head_parse(*copy, len, out);
}

static void takes_all(void **state)
{
    (void)state;
    static struct head_parsed out;
    char *copy;
    assert_null(
        parse("POST /a%20b/?q=1&r HTTP/1.1\r\nHost: x:8000\r\nX-Empty:\r\nACCEPT:  a, b \t\r\n"
              "Content-Length: 12\r\n\r\n",
              &out,
              &copy));
    assert_true(str_eq(out.head.method, STR("POST")));
    assert_true(str_eq(out.head.target, STR("/a%20b/?q=1&r")));
    assert_int_equal(out.head.header_count, 4);
    assert_true(str_eq(out.list[1].name, STR("x-empty")));
    assert_true(str_eq(out.list[1].value, STR("")));
    assert_true(str_eq(out.list[2].name, STR("accept")));
    assert_true(str_eq(out.list[2].value, STR("a, b")));
    assert_int_equal(out.head.body_size, 12);
    assert_true(out.keep_alive);
    assert_false(out.chunked);
    free(copy);
}

static void lengths_and_lives(void **state)
{
    (void)state;
    static struct head_parsed out;
    char *copy;
    assert_null(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &out, &copy));
    assert_false(out.keep_alive);
    assert_int_equal(out.head.body_size, 0);
    free(copy);
    assert_null(parse("GET / HTTP/1.0\r\n\r\n", &out, &copy));
    assert_false(out.keep_alive);
    assert_true(out.old);
    free(copy);
    assert_null(
        parse("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", &out, &copy));
    assert_true(out.chunked);
    assert_int_equal(out.head.body_size, -1);
    free(copy);
    assert_null(parse("GET HTTP://A:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", &out, &copy));
    assert_true(str_eq(out.head.target, STR("/")));
    free(copy);
}

static void refuses(void **state)
{
    (void)state;
    static struct head_parsed out;
    static const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX\t: z\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n\tfold\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\n\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1e3\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         400},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / RTSP/1.0\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        {"GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *copy;
        const struct head_fault *fault = parse(cases[i].text, &out, &copy);
        if ((fault ? fault->status : 0) != cases[i].status)
            fail_msg("%d: %s", fault ? fault->status : 0, cases[i].text);
        free(copy);
    }
}

static void knows_its_end(void **state)
{
    (void)state;
    str text = STR("GET / HTTP/1.1\r\nHost: a\r\n\r\nrest");
    size_t scanned = 0, end = 0;
    for (size_t n = 1; n <= text.len && !end; n++)
        end = head_end(str_sub(text, 0, n), &scanned);
    assert_int_equal(end, text.len - 4);
    scanned = 0;
    assert_int_equal(head_end(text, &scanned), text.len - 4);
}

static void bounds(void **state)
{
    (void)state;
    static char text[64 * 1024];
    memset(text, 'a', sizeof(text));
    assert_null(head_too_long((str){text, 8000}));
    assert_int_equal(head_too_long((str){text, 9000})->status, 414);
    text[100] = '\n';
    assert_null(head_too_long((str){text, 9000}));
    assert_int_equal(head_too_long((str){text, sizeof(text)})->status, 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all),
        cmocka_unit_test(lengths_and_lives),
        cmocka_unit_test(refuses),
        cmocka_unit_test(knows_its_end),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
