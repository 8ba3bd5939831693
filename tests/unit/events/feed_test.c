/* Feeds: every reader is told every event that it asked for once and in order, whatever happens on
 * the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>

#include "unit/events/stage.h"

static void live_events_come_in_order(void **state)
{
    struct fixture *f = *state;
    append_n(f, 2);
    struct stream *stream = listen(f, -1);
    append_n(f, 3);
    wait_text(stream, "3 4 5 ");
    append_n(f, 1);
    wait_text(stream, "3 4 5 6 ");
    leave(stream);
}

static void a_position_is_resumed(void **state)
{
    struct fixture *f = *state;
    append_n(f, 5);
    struct stream *one = listen(f, 0), *two = listen(f, 3), *end = listen(f, 5);
    wait_text(one, "1 2 3 4 5 ");
    wait_text(two, "4 5 ");
    append_n(f, 1);
    wait_text(one, "1 2 3 4 5 6 ");
    wait_text(two, "4 5 6 ");
    wait_text(end, "6 ");
    leave(one);
    leave(two);
    leave(end);
}

static void more_than_a_batch_is_resumed(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_done) struct buf all;
    buf_init(&all, 1 << 20);
    for (int i = 1; i <= 3 * BATCH_EVENTS + 7; i++)
        buf_fmt(&all, "%d ", i);
    buf_char(&all, 0);
    append_n(f, 3 * BATCH_EVENTS + 7);
    struct stream *stream = listen(f, 0);
    wait_text(stream, all.at);
    leave(stream);
}

static void a_filter_holds_for_the_past_and_the_present(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 4; i++)
        assert_ok(append(f->events, f->store, "team", i % 2 ? "odd" : "even"));
    struct stream *odd = listen_as(f, "team", "odd", (struct watch){.type = "odd"}, 0);
    struct stream *even = listen_as(f, "team", "even", (struct watch){.type = "even"}, 1);
    wait_text(odd, "2 4 ");
    wait_text(even, "3 ");
    assert_ok(append(f->events, f->store, "team", "even"));
    assert_ok(append(f->events, f->store, "team", "odd"));
    wait_text(odd, "2 4 6 ");
    wait_text(even, "3 5 ");
    leave(odd);
    leave(even);
}

static void teams_are_apart(void **state)
{
    struct fixture *f = *state;
    struct stream *mine = listen_as(f, "mine", "all", (struct watch){0}, -1);
    struct stream *theirs = listen_as(f, "theirs", "all", (struct watch){0}, -1);
    assert_ok(append(f->events, f->store, "mine", "t"));
    assert_ok(append(f->events, f->store, "theirs", "t"));
    assert_ok(append(f->events, f->store, "theirs", "t"));
    wait_text(theirs, "1 2 ");
    wait_text(mine, "1 ");
    leave(mine);
    leave(theirs);
}

static void an_event_of_another_node_is_read(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = listen(f, -1);
    append_n(f, 1);
    wait_text(stream, "1 ");
    /* Nobody here is told of these two. */
    assert_ok(append(NULL, f->store, "team", "t"));
    assert_ok(append(NULL, f->store, "team", "t"));
    run_out(stream->loop);
    assert_true(has(stream, "1 "));
    append_n(f, 1);
    wait_text(stream, "1 2 3 4 ");
    leave(stream);
}

static void announce(struct fixture *f, int64_t n)
{
    struct event event = {.n = n, .team = STR("team"), .type = STR("t"), .data = STR("{}")};
    struct shared *shared = shared_new(&event);
    feed_announce(f->events, shared);
    shared_unref(shared);
}

static void announcements_may_come_in_any_order(void **state)
{
    static const int64_t orders[][4] = {
        {2, 3, 4, 5}, {5, 4, 3, 2}, {3, 2, 5, 4}, {4, 2, 5, 3}, {5, 5, 5, 5}, {3, 3, 2, 5}};
    for (size_t i = 0; i < LENGTH(orders); i++) {
        struct fixture *f = *state;
        struct stream *stream = listen(f, -1);
        append_n(f, 1);
        wait_text(stream, "1 ");
        for (int n = 0; n < 4; n++)
            assert_ok(append(NULL, f->store, "team", "t"));
        for (int n = 0; n < 4; n++) {
            announce(f, orders[i][n]);
            if (i % 2)
                loop_step(stream->loop);
        }
        wait_text(stream, "1 2 3 4 5 ");
        run_out(stream->loop);
        append_n(f, 1);
        wait_text(stream, "1 2 3 4 5 6 ");
        leave(stream);
        tear_down(state);
        set_up(state);
    }
}

