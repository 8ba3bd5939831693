/* The form parser: what it passes on, wherever the bytes are cut, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "http/multipart.h"

#define TYPE STR("multipart/form-data; boundary=XyZ")

/* Writes down what it is called with: "<name|filename|type:data>". */
struct tape {
    struct buf text;
    int data_calls;
    int64_t bytes;
    bool quiet;
    err refuse; /* what `data` returns */
};

static err tape_begin(void *arg, const struct multipart_part *part)
{
    struct tape *tape = arg;
    buf_fmt(&tape->text,
            "<%.*s|%.*s|%.*s:",
            STR_ARGS(part->name),
            STR_ARGS(part->filename.at ? part->filename : STR("-")),
            STR_ARGS(part->content_type.at ? part->content_type : STR("-")));
    return NULL;
}

static err tape_data(void *arg, str bytes)
{
    struct tape *tape = arg;
    assert_true(bytes.len > 0);
    tape->data_calls++;
    tape->bytes += (int64_t)bytes.len;
    if (!tape->quiet)
        buf_add(&tape->text, bytes);
    return tape->refuse;
}

static err tape_end(void *arg)
{
    struct tape *tape = arg;
    buf_char(&tape->text, '>');
    return NULL;
}

static const struct multipart_calls tape_calls = {tape_begin, tape_data, tape_end};

struct bench {
    struct arena mem;
    struct tape tape;
};

static void bench_done(struct bench *b)
{
    buf_done(&b->tape.text);
    arena_done(&b->mem);
}

/* The body in pieces that end at `cut_1` and `cut_2`, each in memory of its own so that ASan sees a
 * read too far. */
static err body_feed(struct bench *b, str type, str body, size_t cut_1, size_t cut_2)
{
    arena_init(&b->mem, 1 << 20);
    buf_init(&b->tape.text, 4 << 20);
    struct multipart *m;
    TRY(multipart_new(&b->mem, type, &tape_calls, &b->tape, &m));
    size_t ends[] = {cut_1, cut_2, body.len}, from = 0;
    for (size_t i = 0; i < LENGTH(ends); i++) {
        size_t len = ends[i] - from;
        char *piece = malloc(len ? len : 1);
        memcpy(piece, body.at + from, len);
        err e = multipart_feed(m, (str){piece, len});
        free(piece);
        TRY(e);
        from = ends[i];
    }
    return multipart_end(m);
}

static err body_check(str type, str body, const char *expected, size_t cut_1, size_t cut_2)
{
    CLEANUP(bench_done) struct bench b = {0};
    err e = body_feed(&b, type, body, cut_1, cut_2);
    if (e) {
        print_message("%s: %.*s\n", e->code, STR_ARGS(e->detail));
        fail();
    }
    buf_char(&b.tape.text, 0);
    assert_string_equal(b.tape.text.at, expected);
    return NULL;
}

static void body_refused(str type, str body, int status, const char *code, const char *says)
{
    CLEANUP(bench_done) struct bench b = {0};
    err e = body_feed(&b, type, body, 0, 0);
    assert_non_null(e);
    assert_int_equal(e->status, status);
    assert_string_equal(e->code, code);
    char detail[500];
    snprintf(detail, sizeof detail, "%.*s", STR_ARGS(e->detail));
    if (!strstr(detail, says))
        fail_msg("\"%s\" does not say \"%s\"", detail, says);
}

#define REFUSED(body, status, code, says) body_refused(TYPE, STR(body), status, code, says)
#define PASSED(body, expected) assert_null(body_check(TYPE, STR(body), expected, 0, 0))
#define FIELD_HEAD "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"

/* Nearly-delimiters in the data, an empty part, a part without its empty line, padding, preamble
 * and epilogue. */
static const char sample[] =
    "preamble\r\n--Xy\r\n--XyZ \t \r\nContent-Disposition: form-data; name=\"first\"\r\n\r\n"
    "one\r\n--Xy\r\n\r\n-\r\r\n--XyY--XyZ\r\r\n--XyZ\r\n"
    "content-disposition:form-data;name=table_name\r\n\r\n\r\n--XyZ\r\n"
    "Content-Disposition: form-data; name=bare\r\n\r\n--XyZ\r\n"
    "Content-Disposition: form-data;\r\n name=\"file\"; filename=\"a \\\"b\\\".csv\"\r\n"
    "Content-Type:  text/csv \r\nX-Other: y\r\n\r\nSomeNumber\n\0\r\n--XyZ--\r\nepilogue "
    "--XyZ\r\n--XyZ";

static const char sample_expected[] = "<first|-|-:one\r\n--Xy\r\n\r\n-\r\r\n--XyY--XyZ\r>"
                                      "<table_name|-|-:><bare|-|-:>"
                                      "<file|a \"b\".csv|text/csv:SomeNumber\n\0>";

