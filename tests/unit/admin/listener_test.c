/* Listeners of the present: order, the newest state, slow readers, lines that are dropped and
 * counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "admin/listener.h"
#include "unit/events/fake_http.h"

/* In the place of watch.c's: no thread. */
struct watch {
    pthread_mutex_t lock;
    bool refuses;
};

static struct watch watch = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct listener *listener;
static struct stream *stream;
static struct loop *loop = &fake.loops[0];

void watch_lock(struct watch *of)
{
    pthread_mutex_lock(&of->lock);
}

void watch_unlock(struct watch *of)
{
    pthread_mutex_unlock(&of->lock);
}

bool watch_join(struct watch *of, struct listener *joining)
{
    (void)joining;
    return !of->refuses;
}

static int setup(void **state)
{
    (void)state;
    fake_init();
    watch.refuses = false;
    open_on = loop;
    listener = listener_new(&watch);
    if (!listener || reply_stream(NULL, &listener_calls, listener))
        return -1;
    stream = last_opened;
    stream->calls->opened(stream, listener);
    return 0;
}

static void loop_run(void)
{
    while (!loop_idle(loop))
        loop_step(loop);
}

static int teardown(void **state)
{
    (void)state;
    stream_end(stream, NULL);
    loop_run();
    if (!stream->closed)
        return -1;
    stream_free(stream);
    return 0;
}

static struct frame *frame_of(const char *format, int64_t n)
{
    char text[64];
    snprintf(text, sizeof(text), format, (long long)n);
    struct frame *frame = frame_copy(str_of(text));
    assert_non_null(frame);
    return frame;
}

static void tell_line(int64_t n)
{
    struct frame *frame = frame_of("<%lld>", n);
    watch_lock(&watch);
    listener_tell_line(listener, n, frame);
    watch_unlock(&watch);
    frame_unref(frame);
}

static void tell_lines(int64_t from, int64_t upto)
{
    for (int64_t n = from; n <= upto; n++)
        tell_line(n);
}

static void tell_state(int64_t n)
{
    struct frame *frame = frame_of("{%lld}", n);
    watch_lock(&watch);
    listener_tell_state(listener, frame);
    watch_unlock(&watch);
    frame_unref(frame);
}

/* What the stream has got since it was last asked. */
static void got(const char *wanted)
{
    str text = buf_str(&stream->taken);
    if (!str_eq(text, str_of(wanted)))
        fail_msg("got \"%.*s\" instead of \"%s\"", STR_ARGS(text), wanted);
    stream->taken.len = 0;
}

#define DROPPED(n) "event: log-dropped\ndata: {\"lines\": " #n "}\n\n"

static void lines_and_states_in_order(void **state)
{
    (void)state;
    tell_state(1);
    tell_lines(1, 2);
    assert_int_equal(stream->taken.len, 0); /* only on the loop */
    loop_run();
    got("{1}<1><2>");
    tell_line(3);
    loop_run();
    tell_line(3); /* once */
    tell_line(2);
    loop_run();
    got("<3>");
    assert_true(loop_idle(loop));
}

static void of_states_the_newest(void **state)
{
    (void)state;
    tell_line(1);
    tell_state(1);
    tell_state(2);
    tell_line(2);
    tell_state(3);
    loop_run();
    got("<1>{3}<2>");
}

static void a_slow_reader_goes_on_where_it_was(void **state)
{
    (void)state;
    stream->room = 2;
    tell_state(1);
    tell_lines(1, 4);
    loop_run();
    got("{1}<1>");
    tell_state(2); /* waits behind the lines */
    loop_run();
    stream_drain(stream);
    got("<2><3>");
    stream_drain(stream);
    got("<4>{2}");
    stream_drain(stream);
    got("");
}

/* It is at the front, on its way, when the newer one comes. */
static void a_state_that_is_refused_gives_way(void **state)
{
    (void)state;
    stream->room = 1;
    tell_line(1);
    tell_state(1);
    loop_run();
    got("<1>");
    tell_state(2);
    loop_run();
    stream_drain(stream);
    got("{2}");
    stream_drain(stream);
    got("");
}

static void lines_beyond_the_queue_are_counted(void **state)
{
    (void)state;
    const int64_t kept = LISTENER_QUEUE - 1;
    char wanted[1024] = "";
    tell_lines(1, kept + 5);
    tell_state(1); /* has a place all the same */
    tell_lines(kept + 6, kept + 7);
    for (int64_t n = 1; n <= kept; n++)
        snprintf(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), "<%lld>", (long long)n);
    strncat(wanted, "{1}" DROPPED(7), sizeof(wanted) - strlen(wanted) - 1);
    loop_run();
    got(wanted);
    tell_line(kept + 8);
    loop_run();
    got("<71>");
}

static void nothing_overtakes_what_was_dropped(void **state)
{
    (void)state;
    stream->room = LISTENER_QUEUE - 1;
    tell_lines(1, LISTENER_QUEUE + 9);
    loop_run();
    stream->taken.len = 0;
    tell_line(LISTENER_QUEUE + 10); /* the queue is empty, but this would hide the gap */
    loop_run();
    got("");
    stream_drain(stream);
    got(DROPPED(11));
    tell_line(LISTENER_QUEUE + 11);
    loop_run();
    got("<75>");
}

/* The log went round faster than it was read. */
static void a_gap_is_counted(void **state)
{
    (void)state;
    tell_line(1);
    tell_line(12);
    loop_run();
    got("<1>" DROPPED(11));
    watch_lock(&watch);
    listener_tell_line(listener, 13, NULL); /* no memory */
    watch_unlock(&watch);
    loop_run();
    got(DROPPED(1));
    tell_line(14);
    loop_run();
    got("<14>");
}

/* Nothing is lost or freed twice (AddressSanitizer looks). */
static void an_end_with_words_under_way(void **state)
{
    (void)state;
    stream->room = 1;
    tell_lines(1, 5);
    stream_end(stream, NULL); /* its end is posted behind the words */
    loop_run();
    assert_true(stream->closed);
    got("");
}

static void an_end_before_words(void **state)
{
    (void)state;
    stream_end(stream, NULL);
    tell_lines(1, 3); /* posted behind the end */
    loop_run();
    assert_true(stream->closed);
    got("");
}

static void who_can_not_join_is_sent_away(void **state)
{
    (void)state;
    struct stream *first = stream;
    watch.refuses = true;
    struct listener *second = listener_new(&watch);
    assert_non_null(second);
    assert_null(reply_stream(NULL, &listener_calls, second));
    struct stream *refused = last_opened;
    refused->calls->opened(refused, second);
    assert_true(refused->over);
    loop_run();
    assert_true(refused->closed);
    stream_free(refused);
    stream = first;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_and_states_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(of_states_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_reader_goes_on_where_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(a_state_that_is_refused_gives_way, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_beyond_the_queue_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_overtakes_what_was_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gap_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_with_words_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(an_end_before_words, setup, teardown),
        cmocka_unit_test_setup_teardown(who_can_not_join_is_sent_away, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