/* It opens while the feed has heard of 3 but not yet of 2. */
static void a_fresh_stream_hears_nothing_old(void **state)
{
    struct fixture *f = *state;
    struct stream *one = listen(f, -1);
    append_n(f, 1);
    wait_text(one, "1 ");
    assert_ok(append(NULL, f->store, "team", "t"));
    assert_ok(append(NULL, f->store, "team", "t"));
    announce(f, 3);
    struct stream *two = listen(f, -1);
    wait_text(one, "1 2 3 ");
    append_n(f, 1);
    wait_text(one, "1 2 3 4 ");
    wait_text(two, "4 ");
    leave(one);
    leave(two);
}

static void a_full_inbox_loses_nothing(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_done) struct buf all;
    buf_init(&all, 1 << 20);
    struct stream *stream = listen(f, -1);
    append_n(f, 1);
    wait_text(stream, "1 ");
    append_n(f, 3 * INBOX_MAX);
    for (int i = 1; i <= 3 * INBOX_MAX + 1; i++)
        buf_fmt(&all, "%d ", i);
    buf_char(&all, 0);
    wait_text(stream, all.at);
    leave(stream);
}

static void a_slow_stream_is_caught_up(void **state)
{
    struct fixture *f = *state;
    struct stream *slow = listen(f, -1), *fast = listen(f, -1);
    CLEANUP(buf_done) struct buf all;
    buf_init(&all, 1 << 20);
    slow->room = 2;
    append_n(f, 1);
    wait_text(slow, "1 ");
    wait_text(fast, "1 ");
    for (int round = 0; round < 20; round++) {
        append_n(f, 10);
        run_out(slow->loop);
        assert_true(slow->held <= 2);
        if (round % 5 == 0)
            stream_drain(slow);
    }
    for (int i = 1; i <= 201; i++)
        buf_fmt(&all, "%d ", i);
    buf_char(&all, 0);
    wait_text(fast, all.at);
    while (!has(slow, all.at)) {
        stream_drain(slow);
        if (!has(slow, all.at))
            assert_true(loop_step(slow->loop));
    }
    stream_drain(slow);
    append_n(f, 1);
    buf_done(&all);
    leave(slow);
    leave(fast);
}

static void a_position_that_is_not_kept_is_reset(void **state)
{
    struct fixture *f = *state;
    append_n(f, 3);
    struct stream *beyond = listen(f, 4);
    wait_text(beyond, "reset3 ");
    assert_ok(events_trim(f->events, &f->mem));
    struct stream *old = listen(f, 1), *end = listen(f, 3);
    wait_text(old, "reset3 ");
    append_n(f, 1);
    wait_text(beyond, "reset3 4 ");
    wait_text(old, "reset3 4 ");
    wait_text(end, "4 ");
    leave(beyond);
    leave(old);
    leave(end);
}

static void an_ended_topic_ends_its_streams(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = listen(f, -1);
    append_n(f, 1);
    wait_text(stream, "1 ");
    assert_ok(append(f->events, f->store, "team", "end"));
    append_n(f, 1);
    wait_text(stream, "1 end2 ");
    run_out(stream->loop);
    assert_true(stream->closed && has(stream, "1 end2 "));
    struct stream *late = listen(f, 0);
    wait_text(late, "1 end2 ");
    leave(stream);
    leave(late);
}

static void a_frame_is_made_once_for_all(void **state)
{
    struct fixture *f = *state;
    atomic_int renders = 0, frees = 0;
    struct stream *streams[5];
    append_n(f, 2);
    for (int i = 0; i < 5; i++)
        streams[i] = listen_as(f, "team", "all", (struct watch){NULL, &renders, &frees}, 0);
    for (int i = 0; i < 5; i++)
        wait_text(streams[i], "1 2 ");
    /* The read for the first, and one for those who came meanwhile. */
    assert_int_equal(renders, 4);
    assert_int_equal(frees, 4);
    append_n(f, 1);
    for (int i = 0; i < 5; i++)
        wait_text(streams[i], "1 2 3 ");
    assert_int_equal(renders, 5);
    for (int i = 0; i < 5; i++)
        leave(streams[i]);
    assert_int_equal(frees, 5);
}

