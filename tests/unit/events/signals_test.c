/* Signals: the last value of each key is told, at a limited pace, to those who hear and ride; who
 * missed some is told so; and nothing of it touches the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/events/stage.h"

#define SIGNAL(json) "event: signal\ndata: " json "\n\n"
#define MISSED SIGNAL("{\"kind\": \"missed\"}")

static void audience_print(void *arg, size_t streams, struct buf *json)
{
    (void)arg;
    buf_fmt(json, "{\"streams\": %zu}", streams);
}

static const struct topic_kind counted_kind = {
    watch_match, watch_render, watch_free, audience_print};

static struct stream *open_stream(struct fixture *f, const struct topic_kind *kind, const char *key,
                                  bool signals, int64_t position)
{
    struct request rq = {.mem = &f->mem, .db = &f->db};
    struct topic_ask ask = {.team = STR("team"),
                            .key = str_of(key),
                            .kind = kind,
                            .arg = calloc(1, sizeof(struct watch)),
                            .position = position,
                            .reset = watch_reset,
                            .signals = signals};
    assert_ok(reply_events(&rq, f->events, &ask));
    loop_post(last_opened->loop, &last_opened->post);
    return last_opened;
}

/* Riding, at the end of the log. */
static struct stream *hear(struct fixture *f)
{
    struct stream *stream = open_stream(f, &watch_kind, "log", true, -1);
    struct reader *reader = stream->owner;
    while (!reader->riding)
        assert_true(loop_step(stream->loop));
    stream->taken.len = 0;
    return stream;
}

static void tell(struct fixture *f, const char *key, const char *json)
{
    signal_tell(f->events, STR("team"), str_of(key), str_of(json));
}

static void nobody_hears(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = listen(f, -1);
    append_n(f, 1);
    wait_text(stream, "1 ");
    assert_false(signals_heard(f->events, STR("team")));
    tell(f, "a", "{}");
    run_out(stream->loop);
    assert_true(has(stream, "1 "));
    leave(stream);
}

static void the_first_is_told_at_once_and_the_last_after_a_pause(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = hear(f), *other = listen(f, -1);
    assert_true(signals_heard(f->events, STR("team")));
    assert_false(signals_heard(f->events, STR("another")));
    tell(f, "a", "{\"a\": 1}");
    wait_text(stream, SIGNAL("{\"a\": 1}"));
    for (int i = 0; i < 10; i++)
        tell(f, "a", "{\"a\": 2}");
    tell(f, "a", "{\"a\":\n3}");
    signal_tell(f->events, STR("another"), STR("a"), STR("{\"a\": 4}"));
    run_out(stream->loop);
    assert_true(has(stream, SIGNAL("{\"a\": 1}")));
    loop_pass(stream->loop);
    assert_true(has(stream, SIGNAL("{\"a\": 1}") SIGNAL("{\"a\": 3}")));
    loop_pass(stream->loop);
    run_out(stream->loop);
    assert_true(has(stream, SIGNAL("{\"a\": 1}") SIGNAL("{\"a\": 3}")));
    tell(f, "a", "{\"a\": 5}");
    wait_text(stream, SIGNAL("{\"a\": 1}") SIGNAL("{\"a\": 3}") SIGNAL("{\"a\": 5}"));
    assert_true(has(other, ""));
    leave(other);
    leave(stream);
    assert_false(signals_heard(f->events, STR("team")));
}

static void what_is_forgotten_is_not_told(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = hear(f);
    tell(f, "a", "{\"a\": 1}");
    wait_text(stream, SIGNAL("{\"a\": 1}"));
    tell(f, "a", "{\"a\": 2}");
    signal_forget(f->events, STR("team"), STR("a"));
    signal_forget(f->events, STR("team"), STR("unknown"));
    append_n(f, 1);
    wait_text(stream, SIGNAL("{\"a\": 1}") "1 ");
    loop_pass(stream->loop);
    run_out(stream->loop);
    assert_true(has(stream, SIGNAL("{\"a\": 1}") "1 "));
    leave(stream);
}

static void who_is_full_misses_them_and_is_told_so(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = hear(f);
    stream->room = 2;
    stream->held = 2;
    tell(f, "a", "{\"a\": 1}");
    run_out(stream->loop);
    assert_true(has(stream, ""));
    stream_drain(stream);
    assert_true(has(stream, MISSED));
    loop_pass(stream->loop);
    tell(f, "a", "{\"a\": 2}");
    wait_text(stream, MISSED SIGNAL("{\"a\": 2}"));
    leave(stream);
}

static void who_falls_behind_is_told_both(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = hear(f);
    stream->room = stream->held = 2;
    append_n(f, 3); /* for which there is no room: it falls behind */
    run_out(stream->loop);
    struct reader *reader = stream->owner;
    assert_false(reader->riding);
    tell(f, "a", "{\"a\": 1}");
    run_out(stream->loop);
    assert_true(has(stream, ""));
    stream->room = 0;
    stream_drain(stream);
    assert_true(has(stream, MISSED));
    wait_text(stream, MISSED "1 2 3 ");
    loop_pass(stream->loop);
    tell(f, "a", "{\"a\": 2}");
    wait_text(stream, MISSED "1 2 3 " SIGNAL("{\"a\": 2}"));
    leave(stream);
}

