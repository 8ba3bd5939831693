/* Positions as listeners say them, and the blocks they get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cmocka.h>

#include "unit/events/fake_http.h"
#include "unit/store/folder.h"

static const char *header;

str request_header(const struct request *rq, const char *name)
{
    (void)rq;
    return strcmp(name, "last-event-id") == 0 ? str_of(header) : (str){0};
}

struct said_position {
    const char *header, *query;
    enum position_kind kind;
    int64_t n;
};

static void check(const struct said_position *says, str prefix)
{
    struct arena mem;
    int64_t n = -7;
    arena_init(&mem, 1 << 20);
    struct request rq = {.mem = &mem, .query = str_of(says->query)};
    header = says->header;
    enum position_kind kind = position_ask(&rq, prefix, &n);
    if (kind != says->kind || n != (kind == POSITION_AT ? says->n : -7))
        fail_msg("header %s, query %s", says->header ? says->header : "-", says->query);
    arena_done(&mem);
}

static void numbers_of_the_log(void **state)
{
    (void)state;
    static const struct said_position all[] = {
        {NULL, NULL, POSITION_NONE},
        {"", "", POSITION_NONE},
        {NULL, "a=b&lastEventId=", POSITION_NONE},
        {"12", NULL, POSITION_AT, 12},
        {"0", NULL, POSITION_AT, 0},
        {"12", "lastEventId=9", POSITION_AT, 12},
        {"", "lastEventId=9", POSITION_AT, 9},
        {NULL, "lastEventId=1&lastEventId=2&lastEventId=", POSITION_AT, 2},
        {NULL, "x=1&lastEventId=%31%32", POSITION_AT, 12},
        {"error", NULL, POSITION_ERROR},
        {NULL, "lastEventId=error", POSITION_ERROR},
        {"-1", NULL, POSITION_BAD},
        {"x", NULL, POSITION_BAD},
        {"1 ", NULL, POSITION_BAD},
        {"c:1", NULL, POSITION_BAD},
        {"9223372036854775808", NULL, POSITION_BAD},
        {NULL, "lastEventId=%zz", POSITION_BAD},
    };
    for (size_t i = 0; i < LENGTH(all); i++)
        check(&all[i], (str){0});
}

static void numbers_of_a_channel(void **state)
{
    (void)state;
    static const struct said_position all[] = {
        {NULL, NULL, POSITION_NONE},
        {"c:5", NULL, POSITION_AT, 5},
        {NULL, "lastEventId=c%3A5", POSITION_AT, 5},
        {NULL, "lastEventId=c:5", POSITION_AT, 5},
        {"error", NULL, POSITION_ERROR},
        {"5", NULL, POSITION_BAD},
        {"c", NULL, POSITION_BAD},
        {"c:", NULL, POSITION_BAD},
        {"c:x", NULL, POSITION_BAD},
        {"c:1:2", NULL, POSITION_BAD},
        {"cc:1", NULL, POSITION_BAD},
        {"d:1", NULL, POSITION_BAD},
        {"c:-1", NULL, POSITION_BAD},
        {":1", NULL, POSITION_BAD},
    };
    for (size_t i = 0; i < LENGTH(all); i++)
        check(&all[i], STR("c"));
}

static void a_block_has_its_lines(void **state)
{
    (void)state;
    struct frame *frame = frame_event(STR("message"), STR("c:1"), STR("{\"a\":\n1}"));
    assert_true(str_eq(frame_bytes(frame), STR("event: message\nid: c:1\ndata: {\"a\": 1}\n\n")));
    frame_unref(frame);
    frame = frame_event(STR("x"), (str){0}, STR(""));
    assert_true(str_eq(frame_bytes(frame), STR("event: x\ndata: \n\n")));
    frame_unref(frame);
}

static void a_wrong_position_gets_a_stream(void **state)
{
    (void)state;
    struct arena mem;
    int64_t n;
    bool answered;
    fake_init();
    open_on = &fake.loops[0];
    arena_init(&mem, 1 << 20);
    struct request rq = {.mem = &mem};
    header = "nonsense";
    assert_ok(position_take(&rq, STR("c"), &n, &answered));
    assert_true(answered);
    struct stream *stream = last_opened;
    loop_post(stream->loop, &stream->post);
    while (!stream->closed)
        assert_true(loop_step(stream->loop));
    assert_true(str_eq(buf_str(&stream->taken),
                       STR("event: stream-error\nid: error\ndata: {\"condition\": \"bad-request\", "
                           "\"text\": \"Last-Event-ID must be c:n, n being the number of the last "
                           "event.\"}\n\n")));
    stream_free(stream);
    header = "error";
    assert_int_equal(position_take(&rq, STR("c"), &n, &answered)->status, 400);
    header = NULL;
    assert_ok(position_take(&rq, STR("c"), &n, &answered));
    assert_true(!answered && n == -1);
    arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_the_log),
        cmocka_unit_test(numbers_of_a_channel),
        cmocka_unit_test(a_block_has_its_lines),
        cmocka_unit_test(a_wrong_position_gets_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