static void sample_check(size_t cut_1, size_t cut_2)
{
    CLEANUP(bench_done) struct bench b = {0};
    err e = body_feed(&b, TYPE, (str){sample, sizeof sample - 1}, cut_1, cut_2);
    if (e)
        fail_msg("cut at %zu and %zu: %.*s", cut_1, cut_2, STR_ARGS(e->detail));
    str expected = {sample_expected, sizeof sample_expected - 1};
    if (!str_eq(buf_str(&b.tape.text), expected))
        fail_msg("cut at %zu and %zu: %.*s", cut_1, cut_2, STR_ARGS(buf_str(&b.tape.text)));
}

static void cut_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sample; i++)
        sample_check(i, i);
}

static void cut_twice_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sample; i++) {
        for (size_t j = i + 1; j < i + 12 && j < sizeof sample; j++)
            sample_check(i, j);
    }
}

static void byte_by_byte(void **state)
{
    (void)state;
    CLEANUP(bench_done) struct bench b = {0};
    arena_init(&b.mem, 1 << 20);
    buf_init(&b.tape.text, 1 << 20);
    struct multipart *m;
    assert_null(multipart_new(&b.mem, TYPE, &tape_calls, &b.tape, &m));
    for (size_t i = 0; i < sizeof sample - 1; i++)
        assert_null(multipart_feed(m, (str){sample + i, 1}));
    assert_null(multipart_end(m));
    assert_true(str_eq(buf_str(&b.tape.text), (str){sample_expected, sizeof sample_expected - 1}));
}

/* Any prefix of a form that lacks its closing boundary is an error at its end, and never before. */
static void every_prefix_is_unfinished(void **state)
{
    (void)state;
    size_t whole = (size_t)((const char *)memmem(sample, sizeof sample, "XyZ--", 5) - sample) + 5;
    for (size_t len = 0; len < whole; len++) {
        CLEANUP(bench_done) struct bench b = {0};
        err e = body_feed(&b, TYPE, (str){sample, len}, 0, 0);
        assert_non_null(e);
        assert_string_equal(e->code, "malformed_form");
        assert_true(str_ends(e->detail, STR("without its closing boundary.")));
    }
}

static void boundaries(void **state)
{
    (void)state;
    static const char body[] = "--a b'()+_,-./:=?9--";
    static const char *const good[] = {
        "multipart/form-data; boundary=\"a b'()+_,-./:=?9\"",
        "Multipart/Form-Data ;charset=utf-8; Boundary=\"a b'()+_,-./:=?9\";",
        "multipart/form-data;boundary=a b'()+_,-./:=?9",
    };
    for (size_t i = 0; i < LENGTH(good); i++)
        assert_null(body_check(str_of(good[i]), str_of(body), "", 0, 0));

    static const char *const bad[] = {
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a\\\"b\"",
        "multipart/form-data; boundary=\"a ",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a@b",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary",
        "multipart/form-data boundary=a",
        "multipart/form-data; boundary="
        "12345678901234567890123456789012345678901234567890123456789012345678901",
    };
    for (size_t i = 0; i < LENGTH(bad); i++)
        body_refused(str_of(bad[i]), STR(""), 400, "malformed_form", "Content-Type");
    body_refused(
        STR("multipart/mixed; boundary=a"), STR(""), 415, "unsupported_media_type", "multipart");
    body_refused(
        STR("multipart/form-dataX; boundary=a"), STR(""), 415, "unsupported_media_type", "");
    body_refused((str){0}, STR(""), 415, "unsupported_media_type", "");
    assert_null(body_check(
        STR("multipart/form-data; boundary="
            "1234567890123456789012345678901234567890123456789012345678901234567890"),
        STR("--1234567890123456789012345678901234567890123456789012345678901234567890--"),
        "",
        0,
        0));
}

#define HEAD(line) "--XyZ\r\n" line "\r\n\r\nv\r\n--XyZ--"
#define NAMED(params) HEAD("Content-Disposition: form-data" params)

