/* Chunked bodies: what is read, in whatever pieces it comes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/chunk.h"

/* Feeds `text` in pieces; the last step, with the data in `out` and what was left in `*rest`. */
static enum chunk_step feed(str text, size_t piece, struct buf *out, size_t *rest)
{
    struct chunk chunk = {0};
    enum chunk_step step = CHUNK_MORE;
    out->len = 0;
    for (size_t at = 0; at < text.len; at += piece) {
        str in = str_sub(text, at, piece), data;
        while ((step = chunk_next(&chunk, &in, &data)) == CHUNK_DATA)
            buf_add(out, data);
        *rest = text.len - at - (str_sub(text, at, piece).len - in.len);
        if (step != CHUNK_MORE)
            return step;
    }
    return step;
}

static void reads_in_any_pieces(void **state)
{
    (void)state;
    str text =
        STR("4\r\nWiki\r\n00B;a=\"b c\"\r\npedia in \r\n\r\n0;last\r\nT: r\r\nU: v\r\n\r\nGET");
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1000);
    for (size_t piece = 1; piece <= text.len; piece++) {
        size_t rest = 0;
        assert_int_equal(feed(text, piece, &out, &rest), CHUNK_END);
        assert_true(str_eq(buf_str(&out), STR("Wikipedia in \r\n")));
        assert_int_equal(rest, 3);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n",
        "g\r\n",
        "4\nWiki",
        "4 \r\nWiki",
        " 4\r\nWiki",
        "+4\r\nWiki",
        "-1\r\n",
        "0x4\r\nWiki",
        "4\r\rWiki",
        "4\r\nWikix\r\n",
        "4\r\nWiki\n0",
        "4\r\nWiki\r0",
        "4;a\nWiki",
        "4;\x01\r\n",
        "100000000000000000\r\n",
        "0\r\nT: r\n\r\n",
        "0\r\n\rx",
        ";a\r\n",
    };
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1000);
    for (size_t i = 0; i < LENGTH(bad); i++) {
        size_t rest;
        if (feed(str_of(bad[i]), 1, &out, &rest) != CHUNK_BAD)
            fail_msg("%s", bad[i]);
        if (feed(str_of(bad[i]), 1000, &out, &rest) != CHUNK_BAD)
            fail_msg("%s at once", bad[i]);
    }
}

static void refuses_endless_lines(void **state)
{
    (void)state;
    char text[20000];
    size_t rest;
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1000);
    memset(text, 'a', sizeof(text));
    memcpy(text, "1;", 2);
    assert_int_equal(feed((str){text, sizeof(text)}, 64, &out, &rest), CHUNK_BAD);
    memcpy(text, "0\r\nT", 4);
    assert_int_equal(feed((str){text, sizeof(text)}, 64, &out, &rest), CHUNK_BAD);
}

/* One byte a chunk behind long extensions costs more than it carries. */
static void refuses_overhead(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf text;
    CLEANUP(buf_done) struct buf out;
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    for (int i = 0; i < 2000; i++)
        buf_add(&text, STR("1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n"));
    size_t rest;
    assert_int_equal(feed(buf_str(&text), 4096, &out, &rest), CHUNK_BAD);
    text.len = 0;
    for (int i = 0; i < 20000; i++)
        buf_add(&text, STR("1\r\nx\r\n"));
    buf_add(&text, STR("0\r\n\r\n"));
    assert_int_equal(feed(buf_str(&text), 4096, &out, &rest), CHUNK_END);
    assert_int_equal(out.len, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_any_pieces),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_endless_lines),
        cmocka_unit_test(refuses_overhead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
