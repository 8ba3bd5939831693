/* Requests and answers of HTTP/1.1 as a client sees them. */
#include "toy.h"

#include <zlib.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: toy\r\n\r\n"

static void keep_alive(void **state)
{
    (void)state;
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(client_ask(&client, GET("/items/")), 200);
        assert_true(body_has(&client, "{\"data\": [{\"id\": 1, \"name\": \"one\"}"));
        assert_true(body_has(&client, "\"links\": {\"next\": \"/items?after=2\", \"prev\": null}"));
        assert_string_equal(client_header(&client, "Content-Type", value), "application/json");
        assert_non_null(client_header(&client, "X-Request-Id", value));
        assert_null(client_header(&client, "Connection", value));
    }
}

static void closes_when_asked(void **state)
{
    (void)state;
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(
        client_ask(&client, "GET /items HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 200);
    assert_string_equal(client_header(&client, "Connection", value), "close");
    assert_true(client_at_end(&client));

    CLEANUP(client_done) struct client old;
    client_open(&old);
    assert_int_equal(client_ask(&old, "GET /items HTTP/1.0\r\n\r\n"), 200);
    assert_true(client_at_end(&old));

    CLEANUP(client_done) struct client kept;
    client_open(&kept);
    const char *request = "GET /items HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    assert_int_equal(client_ask(&kept, request), 200);
    assert_string_equal(client_header(&kept, "Connection", value), "keep-alive");
    assert_int_equal(client_ask(&kept, request), 200);
}

/* Answers come in the order of the requests, whether a pool or the loop makes them. */
static void pipelined_in_order(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    for (int i = 0; i < 300; i++) {
        char request[256];
        snprintf(request,
                 sizeof(request),
                 i % 2 ? "GET /items/n%d HTTP/1.1\r\nHost: t\r\n\r\n"
                       : "POST /items HTTP/1.1\r\nHost: t\r\nContent-Length: 17\r\n\r\n"
                         "{\"name\": \"p%04d\"}GET /style.css HTTP/1.1\r\nHost: t\r\n\r\n",
                 i);
        client_say(&client, request);
    }
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof(name), i % 2 ? "\"n%d\"" : "\"p%04d\"", i);
        assert_int_equal(client_answer(&client), i % 2 ? 200 : 201);
        assert_true(body_has(&client, name));
        if (i % 2 == 0) {
            assert_int_equal(client_answer(&client), 200);
            assert_true(body_has(&client, "p {}"));
        }
    }
}