static void names(void **state)
{
    (void)state;
    PASSED("--XyZ--", "");
    PASSED(NAMED("; name=\"\""), "<|-|-:v>");
    PASSED(NAMED("; name=\"x\"; filename=\"\""), "<x||-:v>");
    PASSED(NAMED("; NAME=x ;filename= y.csv ;"), "<x|y.csv|-:v>");
    PASSED(NAMED("; name=\"a%22b%0D%0Ac%20d%\""), "<a\"b\r\nc%20d%|-|-:v>");
    PASSED(NAMED("; name=x; filename=\"C:\\dir\\f.csv\""), "<x|C:\\dir\\f.csv|-:v>");
    PASSED(NAMED("; name=x; filename=\"a;b\\\\.csv\""), "<x|a;b\\.csv|-:v>");
    PASSED(NAMED("; name=\"\xc3\xa4\"; filename=\"\xe2\x82\xac.csv\""),
           "<\xc3\xa4|\xe2\x82\xac.csv|-:v>");
    PASSED(NAMED("; name=x; filename=\"e.csv\"; filename*=UTF-8''%e2%82%AC.csv"),
           "<x|\xe2\x82\xac.csv|-:v>");
    PASSED(NAMED("; name=x; filename*=utf-8'en'a%20b"), "<x|a b|-:v>");
    PASSED(NAMED("; name=x; filename*=iso-8859-1''%e4; filename=a"), "<x|a|-:v>");
    PASSED(HEAD("Content-Transfer-Encoding: BINARY\r\nContent-Disposition: form-data; name=x"),
           "<x|-|-:v>");
}

static void bad_heads(void **state)
{
    (void)state;
    REFUSED("--XyZ\r\n\r\nv\r\n--XyZ--", 400, "malformed_form", "no Content-Disposition");
    REFUSED(HEAD("Content-Type: text/csv"), 400, "malformed_form", "no Content-Disposition");
    REFUSED(NAMED(""), 400, "malformed_form", "has no name");
    REFUSED(NAMED("; filename=x"), 400, "malformed_form", "has no name");
    REFUSED(NAMED("; name=a; name=b"), 400, "malformed_form", "twice");
    REFUSED(NAMED("; name"), 400, "malformed_form", "malformed Content-Disposition");
    REFUSED(NAMED("; name=\"a"), 400, "malformed_form", "malformed Content-Disposition");
    REFUSED(NAMED("; name=\"a\"b"), 400, "malformed_form", "malformed Content-Disposition");
    REFUSED(NAMED(";; name=a"), 400, "malformed_form", "malformed Content-Disposition");
    REFUSED(NAMED("X; name=a"), 400, "malformed_form", "not form-data");
    REFUSED(
        HEAD("Content-Disposition: attachment; name=a"), 400, "malformed_form", "not form-data");
    REFUSED(
        NAMED("; name=a\r\nContent-Disposition: form-data; name=b"), 400, "malformed_form", "two");
    REFUSED(NAMED("; name=\"\xff\""), 400, "malformed_form", "UTF-8");
    REFUSED(NAMED("; name=a; filename*=UTF-8''%ff"), 400, "malformed_form", "UTF-8");
    REFUSED(NAMED("; name=a; filename*=UTF-8''%f"), 400, "malformed_form", "filename*");
    REFUSED(NAMED("; name=a; filename*=x"), 400, "malformed_form", "filename*");
    REFUSED(NAMED("; name=a; filename*=UTF-8''%00"), 400, "malformed_form", "UTF-8");
    REFUSED(NAMED("; name=\"a\nb\""), 400, "malformed_form", "control character");
    REFUSED(NAMED("; name=\"a\rb\""), 400, "malformed_form", "control character");
    REFUSED(NAMED("; name=\"a\0b\""), 400, "malformed_form", "control character");
    REFUSED(NAMED("; name=a\r\nno colon"), 400, "malformed_form", "malformed header");
    REFUSED(NAMED("; name=a\r\n: x"), 400, "malformed_form", "malformed header");
    REFUSED(
        NAMED("; name=a\r\nContent-Transfer-Encoding: base64"), 400, "malformed_form", "Encoding");
}

static void bad_frames(void **state)
{
    (void)state;
    REFUSED("", 400, "malformed_form", "At byte 0 the form ends");
    REFUSED("a=b&c=d", 400, "malformed_form", "At byte 7 the form ends");
    REFUSED(FIELD_HEAD "v\r\n--XyZ-\r\n", 400, "malformed_form", "At byte 60 a line begins");
    REFUSED(FIELD_HEAD "v\r\n--XyZW\r\n--XyZ--", 400, "malformed_form", "At byte 59 a line begins");
    REFUSED(
        "--XyZ\nContent-Disposition: form-data", 400, "malformed_form", "At byte 5 a line begins");
    REFUSED("--XyZ \r \n", 400, "malformed_form", "At byte 7 a line begins");
    REFUSED(
        FIELD_HEAD "v\r\n--XyZ\r\n\r\nv\r\n--XyZ--", 400, "malformed_form", "At byte 61 a part");
}

/* A form of `n` parts, or with so many bytes before the first boundary, in a header, in a field or
 * in a file. */
struct large {
    size_t parts, preamble, header, field, file;
};

static void run_add(struct buf *b, char c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_char(b, c);
}

