/* What keeps the server up: limits of time, rate, descriptors and work; ports; TLS. */
#include "toy.h"

#include <openssl/ssl.h>
#include <sys/resource.h>

#define GET_ITEMS "GET /items HTTP/1.1\r\nHost: a\r\n\r\n"

static int setup_impatient(void **state)
{
    (void)state;
    toy_options();
    toy_new();
    toy.server->wait_ms[WAIT_HEAD] = 300;
    toy.server->wait_ms[WAIT_BODY] = 300;
    toy.server->wait_ms[WAIT_IDLE] = 600;
    toy_start();
    return 0;
}

static void slow_clients(void **state)
{
    (void)state;
    CLEANUP(client_done) struct client silent;
    CLEANUP(client_done) struct client head;
    CLEANUP(client_done) struct client body;
    CLEANUP(client_done) struct client idle;
    client_open(&silent);
    client_open(&head);
    client_open(&body);
    client_open(&idle);
    client_say(&head, "GET /items HT");
    client_say(&body, "POST /items HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{");
    assert_int_equal(client_ask(&idle, GET_ITEMS), 200);
    assert_int_equal(client_answer(&head), 408);
    assert_int_equal(client_answer(&body), 408);
    assert_true(client_at_end(&silent));
    assert_int_equal(silent.in.len, 0);
    assert_true(client_at_end(&idle));
    assert_true(client_at_end(&head));
    assert_true(client_at_end(&body));
}

