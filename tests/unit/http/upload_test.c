/* Uploads: to the disk as they come, within their limits, and nothing left behind. */
#include "toy.h"

#define HEAD_OF(extra) \
    "POST /uploads HTTP/1.1\r\nHost: a\r\nAuthorization: JWT good\r\n" extra "\r\n"
#define FORM "Content-Type: multipart/form-data; boundary=xYzZY\r\n"
#define FILE_PART \
    "--xYzZY\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n"
#define FIELD_PART "--xYzZY\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nthe name\r\n"
#define FORM_END "\r\n--xYzZY--\r\n"

/* A form with one field and one file of `size` bytes, with its length or in chunks. */
static void send_form(struct client *client, size_t size, bool chunked)
{
    struct buf body;
    buf_init(&body, 64 << 20);
    buf_add(&body, STR(FIELD_PART FILE_PART));
    for (size_t i = 0; i < size; i++)
        buf_char(&body, (char)('a' + i % 26));
    buf_add(&body, STR(FORM_END));
    char head[512];
    if (chunked) {
        client_say(client, HEAD_OF(FORM "Transfer-Encoding: chunked\r\n"));
        for (size_t at = 0; at < body.len; at += 30000) {
            str piece = str_sub(buf_str(&body), at, 30000);
            snprintf(head, sizeof(head), "%zx\r\n", piece.len);
            client_say(client, head);
            client_send(client, piece);
            client_say(client, "\r\n");
        }
        client_say(client, "0\r\n\r\n");
    } else {
        snprintf(head, sizeof(head), HEAD_OF(FORM "Content-Length: %zu\r\n"), body.len);
        client_say(client, head);
        client_send(client, buf_str(&body));
    }
    buf_done(&body);
}

static void form_with_file(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 131072, 300001, 4 << 20};
    CLEANUP(client_done) struct client client;
    client_open(&client);
    for (size_t i = 0; i < LENGTH(sizes) * 2; i++) {
        char id[64];
        size_t size = sizes[i / 2];
        send_form(&client, size, i % 2);
        assert_int_equal(client_answer(&client), 201);
        snprintf(id, sizeof(id), "{\"id\": %zu, \"name\": \"the name\"}", size);
        assert_true(body_has(&client, id));
        assert_int_equal(toy_uploads(), 0);
    }
}

static void waits_for_continue(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    const char *form = FILE_PART "abc" FORM_END;
    char head[512];
    snprintf(head,
             sizeof(head),
             HEAD_OF(FORM "Expect: 100-continue\r\nContent-Length: %zu\r\n"),
             strlen(form));
    assert_int_equal(client_ask(&client, head), 100);
    assert_int_equal(client_ask(&client, form), 201);
    assert_true(body_has(&client, "\"id\": 3"));
}

static void no_token_no_upload(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client,
                                "POST /uploads HTTP/1.1\r\nHost: a\r\n" FORM
                                "Content-Length: 1000000\r\n\r\n" FILE_PART),
                     401);
    assert_true(client_at_end(&client));
    /* A small one is read and dropped, and the connection goes on. */
    CLEANUP(client_done) struct client small;
    client_open(&small);
    assert_int_equal(client_ask(&small,
                                "POST /uploads HTTP/1.1\r\nHost: a\r\n" FORM
                                "Content-Length: 5\r\n\r\nabcde"),
                     401);
    assert_int_equal(client_ask(&small, "GET /items HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_int_equal(toy_uploads(), 0);
}

static void too_large(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client said;
    client_open(&said);
    assert_int_equal(client_ask(&said, HEAD_OF(FORM "Content-Length: 9000000\r\n")), 413);
    CLEANUP(client_done) struct client unsaid;
    client_open(&unsaid);
    send_form(&unsaid, (4 << 20) + 1, true);
    assert_int_equal(client_answer(&unsaid), 413);
    assert_true(body_has(&unsaid, "file_too_large"));
    assert_true(client_at_end(&unsaid));
    for (int i = 0; toy_uploads() && i < 1000; i++)
        usleep(1000);
    assert_int_equal(toy_uploads(), 0);
}

static void malformed(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client, HEAD_OF(FORM "Content-Length: 4\r\n") "abcd"), 400);
    assert_int_equal(
        client_ask(&client,
                   HEAD_OF("Content-Type: multipart/form-data\r\nContent-Length: 4\r\n") "abcd"),
        400);
    assert_int_equal(
        client_ask(&client, HEAD_OF("Content-Type: text/csv\r\nContent-Length: 4\r\n") "abcd"),
        415);
    assert_int_equal(client_ask(&client,
                                HEAD_OF("Content-Type: application/json\r\n"
                                        "Content-Length: 4\r\n") "[12]"),
                     201);
    assert_true(body_has(&client, "\"id\": 4"));
    assert_int_equal(client_ask(&client,
                                HEAD_OF("Content-Type: application/x-www-form-urlencoded\r\n"
                                        "Content-Length: 14\r\n") "name=a+b%21&x="),
                     201);
    assert_true(body_has(&client, "\"a b!\""));
}

static void breaks_off(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    client_say(&client, HEAD_OF(FORM "Content-Length: 3000000\r\n") FILE_PART);
    char part[65536];
    memset(part, 'x', sizeof(part));
    for (int i = 0; i < 20; i++)
        client_send(&client, (str){part, sizeof(part)});
    int64_t until = time_steady() + 5 * US_PER_S;
    while (toy_uploads() == 0 && time_steady() < until)
        usleep(1000);
    assert_int_equal(toy_uploads(), 1);
    client_done(&client);
    while (toy_uploads() == 1 && time_steady() < until)
        usleep(1000);
    assert_int_equal(toy_uploads(), 0);
}

static void sweeps_at_start(void **state)
{
    (void)state;
    toy_options();
    char path[128];
    snprintf(path, sizeof(path), "%s/upload-left", toy.upload_dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(toy_uploads(), 1);
    toy_new();
    assert_int_equal(toy_uploads(), 0);
    server_free(toy.server);
    rmdir(toy.upload_dir);
    arena_done(&toy.mem);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        TEST(form_with_file),
        TEST(waits_for_continue),
        TEST(no_token_no_upload),
        TEST(too_large),
        TEST(malformed),
        TEST(breaks_off),
        cmocka_unit_test(sweeps_at_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