static void large_make(struct buf *body, struct large size)
{
    buf_init(body, 8 << 20);
    run_add(body, 'p', size.preamble);
    buf_add(body, size.preamble ? STR("\r\n") : STR(""));
    for (size_t i = 0; i < size.parts; i++) {
        buf_add(body, STR("--XyZ\r\nContent-Disposition: form-data; name=a"));
        buf_add(body, size.file ? STR("; filename=f") : STR(""));
        buf_add(body, size.header ? STR("\r\nX: ") : STR(""));
        run_add(body, 'h', size.header);
        buf_add(body, STR("\r\n\r\n"));
        run_add(body, 'd', size.field + size.file);
        buf_add(body, STR("\r\n"));
    }
    buf_add(body, STR("--XyZ--"));
}

static void large_check(struct large size, const char *code, const char *says)
{
    CLEANUP(buf_done) struct buf body = {0};
    large_make(&body, size);
    assert_false(body.failed);
    CLEANUP(bench_done) struct bench b = {.tape.quiet = true};
    err e = body_feed(&b, TYPE, buf_str(&body), 0, 0);
    if (!code) {
        assert_null(e);
        assert_int_equal(b.tape.bytes, (int64_t)(size.parts * (size.field + size.file)));
        return;
    }
    assert_non_null(e);
    assert_string_equal(e->code, code);
    assert_non_null(memmem(e->detail.at, e->detail.len, says, strlen(says)));
}

static void limits(void **state)
{
    (void)state;
    /* The end of the boundary's line and the empty line count as well. */
    size_t header =
        MULTIPART_HEADERS_MAX - strlen("\r\nContent-Disposition: form-data; name=a\r\nX: \r\n\r\n");
    size_t field = (size_t)MULTIPART_FIELD_MAX;
    large_check((struct large){.parts = MULTIPART_PARTS_MAX, .field = 1}, NULL, NULL);
    large_check(
        (struct large){.parts = MULTIPART_PARTS_MAX + 1}, "form_too_large", "too many parts");
    large_check((struct large){.parts = 1, .header = header, .field = 1}, NULL, NULL);
    large_check((struct large){.parts = 1, .header = header + 1}, "form_too_large", "headers");
    large_check((struct large){.parts = 1, .field = field}, NULL, NULL);
    large_check(
        (struct large){.parts = 1, .field = field + 1}, "form_too_large", "most is 1048576");
    large_check((struct large){.parts = 2, .file = 2 * field}, NULL, NULL);
    large_check((struct large){.parts = 1, .preamble = 8000, .field = 1}, NULL, NULL);
    large_check((struct large){.parts = 1, .preamble = 9000}, "malformed_form", "does not begin");
}

static void callback_stops_it(void **state)
{
    (void)state;
    static const struct err full = {.status = 413, .code = "upload_too_large"};
    CLEANUP(bench_done) struct bench b = {.tape.refuse = &full};
    assert_ptr_equal(body_feed(&b, TYPE, STR(FIELD_HEAD "abc\r\n--XyZ--"), 0, 0), &full);
    assert_int_equal(b.tape.data_calls, 1);
}

/* Data is passed on in whole spans, not in crumbs: one call a feed, and it is fast. */
static void data_in_spans(void **state)
{
    (void)state;
    CLEANUP(bench_done) struct bench b = {.tape.quiet = true};
    arena_init(&b.mem, 1 << 20);
    buf_init(&b.tape.text, 1 << 20);
    struct multipart *m;
    assert_null(multipart_new(&b.mem, TYPE, &tape_calls, &b.tape, &m));
    assert_null(multipart_feed(
        m, STR("--XyZ\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\n")));
    CLEANUP(buf_done) struct buf lines = {0};
    buf_init(&lines, 1 << 20);
    while (lines.len < 64 << 10)
        buf_add(&lines, STR("123456,Quebec,2026-11-21T11:02:03Z\r\n"));
    buf_char(&lines, '.');
    const int feeds = 2000;
    int64_t start = time_steady();
    for (int i = 0; i < feeds; i++)
        assert_null(multipart_feed(m, buf_str(&lines)));
    int64_t us = time_steady() - start;
    assert_null(multipart_feed(m, STR("\r\n--XyZ--")));
    assert_null(multipart_end(m));
    assert_int_equal(b.tape.bytes, (int64_t)lines.len * feeds);
    assert_int_equal(b.tape.data_calls, feeds);
    print_message("%.0f MB/s\n", (double)b.tape.bytes / (double)(us ? us : 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(cut_twice_anywhere),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(every_prefix_is_unfinished),
        cmocka_unit_test(boundaries),
        cmocka_unit_test(names),
        cmocka_unit_test(bad_heads),
        cmocka_unit_test(bad_frames),
        cmocka_unit_test(limits),
        cmocka_unit_test(callback_stops_it),
        cmocka_unit_test(data_in_spans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