static void without_streams_there_is_no_feed(void **state)
{
    struct fixture *f = *state;
    struct hub *hub = &f->events->hubs[0];
    struct stream *one = listen(f, -1), *two = listen(f, -1);
    append_n(f, 1);
    wait_text(one, "1 ");
    assert_int_equal(hub->feeds.n, 1);
    assert_int_equal(f->events->hubs[1].feeds.n, 0);
    leave(one);
    assert_int_equal(hub->feeds.n, 1);
    leave(two);
    while (hub->feeds.n)
        assert_true(loop_step(&fake.loops[0]));
    append_n(f, 1);
    assert_true(loop_idle(&fake.loops[0]));
}

static void a_stream_may_leave_at_any_time(void **state)
{
    struct fixture *f = *state;
    append_n(f, 250);
    for (int steps = 1; steps < 5; steps++) {
        struct stream *stream = listen(f, 0);
        for (int i = 0; i < steps; i++)
            loop_step(stream->loop);
        leave(stream);
    }
    while (f->events->hubs[0].feeds.n)
        assert_true(loop_step(&fake.loops[0]));
}

static void a_read_that_fails_ends_the_streams(void **state)
{
    struct fixture *f = *state;
    struct stream *stream = listen(f, 0);
    struct tx tx;
    assert_ok(db_begin(&f->db, &tx));
    assert_ok(tx_run(&tx, "DROP TABLE events"));
    assert_ok(tx_commit(&tx));
    while (!stream->closed)
        assert_true(loop_step(stream->loop));
    assert_true(has(stream, ""));
    leave(stream);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static bool gate_shut, gate_reached;

static void gate_pass(void)
{
    pthread_mutex_lock(&gate);
    gate_reached = true;
    pthread_cond_broadcast(&gate_changed);
    while (gate_shut)
        pthread_cond_wait(&gate_changed, &gate);
    pthread_mutex_unlock(&gate);
}

static void gate_wait_reached(void)
{
    pthread_mutex_lock(&gate);
    while (!gate_reached)
        pthread_cond_wait(&gate_changed, &gate);
    pthread_mutex_unlock(&gate);
}

static void gate_set(bool shut)
{
    pthread_mutex_lock(&gate);
    gate_shut = shut;
    gate_reached = false;
    pthread_cond_broadcast(&gate_changed);
    pthread_mutex_unlock(&gate);
}

static void *one_main(void *arg)
{
    struct fixture *f = arg;
    return append(f->events, f->store, "team", "t") ? f : NULL;
}

/* While the sync of a commit is held up, a reader of the store can see its event, but nobody is
 * told. */
static void nothing_is_told_before_it_is_on_disk(void **state)
{
    struct fixture *f = *state;
    pthread_t writer;
    struct stream *early = listen(f, -1);
    while (loop_step_within(early->loop, 100))
        ;
    gate_set(true);
    disk.syncing = gate_pass;
    pthread_create(&writer, NULL, one_main, f);
    gate_wait_reached();
    open_on = &fake.loops[1];
    struct stream *late = listen(f, 0);
    while (loop_step_within(late->loop, 300))
        ;
    assert_false(loop_step_within(early->loop, 0));
    assert_true(has(early, "") && has(late, ""));
    gate_set(false);
    pthread_join(writer, NULL);
    disk.syncing = NULL;
    wait_text(early, "1 ");
    wait_text(late, "1 ");
    leave(early);
    leave(late);
}

/* What follows has loops that run by themselves, writers, and clients that come and go. */

#define WRITERS 6
#define EACH 150
#define CLIENTS 24

struct client {
    struct fixture *f;
    struct stream *stream;
    struct loop_post post;
    struct buf heard;
    int64_t position;
    unsigned chance;
    atomic_bool done;
};

static void *loop_main(void *arg)
{
    struct loop *loop = arg;
    while (loop_step(loop))
        ;
    return NULL;
}

static void *appender_main(void *arg)
{
    struct fixture *f = arg;
    for (int i = 0; i < EACH; i++) {
        if (append(f->events, f->store, "team", "t"))
            abort();
    }
    return NULL;
}

/* The last number in the text, or what was before. */
static int64_t last_number(str text, int64_t before)
{
    int64_t n = before;
    while (text.at && text.len) {
        str piece = str_cut(&text, ' ');
        str_i64(piece, &n);
    }
    return n;
}

static void client_open(struct client *client)
{
    struct arena mem;
    arena_init(&mem, 1 << 20);
    struct db db = {.store = client->f->store, .mem = &mem};
    struct request rq = {.mem = &mem, .db = &db};
    struct topic_ask ask = {.team = STR("team"),
                            .key = STR("all"),
                            .kind = &watch_kind,
                            .arg = calloc(1, sizeof(struct watch)),
                            .position = client->position,
                            .reset = watch_reset};
    if (reply_events(&rq, client->f->events, &ask))
        abort();
    arena_done(&mem);
    client->stream = last_opened;
    client->stream->room = (size_t)rand_r(&client->chance) % 4;
    loop_post(client->stream->loop, &client->stream->post);
}

/* On its loop, again and again: drains, leaves, or comes back at where it was. */
static void client_turn(struct loop *loop, struct loop_post *post)
{
    struct client *client = CONTAINER(post, struct client, post);
    struct stream *stream = client->stream;
    open_on = loop;
    if (stream->closed) {
        str text = buf_str(&stream->taken);
        buf_add(&client->heard, text);
        client->position = last_number(text, client->position);
        stream_free(stream);
        if (client->position == WRITERS * EACH) {
            atomic_store(&client->done, true);
            return;
        }
        client_open(client);
    } else if (last_number(buf_str(&stream->taken), 0) == WRITERS * EACH ||
               rand_r(&client->chance) % 40 == 0) {
        stream_end(stream, NULL);
    } else {
        stream_drain(stream);
    }
    sched_yield();
    loop_post(loop, &client->post);
}

static void all_hear_all_once(void **state)
{
    struct fixture *f = *state;
    pthread_t writers[WRITERS];
    static struct client clients[CLIENTS];
    CLEANUP(buf_done) struct buf all;
    buf_init(&all, 1 << 20);
    for (int i = 1; i <= WRITERS * EACH; i++)
        buf_fmt(&all, "%d ", i);
    for (int i = 0; i < CLIENTS; i++) {
        struct client *client = &clients[i];
        *client = (struct client){.f = f, .chance = (unsigned)i};
        client->post.run = client_turn;
        buf_init(&client->heard, 1 << 20);
        open_on = &fake.loops[i % LOOPS];
        client_open(client);
        loop_post(open_on, &client->post);
    }
    for (int i = 0; i < LOOPS; i++)
        pthread_create(&fake.loops[i].thread, NULL, loop_main, &fake.loops[i]);
    for (int i = 0; i < WRITERS; i++)
        pthread_create(&writers[i], NULL, appender_main, f);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    for (int i = 0; i < CLIENTS; i++) {
        while (!atomic_load(&clients[i].done))
            sched_yield();
    }
    for (int i = 0; i < LOOPS; i++) {
        pthread_mutex_lock(&fake.loops[i].lock);
        fake.loops[i].stop = true;
        pthread_cond_signal(&fake.loops[i].posted);
        pthread_mutex_unlock(&fake.loops[i].lock);
        pthread_join(fake.loops[i].thread, NULL);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(str_eq(buf_str(&clients[i].heard), buf_str(&all)));
        buf_done(&clients[i].heard);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(live_events_come_in_order),
        CASE(a_position_is_resumed),
        CASE(more_than_a_batch_is_resumed),
        CASE(a_filter_holds_for_the_past_and_the_present),
        CASE(teams_are_apart),
        CASE(an_event_of_another_node_is_read),
        CASE(announcements_may_come_in_any_order),
        CASE(a_fresh_stream_hears_nothing_old),
        CASE(a_full_inbox_loses_nothing),
        CASE(a_slow_stream_is_caught_up),
        CASE(a_position_that_is_not_kept_is_reset),
        CASE(an_ended_topic_ends_its_streams),
        CASE(a_frame_is_made_once_for_all),
        CASE(without_streams_there_is_no_feed),
        CASE(a_stream_may_leave_at_any_time),
        CASE(a_read_that_fails_ends_the_streams),
        CASE(nothing_is_told_before_it_is_on_disk),
        CASE(all_hear_all_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
