/* A small server in this process with a few routes, and a client that speaks to it in raw bytes. */
#ifndef TESTS_HTTP_TOY_H
#define TESTS_HTTP_TOY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "http/parts.h"
#include "http/server.h"

#define PATIENCE_MS 10000
#define TOY_STREAMS 64

struct item {
    int64_t id;
    str name;
};

static const struct field item_fields[] = {
    FIELD(struct item, id, FIELD_INT),
    FIELD(struct item, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 100),
    FIELD_LAST,
};

struct toy_owner {
    struct stream *stream;
    size_t to_send; /* numbered frames that are still to go */
    size_t next;
};

/* What the handlers and the tests share. */
static struct toy {
    struct arena mem;
    struct server *server;
    struct server_options options;
    char upload_dir[64];
    atomic_int opened, closed, slow_begun, slow_gone, drained;
    atomic_bool slow_may_end;
    struct toy_owner *owners[TOY_STREAMS]; /* touched by the one loop only */
} toy;

static inline err items_list(struct request *rq)
{
    struct item items[] = {{1, STR("one")}, {2, STR("two")}};
    struct list list = {items, 2};
    return reply_list(rq, item_fields, sizeof(items[0]), list, STR("/items?after=2"), (str){0});
}

static inline err item_show(struct request *rq)
{
    struct item item = {.name = request_path(rq, "name")};
    return reply_json(rq, 200, item_fields, &item);
}

static inline err item_create(struct request *rq)
{
    struct item item = {.id = 7};
    TRY(request_body(rq, item_fields, &item));
    return reply_json(rq, 201, item_fields, &item);
}

static inline err big_show(struct request *rq)
{
    struct buf json;
    buf_init(&json, 1 << 20);
    buf_add(&json, STR("[0"));
    for (int i = 1; i < 2000; i++)
        buf_fmt(&json, ",%d", i);
    buf_char(&json, ']');
    return reply_json_text(rq, 200, &json);
}

static inline err me_show(struct request *rq)
{
    struct item item = {.name = rq->account};
    return reply_json(rq, 200, item_fields, &item);
}

static inline err wrong_handler(struct request *rq)
{
    (void)rq;
    return NULL;
}

static inline err upload_create(struct request *rq)
{
    const struct upload *uploads = rq->uploads.at;
    struct item item = {.id = 0, .name = request_form(rq, "name")};
    for (size_t i = 0; i < rq->uploads.n; i++) {
        FILE *file = fopen(uploads[i].path, "rb");
        if (!file)
            return err_internal(rq->mem, "no file");
        fseek(file, 0, SEEK_END);
        if (ftell(file) != uploads[i].size)
            item.id = -1000000;
        fclose(file);
        item.id += uploads[i].size;
    }
    if (rq->body.len)
        item.id = (int64_t)rq->body.len;
    return reply_json(rq, 201, item_fields, &item);
}

#define TOY_FILE_SIZE (3 * 1024 * 1024 + 17)

static inline err file_show(struct request *rq)
{
    char *path = str_c(rq->mem, str_fmt(rq->mem, "%s/out", toy.upload_dir));
    FILE *file = fopen(path, "wb");
    if (!file)
        return err_internal(rq->mem, "can't write");
    for (int i = 0; i < TOY_FILE_SIZE; i++)
        fputc(i % 251, file);
    fclose(file);
    return reply_file(rq, 200, "application/octet-stream", path);
}

static inline err slow_show(struct request *rq)
{
    atomic_fetch_add(&toy.slow_begun, 1);
    while (!atomic_load(&toy.slow_may_end) && !atomic_load(rq->gone))
        usleep(500);
    if (atomic_load(rq->gone))
        atomic_fetch_add(&toy.slow_gone, 1);
    return me_show(rq);
}

static inline void toy_more(struct toy_owner *owner)
{
    while (owner->to_send) {
        struct buf text;
        buf_init(&text, 1 << 17);
        buf_fmt(&text, "event: number\nid: %zu\ndata: %0*d\n\n", owner->next, 60000, 7);
        struct frame *frame = frame_new(&text);
        bool sent = stream_send(owner->stream, frame);
        frame_unref(frame);
        if (!sent)
            return;
        owner->next++;
        owner->to_send--;
    }
}

static inline void toy_opened(struct stream *stream, void *of)
{
    struct toy_owner *owner = of;
    owner->stream = stream;
    for (size_t i = 0; i < TOY_STREAMS; i++) {
        if (!toy.owners[i]) {
            toy.owners[i] = owner;
            break;
        }
    }
    atomic_fetch_add(&toy.opened, 1);
    toy_more(owner);
}

static inline void toy_drained(struct stream *stream, void *of)
{
    (void)stream;
    atomic_fetch_add(&toy.drained, 1);
    toy_more(of);
}

static inline void toy_closed(struct stream *stream, void *of)
{
    (void)stream;
    for (size_t i = 0; i < TOY_STREAMS; i++) {
        if (toy.owners[i] == of)
            toy.owners[i] = NULL;
    }
    free(of);
    atomic_fetch_add(&toy.closed, 1);
}

