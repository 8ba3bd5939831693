/* The wire: what goes in comes out; what is cut, padded or bent is refused within its bounds. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/messages.h"

#define CAP ((size_t)1024 * 1024)

static struct columns two_columns(void)
{
    static struct column at[] = {{STR("a"), STR("int")}, {STR("b"), STR("varchar(256)")}};
    return (struct columns){at, LENGTH(at)};
}

static struct refreshed sample(void)
{
    return (struct refreshed){
        .view = {.name = STR("v"),
                 .is_view = true,
                 .version = 7,
                 .row_count = -1,
                 .bytes = INT64_MAX,
                 .columns = two_columns()},
        .added = 3,
        .removed = INT64_MIN,
        .duration_us = 12,
        .reset = true,
        .changes = STR(""),
    };
}

static void write_sample(struct buf *b)
{
    struct refreshed sent = sample();
    buf_init(b, CAP);
    struct wire w = wire_writer(b);
    message_refreshed(&w, &sent);
    assert_true(wire_ok(&w));
}

static void goes_both_ways(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    write_sample(&b);
    struct refreshed got = {0};
    struct wire r = wire_reader(&mem, buf_str(&b));
    message_refreshed(&r, &got);
    assert_true(wire_ok(&r));
    assert_true(str_eq(got.view.name, STR("v")) && got.view.is_view);
    assert_int_equal(got.view.version, 7);
    assert_int_equal(got.view.row_count, -1);
    assert_true(got.view.bytes == INT64_MAX && got.removed == INT64_MIN);
    assert_int_equal(got.view.columns.n, 2);
    assert_true(str_eq(got.view.columns.at[1].column_type, STR("varchar(256)")));
    assert_true(got.reset);
    assert_non_null(got.changes.at);
    assert_int_equal(got.changes.len, 0);
    assert_null(got.rows.at);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    write_sample(&b);
    for (size_t len = 0; len < b.len; len++) {
        CLEANUP(arena_done) struct arena mem;
        arena_init(&mem, CAP);
        char *cut = malloc(len + 1); /* of its own, so that ASan sees a read past the cut */
        assert_non_null(cut);
        memcpy(cut, b.at, len);
        struct refreshed got = {0};
        struct wire r = wire_reader(&mem, (str){cut, len});
        message_refreshed(&r, &got);
        assert_false(wire_ok(&r));
        free(cut);
    }
}

static void a_byte_too_many_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    write_sample(&b);
    buf_char(&b, 'x');
    struct refreshed got = {0};
    struct wire r = wire_reader(&mem, buf_str(&b));
    message_refreshed(&r, &got);
    assert_false(r.failed);
    assert_false(wire_ok(&r));
}

/* Each byte of a message takes each of several values: whatever comes of it, nothing is read or
 * made out of bounds. */
static void bent_bytes_stay_in_bounds(void **state)
{
    (void)state;
    static const unsigned char values[] = {0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF};
    CLEANUP(buf_done) struct buf b;
    write_sample(&b);
    for (size_t i = 0; i < b.len * LENGTH(values); i++) {
        CLEANUP(arena_done) struct arena mem;
        arena_init(&mem, CAP);
        char *bent = malloc(b.len);
        assert_non_null(bent);
        memcpy(bent, b.at, b.len);
        bent[i / LENGTH(values)] = (char)values[i % LENGTH(values)];
        struct refreshed got = {0};
        struct wire r = wire_reader(&mem, (str){bent, b.len});
        message_refreshed(&r, &got);
        for (size_t c = 0; wire_ok(&r) && c < got.view.columns.n; c++)
            assert_true(got.view.columns.at[c].column_name.len <= b.len);
        free(bent);
    }
}

static void a_count_takes_no_more_memory_than_its_bytes(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    struct objects got = {0};
    struct wire r = wire_reader(&mem, (str){"\xFF\xFF\xFF\x7F tail", 9});
    message_objects(&r, &got);
    assert_true(r.failed);
    assert_int_equal(got.n, 0);
    assert_int_equal(mem.used, 0);
}

static void values_outside_their_range_are_refused(void **state)
{
    (void)state;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    bool flag = true;
    struct wire r = wire_reader(&mem, (str){"\x02", 1});
    wire_bool(&r, &flag);
    assert_true(r.failed);
    assert_false(flag);

    enum engine_op op = OP_LOAD;
    r = wire_reader(&mem, (str){"\x0a", 1});
    message_op(&r, &op);
    assert_true(r.failed);
    assert_int_equal(op, OP_OBJECTS);

    char *text = "before";
    r = wire_reader(&mem, (str){"\x03\0\0\0a\0b", 7});
    wire_c(&r, &text);
    assert_true(r.failed);
    assert_null(text);
}

static void an_err_crosses_whole(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf b;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, CAP);
    buf_init(&b, CAP);
    struct err sent = {.status = 422,
                       .code = "invalid_file",
                       .detail = STR("Line 3."),
                       .errors = STR("[{\"line\": 3}]"),
                       .retry_after_s = 2};
    struct wire w = wire_writer(&b);
    message_err(&w, &sent);
    struct err got = {0};
    struct wire r = wire_reader(&mem, buf_str(&b));
    message_err(&r, &got);
    assert_true(wire_ok(&r));
    assert_int_equal(got.status, 422);
    assert_string_equal(got.code, "invalid_file");
    assert_true(str_eq(got.errors, sent.errors) && str_eq(got.detail, sent.detail));
    assert_null(got.inside.at);
    assert_int_equal(got.retry_after_s, 2);

    b.at[20] = 'I'; /* a code is in snake_case */
    r = wire_reader(&mem, buf_str(&b));
    message_err(&r, &got);
    assert_true(r.failed);

    b.at[20] = 'i';
    b.at[0] = 0; /* a status of 256 */
    r = wire_reader(&mem, buf_str(&b));
    message_err(&r, &got);
    assert_true(r.failed);
}

