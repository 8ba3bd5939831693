/* Open streams: their bytes, slow readers, ends, and the shutdown. */
#include "toy.h"

#define LISTEN(query) \
    "GET /listen" query " HTTP/1.1\r\nHost: toy\r\nAuthorization: JWT good\r\n\r\n"

static int setup_fast(void **state)
{
    (void)state;
    toy_options();
    toy_new();
    toy.server->wait_ms[WAIT_KEEP_ALIVE] = 300;
    toy_start();
    return 0;
}

static bool listener_open(struct client *client, const char *request)
{
    client_open(client);
    client_say(client, request);
    return client_until(client, "event: stream-open\ndata:\n\n");
}

/* Sends one frame to all streams, from another thread as a feed would. */
struct publish {
    struct loop_post post;
    struct frame *frame;
};

static void publish_run(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    struct publish *publish = CONTAINER(post, struct publish, post);
    for (size_t i = 0; i < TOY_STREAMS; i++) {
        if (toy.owners[i])
            stream_send(toy.owners[i]->stream, publish->frame);
    }
    frame_unref(publish->frame);
    free(publish);
}

static void publish(const char *text)
{
    struct publish *publish = calloc(1, sizeof(*publish));
    assert_non_null(publish);
    publish->frame = frame_copy(str_of(text));
    publish->post.run = publish_run;
    loop_post(server_loop(toy.server, 0), &publish->post);
}

static void wire_order(void **state)
{
    (void)state;
    char value[256], padding[2052] = ":";
    CLEANUP(client_done) struct client client;
    assert_true(listener_open(&client, LISTEN("")));
    const char *end = memmem(client.in.at, client.in.len, "\r\n\r\n", 4);
    client_take(&client, &client.head, (size_t)(end - client.in.at) + 4);
    assert_memory_equal(client.head.at, "HTTP/1.1 200 OK\r\n", 17);
    assert_string_equal(client_header(&client, "Content-Type", value),
                        "text/event-stream; charset=utf-8");
    assert_string_equal(client_header(&client, "Cache-Control", value), "no-cache, no-store");
    assert_string_equal(client_header(&client, "X-Accel-Buffering", value), "no");
    assert_string_equal(client_header(&client, "Connection", value), "close");
    assert_null(client_header(&client, "Content-Length", value));
    assert_null(client_header(&client, "Transfer-Encoding", value));
    memset(padding + 1, ' ', 2048);
    memcpy(padding + 2049, "\n\n", 3);
    assert_memory_equal(client.in.at, padding, 2051);
    assert_memory_equal(client.in.at + 2051, "event: stream-open\ndata:\n\n", 26);
    client.in.len = 0;
    publish("event: a\ndata: 1\n\n");
    publish("event: a\ndata: 2\n\n");
    assert_true(client_until(&client, "data: 2\n\n"));
    assert_int_equal(client.in.len, 36);
}

static void keeps_alive(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    assert_true(listener_open(&client, LISTEN("")));
    assert_true(client_until(&client, "event: keep-alive\ndata:\n\n"));
    client.in.len = 0;
    assert_true(client_until(&client, "event: keep-alive\ndata:\n\n"));
    assert_int_equal(server_stream_count(toy.server), 1);
}

static void ticket_opens(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    assert_true(listener_open(&client, "GET /listen?ticket=t1 HTTP/1.1\r\nHost: a\r\n\r\n"));
    CLEANUP(client_done) struct client wrong;
    client_open(&wrong);
    assert_int_equal(client_ask(&wrong, "GET /listen?ticket=x HTTP/1.1\r\nHost: a\r\n\r\n"), 401);
    client_say(&wrong, "HEAD /listen HTTP/1.1\r\nHost: a\r\nAuthorization: JWT good\r\n\r\n");
    assert_int_equal(client_answer_to(&wrong, true), 200);
    assert_true(toy_reaches(&toy.closed, 1));
    assert_int_equal(atomic_load(&toy.opened), 1);
}

/* More than the queue holds, at once: nothing is lost, and the owner goes on when it is drained. */
static void burst(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    assert_true(listener_open(&client, LISTEN("?frames=300")));
    size_t seen = 0;
    char id[32];
    while (seen < 300) {
        snprintf(id, sizeof(id), "id: %zu\n", seen);
        assert_true(client_until(&client, id));
        const char *at = memmem(client.in.at, client.in.len, id, strlen(id));
        client_take(&client, &client.body, (size_t)(at - client.in.at));
        seen++;
    }
    assert_true(atomic_load(&toy.drained) > 0);
}