struct listen_query {
    int64_t frames;
    str ticket;
};

static const struct field listen_query_fields[] = {
    FIELD(struct listen_query, frames, FIELD_INT),
    FIELD(struct listen_query, ticket, FIELD_STR),
    FIELD_LAST,
};

static inline err listen_route(struct request *rq)
{
    static const struct stream_owner calls = {toy_opened, toy_drained, toy_closed};
    struct listen_query query = {0};
    TRY(request_query(rq, listen_query_fields, &query));
    struct toy_owner *owner = calloc(1, sizeof(*owner));
    if (!owner)
        return &err_no_memory;
    owner->to_send = (size_t)query.frames;
    err e = reply_stream(rq, &calls, owner);
    if (e)
        free(owner);
    return e;
}

#define ROUTE(method_, path_, run_, right_, body_)                                     \
    {                                                                                  \
        .method = method_, .path = path_, .run = run_, .right = right_, .body = body_, \
        .help = "toy"                                                                  \
    }

static const struct route toy_routes[] = {
    ROUTE("GET", "/items", items_list, RIGHT_ANYONE, BODY_NONE),
    ROUTE("POST", "/items", item_create, RIGHT_ANYONE, BODY_JSON),
    ROUTE("POST", "/items/create", item_create, RIGHT_ANYONE, BODY_JSON),
    ROUTE("GET", "/items/{name}", item_show, RIGHT_ANYONE, BODY_NONE),
    ROUTE("DELETE", "/items/{name}", item_show, RIGHT_ANYONE, BODY_NONE),
    ROUTE("GET", "/big", big_show, RIGHT_ANYONE, BODY_NONE),
    ROUTE("GET", "/me", me_show, RIGHT_MEMBER, BODY_NONE),
    ROUTE("POST", "/me", item_create, RIGHT_MEMBER, BODY_JSON),
    ROUTE("GET", "/root", me_show, RIGHT_SUPERUSER, BODY_NONE),
    ROUTE("GET", "/wrong", wrong_handler, RIGHT_ANYONE, BODY_NONE),
    ROUTE("POST", "/uploads", upload_create, RIGHT_MEMBER, BODY_UPLOAD),
    ROUTE("GET", "/file", file_show, RIGHT_ANYONE, BODY_NONE),
    ROUTE("GET", "/slow", slow_show, RIGHT_ANYONE, BODY_NONE),
    ROUTE("GET", "/listen", listen_route, RIGHT_LISTENER, BODY_NONE),
};

static inline err toy_authenticate(struct request *rq, str scheme, str token, str ticket, void *arg)
{
    (void)scheme, (void)arg;
    bool good = str_eq(token, STR("good")) || str_eq(ticket, STR("t1"));
    bool root = str_eq(token, STR("root"));
    if (!good && !root)
        return err_new(rq->mem, 401, "token_not_valid", "No.");
    rq->account = rq->team = root ? STR("root") : STR("anna");
    rq->session = root ? STR("session-root") : STR("session-anna");
    rq->superuser = root;
    return NULL;
}

#define TOY_LINE \
    "<p>A page that is long enough to be packed: 0123456789 0123456789 0123456789</p>\n"
#define TOY_LINES TOY_LINE TOY_LINE TOY_LINE TOY_LINE TOY_LINE TOY_LINE TOY_LINE TOY_LINE

static const char toy_page[] = "<!doctype html><title>toy</title>\n" TOY_LINES TOY_LINES;

static const struct static_file toy_files[] = {
    {"/", "text/html; charset=utf-8", {toy_page, sizeof(toy_page) - 1}},
    {"/style.css", "text/css", {"p {}", 4}},
};

static const struct route_table toy_table = {"Toys", toy_routes, LENGTH(toy_routes), NULL};

/* Before toy_begin; each test starts with these. */
static inline void toy_options(void)
{
    memset(&toy, 0, sizeof(toy));
    arena_init(&toy.mem, (size_t)64 << 20);
    snprintf(toy.upload_dir, sizeof(toy.upload_dir), "/tmp/toy-XXXXXX");
    assert_non_null(mkdtemp(toy.upload_dir));
    toy.options = (struct server_options){.listen = STR("127.0.0.1"),
                                          .cors_origins = STR("https://a.example"),
                                          .loops = 1,
                                          .workers = 2,
                                          .upload_max = 4 << 20,
                                          .upload_dir = toy.upload_dir,
                                          .version = "1",
                                          .tables = &toy_table,
                                          .table_count = 1,
                                          .files = toy_files,
                                          .file_count = LENGTH(toy_files),
                                          .authenticate = toy_authenticate};
}

static inline void toy_must(err e)
{
    if (e)
        fail_msg("%s: %.*s %.*s", e->code, STR_ARGS(e->detail), STR_ARGS(e->inside));
}

static inline void toy_new(void)
{
    toy_must(server_new(&toy.mem, &toy.options, &toy.server));
}

static inline void toy_start(void)
{
    toy_must(server_start(toy.server, &toy.mem));
}

static inline int toy_setup(void **state)
{
    (void)state;
    toy_options();
    toy_new();
    toy_start();
    return 0;
}