struct pair {
    int near, far;
};

static void pair_open(struct pair *pair, int type)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    *pair = (struct pair){ends[0], ends[1]};
}

static void pair_close(struct pair *pair)
{
    close(pair->near);
    close(pair->far);
}

static void a_frame_comes_in_pieces(void **state)
{
    (void)state;
    CLEANUP(buf_done) struct buf frame;
    CLEANUP(arena_done) struct arena mem;
    CLEANUP(pair_close) struct pair pair;
    pair_open(&pair, SOCK_STREAM);
    arena_init(&mem, CAP);
    buf_init(&frame, CAP);
    wire_frame_begin(&frame);
    buf_add(&frame, STR("hello"));
    assert_true(wire_frame_end(&frame, WIRE_ANSWER));
    struct wire_input in = {0};
    for (size_t i = 0; i < frame.len; i++) {
        assert_int_equal(wire_receive(pair.near, &mem, &in), WIRE_MORE);
        assert_true(wire_send(pair.far, str_sub(buf_str(&frame), i, 1), -1));
    }
    assert_int_equal(wire_receive(pair.near, &mem, &in), WIRE_DONE);
    assert_int_equal(in.kind, WIRE_ANSWER);
    assert_true(str_eq(wire_body(&in), STR("hello")));
    shutdown(pair.far, SHUT_WR);
    in = (struct wire_input){0};
    assert_int_equal(wire_receive(pair.near, &mem, &in), WIRE_END);
}

static void receive_head(const char *head, size_t cap, enum wire_state expected)
{
    CLEANUP(arena_done) struct arena mem;
    CLEANUP(pair_close) struct pair pair;
    pair_open(&pair, SOCK_STREAM);
    arena_init(&mem, cap);
    struct wire_input in = {0};
    assert_true(wire_send(pair.far, (str){head, WIRE_HEAD}, -1));
    assert_int_equal(wire_receive(pair.near, &mem, &in), expected);
}

static void heads_that_cannot_be_are_refused(void **state)
{
    (void)state;
    receive_head("\x01\0\0\0\x03", CAP, WIRE_MORE);
    receive_head("\x01\0\0\0\x00", CAP, WIRE_BAD);       /* no such kind */
    receive_head("\x01\0\0\0\x05", CAP, WIRE_BAD);       /* no such kind */
    receive_head("\xFF\xFF\xFF\xFF\x03", CAP, WIRE_BAD); /* longer than a body may be */
    receive_head("\0\0\0\x02\x03", CAP, WIRE_BAD);       /* longer than the arena has room for */
    receive_head("\x09\0\0\0\x02", CAP, WIRE_BAD);       /* progress of nine bytes */
}

static void a_full_socket_does_not_hold_the_sender(void **state)
{
    (void)state;
    CLEANUP(pair_close) struct pair pair;
    pair_open(&pair, SOCK_STREAM);
    size_t size = (size_t)8 * 1024 * 1024;
    char *much = calloc(1, size);
    assert_non_null(much);
    assert_false(wire_send(pair.near, (str){much, size}, 20));
    free(much);
}

static size_t descriptors_open(void)
{
    size_t n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* A hostile process may pass more than it should: none of it stays open here. */
static void two_descriptors_are_one_too_many(void **state)
{
    (void)state;
    CLEANUP(pair_close) struct pair pair;
    pair_open(&pair, SOCK_SEQPACKET);
    struct iovec part = {.iov_base = "call", .iov_len = 4};
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr head = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&head);
    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(2 * sizeof(int))};
    memcpy(CMSG_DATA(c), (int[]){pair.far, pair.far}, 2 * sizeof(int));
    assert_int_equal(sendmsg(pair.far, &head, 0), 4);
    size_t before = descriptors_open();
    char got[8];
    int passed;
    assert_true(wire_take(pair.near, got, sizeof(got), &passed) < 0);
    if (passed >= 0)
        close(passed);
    assert_int_equal(descriptors_open(), before);
}

static void descriptors_pass_with_their_message(void **state)
{
    (void)state;
    CLEANUP(pair_close) struct pair pair;
    pair_open(&pair, SOCK_SEQPACKET);
    char got[8];
    int passed;
    assert_true(wire_take(pair.near, got, sizeof(got), &passed) < 0);
    assert_true(wire_pass(pair.far, "call", 4, pair.far));
    assert_int_equal(wire_take(pair.near, got, sizeof(got), &passed), 4);
    assert_true(passed >= 0);
    close(passed);
    assert_true(wire_pass(pair.far, "much longer than eight", 22, -1));
    assert_true(wire_take(pair.near, got, sizeof(got), &passed) < 0);
    assert_int_equal(passed, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_both_ways),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(a_byte_too_many_is_refused),
        cmocka_unit_test(bent_bytes_stay_in_bounds),
        cmocka_unit_test(a_count_takes_no_more_memory_than_its_bytes),
        cmocka_unit_test(values_outside_their_range_are_refused),
        cmocka_unit_test(an_err_crosses_whole),
        cmocka_unit_test(a_frame_comes_in_pieces),
        cmocka_unit_test(heads_that_cannot_be_are_refused),
        cmocka_unit_test(a_full_socket_does_not_hold_the_sender),
        cmocka_unit_test(descriptors_pass_with_their_message),
        cmocka_unit_test(two_descriptors_are_one_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