static void who_is_catching_up_hears_them(void **state)
{
    struct fixture *f = *state;
    append_n(f, 3);
    struct stream *stream = hear(f);
    struct reader *reader = stream->owner;
    reader_off(reader); /* on its way to another read of the log */
    tell(f, "a", "{\"a\": 1}");
    wait_text(stream, SIGNAL("{\"a\": 1}"));
    reader->position = 0;
    feed_wait(reader->topic->feed, reader);
    wait_text(stream, SIGNAL("{\"a\": 1}") "1 2 3 ");
    leave(stream);
}

/* More than there is room for is not kept, and said not to have been. */
static void too_many_are_lost_and_said_to_be(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = hear(f);
    char key[32];
    tell(f, "a", "{\"a\": 1}");
    wait_text(stream, SIGNAL("{\"a\": 1}"));
    stream->taken.len = 0;
    for (int i = 0; i < 1500; i++) {
        snprintf(key, sizeof(key), "key %d", i);
        tell(f, key, "{}");
    }
    loop_pass(stream->loop);
    assert_true(str_starts(buf_str(&stream->taken), STR(MISSED)));
    assert_int_equal(stream->taken.len, strlen(MISSED) + 1000 * strlen(SIGNAL("{}")));
    leave(stream);
}

static void audiences_are_counted_and_told(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = hear(f);
    assert_int_equal(events_audience(f->events, &f->mem, STR("team"), STR("room")), 0);
    struct stream *one = open_stream(f, &counted_kind, "room", false, -1);
    wait_text(stream, SIGNAL("{\"streams\": 1}"));
    struct stream *two = open_stream(f, &counted_kind, "room", false, -1);
    struct stream *other = open_stream(f, &watch_kind, "elsewhere", false, -1);
    run_out(stream->loop);
    assert_int_equal(events_audience(f->events, &f->mem, STR("team"), STR("room")), 2);
    assert_int_equal(events_audience(f->events, &f->mem, STR("team"), STR("elsewhere")), 1);
    assert_int_equal(events_audience(f->events, &f->mem, STR("other"), STR("room")), 0);
    loop_pass(stream->loop);
    assert_true(has(stream, SIGNAL("{\"streams\": 1}") SIGNAL("{\"streams\": 2}")));
    leave(one);
    leave(two);
    leave(other);
    loop_pass(stream->loop);
    assert_true(has(
        stream, SIGNAL("{\"streams\": 1}") SIGNAL("{\"streams\": 2}") SIGNAL("{\"streams\": 0}")));
    assert_int_equal(events_audience(f->events, &f->mem, STR("team"), STR("room")), 0);
    leave(stream);
}

/* From many threads, while a stream hears: the last value of each comes. */
#define TELLERS 4
#define TOLD 2000

struct teller {
    struct fixture *fixture;
    int index;
    pthread_t thread;
};

static void *teller_run(void *arg)
{
    struct teller *teller = arg;
    char key[16], json[32];
    snprintf(key, sizeof(key), "%d", teller->index);
    for (int i = 0; i < TOLD; i++) {
        snprintf(json, sizeof(json), "{\"%d\": %d}", teller->index, i);
        tell(teller->fixture, key, json);
        if (i % 7 == 0)
            signal_forget(teller->fixture->events, STR("team"), str_of(key));
    }
    snprintf(json, sizeof(json), "{\"%d\": \"last\"}", teller->index);
    tell(teller->fixture, key, json);
    return NULL;
}

static bool told_all(const struct stream *stream)
{
    for (int i = 0; i < TELLERS; i++) {
        char json[32];
        snprintf(json, sizeof(json), "{\"%d\": \"last\"}", i);
        if (!stream->taken.len || !memmem(stream->taken.at, stream->taken.len, json, strlen(json)))
            return false;
    }
    return true;
}

static void many_tell_at_once(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = hear(f);
    struct teller tellers[TELLERS];
    for (int i = 0; i < TELLERS; i++) {
        tellers[i] = (struct teller){.fixture = f, .index = i};
        assert_int_equal(pthread_create(&tellers[i].thread, NULL, teller_run, &tellers[i]), 0);
    }
    while (!told_all(stream)) {
        loop_step_within(stream->loop, 1);
        loop_pass(stream->loop);
    }
    for (int i = 0; i < TELLERS; i++)
        pthread_join(tellers[i].thread, NULL);
    run_out(stream->loop);
    leave(stream);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_hears),
        TEST(the_first_is_told_at_once_and_the_last_after_a_pause),
        TEST(what_is_forgotten_is_not_told),
        TEST(who_is_full_misses_them_and_is_told_so),
        TEST(who_falls_behind_is_told_both),
        TEST(who_is_catching_up_hears_them),
        TEST(too_many_are_lost_and_said_to_be),
        TEST(audiences_are_counted_and_told),
        TEST(many_tell_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