static void rate_is_limited(void **state)
{
    (void)state;
    toy_options();
    toy.options.rate_limit = 5;
    toy_new();
    toy_start();
    char value[256];
    CLEANUP(client_done) struct client client;
    client_open(&client);
    int status = 0, allowed = 0;
    while (allowed < 20 && (status = client_ask(&client, GET_ITEMS)) == 200)
        allowed++;
    assert_int_equal(allowed, 5);
    assert_int_equal(status, 429);
    assert_true(atoi(client_header(&client, "Retry-After", value)) > 0);
    /* Who has a token is not anonymous, and health is for everyone. */
    for (int i = 0; i < 10; i++) {
        assert_int_equal(
            client_ask(&client, "GET /me HTTP/1.1\r\nHost: a\r\nAuthorization: JWT good\r\n\r\n"),
            200);
        assert_int_equal(client_ask(&client, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    }
    assert_int_equal(
        client_ask(&client, "GET /me HTTP/1.1\r\nHost: a\r\nAuthorization: JWT guess\r\n\r\n"),
        429);
    client_done(&client);
    toy_teardown(NULL);
}

/* At the limit of descriptors: nobody is dropped, the rest waits, and is served when there is room.
 */
static void out_of_descriptors(void **state)
{
    (void)state;
    toy_options();
    toy_new();
    toy.server->conns.max = 4;
    toy_start();
    struct client clients[10];
    for (size_t i = 0; i < LENGTH(clients); i++)
        client_open(&clients[i]);
    for (size_t i = 0; i < LENGTH(clients); i++)
        client_say(&clients[i], GET_ITEMS);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(client_answer(&clients[i]), 200);
    assert_int_equal(atomic_load(&toy.server->conns.now), 4);
    for (size_t i = 0; i < LENGTH(clients); i++) {
        if (i >= 4)
            assert_int_equal(client_answer(&clients[i]), 200);
        client_done(&clients[i]);
    }
    toy_teardown(NULL);
}

static void descriptors_are_really_gone(void **state)
{
    (void)state;
    toy_options();
    toy_new();
    toy_start();
    CLEANUP(client_done) struct client first;
    client_open(&first);
    assert_int_equal(client_ask(&first, GET_ITEMS), 200);
    struct rlimit before, little;
    getrlimit(RLIMIT_NOFILE, &before);
    int next = dup(0);
    close(next);
    /* Room for the client's own socket, and none for the server's. */
    little = (struct rlimit){(rlim_t)next + 1, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &little);
    CLEANUP(client_done) struct client second;
    client_open(&second);
    client_say(&second, GET_ITEMS);
    assert_int_equal(client_ask(&first, GET_ITEMS), 200);
    setrlimit(RLIMIT_NOFILE, &before);
    assert_int_equal(client_answer(&second), 200);
    client_done(&first);
    client_done(&second);
    toy_teardown(NULL);
}

static void full_queue_is_busy(void **state)
{
    (void)state;
    toy_options();
    toy_new();
    pool_free(toy.server->pools[POOL_QUICK]);
    toy.server->pools[POOL_QUICK] = pool_new("quick", 1, 1);
    toy_start();
    struct client clients[3];
    for (size_t i = 0; i < 3; i++)
        client_open(&clients[i]);
    client_say(&clients[0], "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(toy_reaches(&toy.slow_begun, 1));
    client_say(&clients[1], GET_ITEMS);
    int status;
    do {
        status = client_ask(&clients[2], GET_ITEMS);
    } while (status == 200);
    assert_int_equal(status, 503);
    char value[256];
    assert_non_null(client_header(&clients[2], "Retry-After", value));
    atomic_store(&toy.slow_may_end, true);
    assert_int_equal(client_answer(&clients[1]), 200);
    for (size_t i = 0; i < 3; i++)
        client_done(&clients[i]);
    toy_teardown(NULL);
}

static void port_in_use(void **state)
{
    (void)state;
    toy_setup(NULL);
    struct server *second = NULL;
    struct server_options options = toy.options;
    options.port = server_port(toy.server);
    err e = server_new(&toy.mem, &options, &second);
    assert_true(err_is(e, "port_not_free"));
    options.port = 0;
    options.listen = STR("not an address");
    assert_true(err_is(server_new(&toy.mem, &options, &second), "bad_address"));
    options.listen = STR("127.0.0.1");
    options.tls_cert = options.tls_key = STR("/nothing");
    assert_true(err_is(server_new(&toy.mem, &options, &second), "bad_tls_file"));
    toy_teardown(NULL);
}

static void second_port(void **state)
{
    (void)state;
    toy_setup(NULL);
    int64_t free_port = server_port(toy.server);
    toy_teardown(NULL);
    toy_options();
    toy.options.stream_port = free_port;
    toy.options.loops = 2;
    toy_new();
    toy_start();
    CLEANUP(client_done) struct client client;
    client_open(&client);
    assert_int_equal(client_ask(&client, GET_ITEMS), 200);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)free_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    close(client.fd);
    client.fd = fd;
    assert_int_equal(client_ask(&client, GET_ITEMS), 200);
    client_done(&client);
    toy_teardown(NULL);
}

static SSL *tls_client(SSL_CTX *context, int fd, const char *protocols)
{
    SSL *ssl = SSL_new(context);
    assert_non_null(ssl);
    SSL_set_fd(ssl, fd);
    SSL_set_alpn_protos(ssl, (const unsigned char *)protocols, (unsigned)strlen(protocols));
    assert_int_equal(SSL_connect(ssl), 1);
    return ssl;
}

static void tls_chosen(SSL *ssl, const char *wanted)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(ssl, &name, &len);
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(name, wanted, len);
}

static size_t tls_all(SSL *ssl, char *into, size_t size)
{
    size_t len = 0;
    for (int n; len < size && (n = SSL_read(ssl, into + len, (int)(size - len))) > 0;)
        len += (size_t)n;
    return len;
}

static void speaks_tls(void **state)
{
    (void)state;
    toy_options();
    char cert[128], key[128], command[512];
    snprintf(cert, sizeof(cert), "%s/cert.pem", toy.upload_dir);
    snprintf(key, sizeof(key), "%s/key.pem", toy.upload_dir);
    snprintf(command,
             sizeof(command),
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
             " -subj /CN=localhost -keyout %s -out %s 2>/dev/null",
             key,
             cert);
    assert_int_equal(system(command), 0);
    toy.options.tls_cert = str_of(cert);
    toy.options.tls_key = str_of(key);
    toy_new();
    toy_start();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    assert_non_null(context);

    int fd = toy_connect_small(0);
    SSL *ssl = tls_client(context, fd, "\x08http/1.1");
    tls_chosen(ssl, "http/1.1");
    const char *request = GET_ITEMS "GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_true(SSL_write(ssl, request, (int)strlen(request)) > 0);
    char *all = malloc(TOY_FILE_SIZE + 65536);
    assert_non_null(all);
    size_t len = tls_all(ssl, all, TOY_FILE_SIZE + 65536);
    assert_true(len > TOY_FILE_SIZE);
    assert_memory_equal(all, "HTTP/1.1 200 OK\r\n", 17);
    for (size_t i = 1; i < 1000; i++)
        assert_int_equal((unsigned char)all[len - i], (TOY_FILE_SIZE - i) % 251);
    free(all);
    SSL_free(ssl);
    close(fd);

    fd = toy_connect_small(0);
    ssl = tls_client(context, fd, "\x02h2\x08http/1.1");
    tls_chosen(ssl, "h2");
    SSL_free(ssl);
    close(fd);

    /* Plain bytes where TLS is spoken. */
    CLEANUP(client_done) struct client plain;
    client_open(&plain);
    client_say(&plain, GET_ITEMS);
    assert_true(client_at_end(&plain));
    SSL_CTX_free(context);
    client_done(&plain);
    unlink(cert);
    unlink(key);
    toy_teardown(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(slow_clients, setup_impatient, toy_teardown),
        cmocka_unit_test(rate_is_limited),
        cmocka_unit_test(out_of_descriptors),
        cmocka_unit_test(descriptors_are_really_gone),
        cmocka_unit_test(full_queue_is_busy),
        cmocka_unit_test(port_in_use),
        cmocka_unit_test(second_port),
        cmocka_unit_test(speaks_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