static inline int toy_teardown(void **state)
{
    (void)state;
    atomic_store(&toy.slow_may_end, true);
    server_stop(toy.server, 2000);
    server_free(toy.server);
    rmdir(toy.upload_dir);
    arena_done(&toy.mem);
    return 0;
}

/* The client. */
struct client {
    int fd;
    struct buf in; /* what has come and was not taken */
    bool ended;    /* the server's end was read */
    int status;    /* of the last answer */
    struct buf head, body;
};

static inline int toy_connect_small(int receive_bytes)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)server_port(toy.server)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_bytes)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static inline void client_open(struct client *client)
{
    *client = (struct client){.fd = toy_connect_small(0)};
    buf_init(&client->in, 64 << 20);
    buf_init(&client->head, 1 << 20);
    buf_init(&client->body, 64 << 20);
}

static inline void client_done(struct client *client)
{
    if (client->fd > 0)
        close(client->fd);
    client->fd = -1;
    buf_done(&client->in);
    buf_done(&client->head);
    buf_done(&client->body);
}

static inline void client_send(struct client *client, str bytes)
{
    while (bytes.len) {
        ssize_t n = send(client->fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server has closed: what it said is read by the test */
        bytes = str_sub(bytes, (size_t)n, bytes.len);
    }
}

static inline void client_say(struct client *client, const char *text)
{
    client_send(client, str_of(text));
}

/* Waits for more; false at the end or when patience is over. */
static inline bool client_more(struct client *client)
{
    struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};
    if (client->ended || poll(&poll_fd, 1, PATIENCE_MS) <= 0)
        return false;
    assert_true(buf_reserve(&client->in, 65536));
    ssize_t n = recv(client->fd, client->in.at + client->in.len, 65536, 0);
    client->ended = n <= 0;
    if (n > 0)
        client->in.len += (size_t)n;
    return n > 0;
}

static inline bool client_has(struct client *client, const char *text)
{
    return client->in.len && memmem(client->in.at, client->in.len, text, strlen(text));
}

static inline bool client_until(struct client *client, const char *text)
{
    while (!client_has(client, text)) {
        if (!client_more(client))
            return false;
    }
    return true;
}

static inline bool client_at_end(struct client *client)
{
    while (client_more(client))
        ;
    return client->ended;
}

static inline void client_take(struct client *client, struct buf *into, size_t n)
{
    into->len = 0;
    buf_add(into, (str){client->in.at, n});
    memmove(client->in.at, client->in.at + n, client->in.len - n);
    client->in.len -= n;
}

static inline const char *client_header(struct client *client, const char *name, char out[256])
{
    char needle[64];
    snprintf(needle, sizeof(needle), "\r\n%s: ", name);
    const char *at = memmem(client->head.at, client->head.len, needle, strlen(needle));
    if (!at)
        return NULL;
    at += strlen(needle);
    const char *end = memmem(at, (size_t)(client->head.at + client->head.len - at), "\r\n", 2);
    snprintf(out, 256, "%.*s", (int)(end - at), at);
    return out;
}

/* One whole answer; its status, or -1. `bodyless`: to HEAD. */
static inline int client_answer_to(struct client *client, bool bodyless)
{
    char value[256];
    if (!client_until(client, "\r\n\r\n"))
        return -1;
    const char *end = memmem(client->in.at, client->in.len, "\r\n\r\n", 4);
    client_take(client, &client->head, (size_t)(end - client->in.at) + 4);
    int64_t status = -1; /* "HTTP/1.1 200 OK" */
    str_i64(str_sub(buf_str(&client->head), sizeof("HTTP/1.1"), 3), &status);
    client->status = (int)status;
    client->body.len = 0;
    if (bodyless || client->status == 304 || client->status == 204 || client->status == 100)
        return client->status;
    const char *length = client_header(client, "Content-Length", value);
    size_t n = length ? strtoul(length, NULL, 10) : 0;
    while (client->in.len < n && client_more(client))
        ;
    if (client->in.len < n)
        return -1;
    client_take(client, &client->body, n);
    return client->status;
}

static inline int client_answer(struct client *client)
{
    return client_answer_to(client, false);
}

static inline int client_ask(struct client *client, const char *request)
{
    client_say(client, request);
    return client_answer(client);
}

static inline bool body_has(struct client *client, const char *text)
{
    return client->body.len && memmem(client->body.at, client->body.len, text, strlen(text));
}

/* Waits until *counter is at least n. */
static inline bool toy_reaches(atomic_int *counter, int n)
{
    int64_t until = time_steady() + PATIENCE_MS * 1000;
    while (atomic_load(counter) < n && time_steady() < until)
        usleep(500);
    return atomic_load(counter) >= n;
}

/* How many files are in the upload folder. */
static inline size_t toy_uploads(void)
{
    char command[128], line[32] = "0";
    snprintf(command, sizeof(command), "ls -A %s | wc -l", toy.upload_dir);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof(line), pipe));
    pclose(pipe);
    return strtoul(line, NULL, 10);
}

#endif