static void byte_by_byte(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    const char *request =
        "\r\nPOST /items/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\n{\"n\r\nA;x=1\r\name\": \"ab\"\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n"
        "GET /items/x HTTP/1.1\r\nHost: a\r\n\r\n";
    int on = 1;
    setsockopt(client.fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
    for (const char *c = request; *c; c++)
        client_send(&client, (str){c, 1});
    assert_int_equal(client_answer(&client), 201);
    assert_true(body_has(&client, "\"ab\""));
    assert_int_equal(client_answer(&client), 200);
}

static void head_and_options(void **state)
{
    (void)state;
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    client_say(&client, "HEAD /items HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(client_answer_to(&client, true), 200);
    assert_true(atoi(client_header(&client, "Content-Length", value)) > 20);
    assert_int_equal(client_ask(&client, "OPTIONS /items HTTP/1.1\r\nHost: a\r\n\r\n"), 204);
    assert_string_equal(client_header(&client, "Allow", value), "GET, HEAD, POST, OPTIONS");
    assert_null(client_header(&client, "Access-Control-Allow-Methods", value));
    assert_int_equal(
        client_ask(&client,
                   "OPTIONS /items HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n"
                   "Access-Control-Request-Method: POST\r\n\r\n"),
        204);
    assert_string_equal(client_header(&client, "Access-Control-Allow-Origin", value),
                        "https://a.example");
    assert_non_null(client_header(&client, "Access-Control-Allow-Headers", value));
    assert_int_equal(
        client_ask(&client,
                   "OPTIONS /items HTTP/1.1\r\nHost: a\r\nOrigin: https://b.example\r\n"
                   "Access-Control-Request-Method: POST\r\n\r\n"),
        204);
    assert_null(client_header(&client, "Access-Control-Allow-Origin", value));
    assert_int_equal(client_ask(&client, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 204);
}

static void not_found_and_not_allowed(void **state)
{
    (void)state;
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client, GET("/nothing")), 404);
    assert_string_equal(client_header(&client, "Content-Type", value), "application/problem+json");
    assert_true(
        body_has(&client, "\"title\": \"Not Found\", \"status\": 404, \"code\": \"not_found\""));
    assert_int_equal(client_ask(&client, "PUT /items HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
    assert_string_equal(client_header(&client, "Allow", value), "GET, HEAD, POST, OPTIONS");
    assert_int_equal(client_ask(&client, "DELETE /style.css HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
    assert_string_equal(client_header(&client, "Allow", value), "GET, HEAD, OPTIONS");
    assert_int_equal(client_ask(&client, GET("/wrong")), 500);
    assert_true(body_has(&client, "internal_error"));
    assert_int_equal(client_ask(&client, GET("/items/%zz")), 400);
    assert_int_equal(client_ask(&client, GET("/items/%00")), 400);
    assert_int_equal(client_ask(&client, GET("/items/%C3%A9%2F")), 200);
    assert_true(body_has(&client, "\"\xC3\xA9/\""));
    /* A small body that nobody wants does not cost the connection. */
    assert_int_equal(
        client_ask(&client, "POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"), 404);
    assert_int_equal(client_ask(&client, GET("/items")), 200);
}

static void literal_before_parameter(void **state)
{
    (void)state;
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client, GET("/items/create/")), 200);
    assert_true(body_has(&client, "\"create\""));
    assert_int_equal(client_ask(&client, "PATCH /items/create HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
    assert_string_equal(client_header(&client, "Allow", value), "GET, HEAD, POST, DELETE, OPTIONS");
}

static void bodies_of_json(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client,
                                "POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n"
                                "{\"name\": \"abcd\"}"),
                     201);
    assert_int_equal(
        client_ask(&client, "POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"), 422);
    assert_true(body_has(&client, "\"errors\": {\"name\": [\"Is required.\"]}"));
    assert_int_equal(
        client_ask(&client, "POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n{"), 400);
    assert_true(body_has(&client, "malformed_json"));
    assert_int_equal(client_ask(&client,
                                "POST /items HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                                "Content-Length: 2\r\n\r\n{}"),
                     415);
    assert_int_equal(
        client_ask(&client, "DELETE /items/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"),
        413);
    assert_int_equal(client_ask(&client, GET("/items")), 200);
}

static void too_large(void **state)
{
    (void)state;
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(
        client_ask(&client, "POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n{"),
        413);
    assert_string_equal(client_header(&client, "Connection", value), "close");
    assert_true(client_at_end(&client));

    CLEANUP(client_done) struct client chunked;
    client_open(&chunked);
    client_say(&chunked, "POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    char chunk[65536 + 16];
    memset(chunk, 'x', sizeof(chunk));
    memcpy(chunk, "10000\r\n", 7);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    for (int i = 0; i < 40; i++)
        client_send(&chunked, (str){chunk, 65536 + 9});
    assert_int_equal(client_answer(&chunked), 413);

    CLEANUP(client_done) struct client target;
    client_open(&target);
    client_say(&target, "GET /");
    for (int i = 0; i < 200; i++)
        client_say(&target, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(client_answer(&target), 414);
    assert_true(client_at_end(&target));

    CLEANUP(client_done) struct client heads;
    client_open(&heads);
    client_say(&heads, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 120; i++)
        client_say(&heads, "x: y\r\n");
    client_say(&heads, "\r\n");
    assert_int_equal(client_answer(&heads), 431);

    CLEANUP(client_done) struct client bytes;
    client_open(&bytes);
    client_say(&bytes, "GET / HTTP/1.1\r\nHost: a\r\nx: ");
    for (int i = 0; i < 1000; i++)
        client_say(&bytes, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_int_equal(client_answer(&bytes), 431);
}

/* What two servers could read differently is refused, and ends the connection. */
static void smuggling(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\nA B: c\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400},
        {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\xC3\xA9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/1.7\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
        {"POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
         400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\n{}", 400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}", 400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n{}", 400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
         "2\r\n\r\n",
         400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501},
        {"POST /items HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n", 400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n", 400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\n{}\r\n", 400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n", 400},
        {"POST /items HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
         "10000000000000002\r\n{}\r\n",
         400},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        CLEANUP(client_done) struct client client;
        client_open(&client);
        int status = client_ask(&client, cases[i].request);
        if (status != cases[i].status)
            fail_msg("%d instead of %d: %s", status, cases[i].status, cases[i].request);
        if (!client_at_end(&client))
            fail_msg("stays open: %s", cases[i].request);
    }
}

static void absolute_target(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client, GET("http://toy/items/abc?x=1")), 200);
    assert_true(body_has(&client, "\"abc\""));
    assert_int_equal(client_ask(&client,
                                "GET /items HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                                "Upgrade: websocket\r\n\r\n"),
                     200);
}

static void rights(void **state)
{
    (void)state;
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client, GET("/me")), 401);
    assert_string_equal(client_header(&client, "WWW-Authenticate", value), "JWT realm=\"api\"");
    assert_true(body_has(&client, "not_authenticated"));
    assert_int_equal(
        client_ask(&client, "GET /me HTTP/1.1\r\nHost: a\r\nAuthorization: Basic good\r\n\r\n"),
        401);
    assert_true(body_has(&client, "bad_authorization_header"));
    assert_int_equal(
        client_ask(&client, "GET /me HTTP/1.1\r\nHost: a\r\nAuthorization: JWT bad\r\n\r\n"), 401);
    assert_int_equal(
        client_ask(&client, "GET /me HTTP/1.1\r\nHost: a\r\nauthorization: jwt good\r\n\r\n"), 200);
    assert_true(body_has(&client, "anna"));
    assert_int_equal(
        client_ask(&client, "GET /root HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer good\r\n\r\n"),
        403);
    assert_int_equal(
        client_ask(&client, "GET /root HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer root\r\n\r\n"),
        200);
    /* A ticket is for listening only. */
    assert_int_equal(client_ask(&client, GET("/me?ticket=t1")), 401);
}

static void expects_continue(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    const char *head = "POST /me HTTP/1.1\r\nHost: a\r\nAuthorization: JWT good\r\n"
                       "Expect: 100-continue\r\nContent-Length: 14\r\n\r\n";
    assert_int_equal(client_ask(&client, head), 100);
    assert_int_equal(client_ask(&client, "{\"name\": \"ab\"}"), 201);
    assert_int_equal(client_ask(&client, GET("/items")), 200);
    assert_int_equal(client_ask(&client,
                                "POST /me HTTP/1.1\r\nHost: a\r\nAuthorization: JWT bad\r\n"
                                "Expect: 100-continue\r\nContent-Length: 14\r\n\r\n"),
                     401);
    assert_true(client_at_end(&client));
}

static void packed(void **state)
{
    (void)state;
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client, GET("/big")), 200);
    size_t plain = client.body.len;
    assert_null(client_header(&client, "Content-Encoding", value));
    assert_string_equal(client_header(&client, "Vary", value), "Accept-Encoding");
    assert_int_equal(
        client_ask(&client, "GET /big HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\n\r\n"),
        200);
    assert_string_equal(client_header(&client, "Content-Encoding", value), "gzip");
    assert_true(client.body.len < plain);
    char out[16384];
    z_stream z = {.next_in = (Bytef *)client.body.at,
                  .avail_in = (uInt)client.body.len,
                  .next_out = (Bytef *)out,
                  .avail_out = sizeof(out)};
    assert_int_equal(inflateInit2(&z, 31), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.total_out, plain);
    inflateEnd(&z);
    assert_int_equal(
        client_ask(&client, "GET /items HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"),
        200);
    assert_null(client_header(&client, "Content-Encoding", value));
}

static void static_files(void **state)
{
    (void)state;
    char value[256], request[512];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client, "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n"),
                     200);
    assert_true(body_has(&client, "<title>toy</title>"));
    snprintf(request,
             sizeof(request),
             "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nIf-None-Match: \"x\", W/%s\r\n\r\n",
             client_header(&client, "ETag", value));
    assert_int_equal(client_ask(&client, request), 304);
    assert_null(client_header(&client, "Content-Length", value));
    assert_int_equal(client_ask(&client,
                                "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n"
                                "Accept-Encoding: gzip\r\n\r\n"),
                     200);
    assert_string_equal(client_header(&client, "Content-Encoding", value), "gzip");
    assert_int_equal(client_ask(&client, request), 304);
    assert_int_equal(client_ask(&client, GET("/style.css")), 200);
    assert_string_equal(client_header(&client, "Cache-Control", value), "no-cache");
    client_say(&client, "HEAD /style.css HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(client_answer_to(&client, true), 200);
    /* A program is led to the docs. */
    assert_int_equal(client_ask(&client, GET("/")), 302);
    assert_string_equal(client_header(&client, "Location", value), "/docs");
    assert_int_equal(client_ask(&client, GET("/docs")), 200);
    assert_int_equal(client_ask(&client, GET("/openapi.json")), 200);
    assert_true(body_has(&client, "\"/items/{name}\""));
    assert_int_equal(client_ask(&client, GET("/health")), 200);
    assert_true(body_has(&client, "{\"status\": \"ok\"}"));
    assert_int_equal(client_ask(&client, GET("/ready/")), 200);
}

static void file_is_streamed(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(client_ask(&client, GET("/file")), 200);
        assert_int_equal(client.body.len, TOY_FILE_SIZE);
        for (int at = 0; at < TOY_FILE_SIZE; at++) {
            if ((unsigned char)client.body.at[at] != at % 251)
                fail_msg("byte %d differs", at);
        }
        assert_int_equal(toy_uploads(), 0);
    }
    /* A client that leaves in the middle. */
    client_say(&client, GET("/file"));
    assert_true(client_until(&client, "\r\n\r\n"));
}

static void client_leaves(void **state)
{
    (void)state;
    struct client client;
    client_open(&client);
    client_say(&client, GET("/slow"));
    assert_true(toy_reaches(&toy.slow_begun, 1));
    client_done(&client);
    assert_true(toy_reaches(&toy.slow_gone, 1));
}

/* Half a close: the client says no more, but hears the answer. */
static void client_half_closes(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client client;
    client_open(&client);
    client_say(&client, GET("/items") GET("/items/last"));
    shutdown(client.fd, SHUT_WR);
    assert_int_equal(client_answer(&client), 200);
    assert_int_equal(client_answer(&client), 200);
    assert_true(body_has(&client, "last"));
    assert_true(client_at_end(&client));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        TEST(keep_alive),
        TEST(closes_when_asked),
        TEST(pipelined_in_order),
        TEST(byte_by_byte),
        TEST(head_and_options),
        TEST(not_found_and_not_allowed),
        TEST(literal_before_parameter),
        TEST(bodies_of_json),
        TEST(too_large),
        TEST(smuggling),
        TEST(absolute_target),
        TEST(rights),
        TEST(expects_continue),
        TEST(packed),
        TEST(static_files),
        TEST(file_is_streamed),
        TEST(client_leaves),
        TEST(client_half_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