/* A reader that does not read costs a queue and what the kernel holds, and goes on where it
 * stopped; all 500 frames would be a hundred queues. */
static void slow_reader(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client = {.fd = toy_connect_small(4096)};
    buf_init(&client.in, 64 << 20);
    client_say(&client, LISTEN("?frames=500"));
    assert_true(toy_reaches(&toy.opened, 1));
    CLEANUP(client_done) struct client other;
    assert_true(listener_open(&other, LISTEN("")));
    assert_in_range(atomic_load(&toy.drained), 0, 50);
    assert_true(client_until(&client, "id: 499\n"));
    for (int i = 0; i < 500; i += 7) {
        char id[32];
        snprintf(id, sizeof(id), "\nid: %d\n", i);
        assert_true(client_has(&client, id));
    }
}

static void reader_that_stopped_is_dropped(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client = {.fd = toy_connect_small(4096)};
    client_say(&client, LISTEN("?frames=500"));
    assert_true(toy_reaches(&toy.opened, 1));
    assert_true(toy_reaches(&toy.closed, 1));
}

static int setup_stall(void **state)
{
    (void)state;
    toy_options();
    toy_new();
    toy.server->wait_ms[WAIT_STALL] = 500;
    toy_start();
    return 0;
}

static void leaving_is_noticed(void **state)
{
    (void)state;
    struct client client;
    assert_true(listener_open(&client, LISTEN("")));
    client_done(&client);
    assert_true(toy_reaches(&toy.closed, 1));
    assert_int_equal(server_stream_count(toy.server), 0);
}

static void session_ends(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client anna;
    CLEANUP(client_done) struct client root;
    assert_true(listener_open(&anna, LISTEN("")));
    assert_true(listener_open(
        &root, "GET /listen HTTP/1.1\r\nHost: toy\r\nAuthorization: JWT root\r\n\r\n"));
    server_end_session(toy.server, STR("session-anna"));
    assert_true(client_at_end(&anna));
    publish("event: still\ndata: here\n\n");
    assert_true(client_until(&root, "event: still"));
    /* One that was being opened when its session ended. */
    CLEANUP(client_done) struct client late;
    client_open(&late);
    client_say(&late, LISTEN(""));
    assert_true(client_at_end(&late));
    assert_true(toy_reaches(&toy.closed, 2));
}

static void *stop_thread(void *arg)
{
    int64_t began = time_steady();
    server_stop(toy.server, *(int64_t *)arg);
    *(int64_t *)arg = (time_steady() - began) / 1000;
    return NULL;
}

static void stops_in_order(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client idle;
    CLEANUP(client_done) struct client busy;
    CLEANUP(client_done) struct client stream;
    client_open(&idle);
    assert_int_equal(client_ask(&idle, "GET /items HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_true(listener_open(&stream, LISTEN("")));
    client_open(&busy);
    client_say(&busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(toy_reaches(&toy.slow_begun, 1));
    pthread_t thread;
    int64_t grace_ms = 9000;
    assert_int_equal(pthread_create(&thread, NULL, stop_thread, &grace_ms), 0);
    assert_true(client_until(&stream, "retry: 1000\n\n"));
    assert_true(client_at_end(&stream));
    assert_true(client_at_end(&idle));
    atomic_store(&toy.slow_may_end, true);
    char value[256];
    assert_int_equal(client_answer(&busy), 200);
    assert_string_equal(client_header(&busy, "Connection", value), "close");
    assert_true(client_at_end(&busy));
    client_done(&busy);
    client_done(&idle);
    client_done(&stream);
    pthread_join(thread, NULL);
    assert_true(grace_ms < 5000);
    assert_int_equal(atomic_load(&toy.closed), 1);
}

static void stops_in_time(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client busy;
    client_open(&busy);
    client_say(&busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(toy_reaches(&toy.slow_begun, 1));
    int64_t grace_ms = 300;
    stop_thread(&grace_ms);
    assert_in_range(grace_ms, 250, 3000);
    assert_int_equal(atomic_load(&toy.slow_gone), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        TEST(wire_order),
        cmocka_unit_test_setup_teardown(keeps_alive, setup_fast, toy_teardown),
        TEST(ticket_opens),
        TEST(burst),
        TEST(slow_reader),
        cmocka_unit_test_setup_teardown(reader_that_stopped_is_dropped, setup_stall, toy_teardown),
        TEST(leaving_is_noticed),
        TEST(session_ends),
        TEST(stops_in_order),
        TEST(stops_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
