/*
 * A connection and the server behind it, all on one thread: the real src/http, but for a socket, a
 * clock, pools and disk threads that act when the input says so.
 *
 * A target sets what the peer sends (peer.in), lets it arrive in pieces, and looks at what was
 * written (peer.out). After each input nothing may be left: no connection, stream, request or file.
 */
#ifndef TESTS_FUZZ_PEER_H
#define TESTS_FUZZ_PEER_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "events/events.h"
#include "fuzz/fuzz.h"
#include "http/asking.h"
#include "http/parts.h"
#include "http/patience.h"

#define PEER_OUT_MAX ((size_t)8 << 20)
#define PEER_WORKS_MAX 8
#define PEER_TURNS_MAX 20000

struct peer {
    struct arena mem;
    struct server *server;
    struct log log;
    char upload_dir[64];
    int null;
    struct choices choices;
    str in;       /* sent, and not yet read */
    size_t there; /* bytes of it that have arrived */
    bool ended;   /* and no more will come */
    bool broken;  /* the network is */
    struct buf out;
    size_t room;     /* bytes that the socket takes */
    bool patient;    /* it takes all, and no pool is ever full */
    bool said_end;   /* the server has */
    uv_poll_t *poll; /* NULL: not watched */
    int events;
    uv_poll_cb event;
    uv_handle_t *closing;
    uv_close_cb closed;
    struct pool_work *works, **works_end;
    size_t work_count;
    struct loop_post *posts, **posts_end;
    uv_work_t *jobs[PEER_WORKS_MAX]; /* of disk threads */
    uv_after_work_cb job_after[PEER_WORKS_MAX];
    uv_fs_t *reads[PEER_WORKS_MAX];
    struct iovec read_into[PEER_WORKS_MAX];
    int read_fds[PEER_WORKS_MAX];
    int64_t read_at[PEER_WORKS_MAX];
    uint64_t now_ms;
    size_t spooled;
};

static struct peer peer;

/* The socket. */

ssize_t recv(int fd, void *into, size_t n, int flags)
{
    (void)fd, (void)flags;
    if (peer.broken) {
        errno = ECONNRESET;
        return -1;
    }
    n = n < peer.there ? n : peer.there;
    if (n == 0 && peer.ended && peer.in.len == 0)
        return 0;
    if (n == 0) {
        errno = EAGAIN;
        return -1;
    }
    memcpy(into, peer.in.at, n);
    peer.in = str_sub(peer.in, n, peer.in.len);
    peer.there -= n;
    return (ssize_t)n;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    size_t sent = 0;
    (void)fd, (void)flags;
    CHECK(!peer.said_end);
    for (size_t i = 0; i < message->msg_iovlen && !peer.broken; i++) {
        str piece = {message->msg_iov[i].iov_base, message->msg_iov[i].iov_len};
        CHECK(piece.len);
        piece = str_sub(piece, 0, peer.patient ? piece.len : peer.room - sent);
        buf_add(&peer.out, piece);
        sent += piece.len;
    }
    CHECK(!peer.out.failed);
    if (!peer.patient)
        peer.room -= sent;
    if (sent == 0)
        errno = peer.broken ? EPIPE : EAGAIN;
    return sent ? (ssize_t)sent : -1;
}

ssize_t send(int fd, const void *at, size_t n, int flags)
{
    struct iovec piece = {(void *)(uintptr_t)at, n};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    return sendmsg(fd, &message, flags);
}

int shutdown(int fd, int how)
{
    (void)fd;
    CHECK(how == SHUT_WR);
    peer.said_end = true;
    return 0;
}

/* libuv, as far as a connection needs it. */

int uv_poll_init(uv_loop_t *loop, uv_poll_t *poll, int fd)
{
    (void)loop, (void)poll, (void)fd;
    return 0;
}

int uv_poll_start(uv_poll_t *poll, int events, uv_poll_cb event)
{
    CHECK(!peer.closing);
    peer.poll = poll;
    peer.events = events;
    peer.event = event;
    return 0;
}

int uv_poll_stop(uv_poll_t *poll)
{
    (void)poll;
    peer.poll = NULL;
    return 0;
}

void uv_close(uv_handle_t *handle, uv_close_cb closed)
{
    CHECK(!peer.closing);
    peer.poll = NULL;
    peer.closing = handle;
    peer.closed = closed;
}

int uv_queue_work(uv_loop_t *loop, uv_work_t *job, uv_work_cb run, uv_after_work_cb after)
{
    (void)loop;
    job->work_cb = run;
    peer.spooled++;
    for (size_t i = 0; i < PEER_WORKS_MAX; i++) {
        if (!peer.jobs[i]) {
            peer.jobs[i] = job;
            peer.job_after[i] = after;
            return 0;
        }
    }
    abort(); /* a connection of HTTP/1 has one upload at a time; of HTTP/2 so many are not sent */
}

int uv_fs_read(uv_loop_t *loop, uv_fs_t *read, uv_file fd, const uv_buf_t bufs[], unsigned n,
               int64_t at, uv_fs_cb done)
{
    (void)loop;
    CHECK(n == 1);
    for (size_t i = 0; i < PEER_WORKS_MAX; i++) {
        if (peer.reads[i])
            continue;
        peer.reads[i] = read;
        peer.read_into[i] = (struct iovec){bufs[0].base, bufs[0].len};
        peer.read_fds[i] = fd;
        peer.read_at[i] = at;
        read->cb = done;
        return 0;
    }
    return UV_ENOMEM;
}

void uv_fs_req_cleanup(uv_fs_t *read)
{
    (void)read;
}

err patience_begin(struct arena *mem)
{
    (void)mem;
    return NULL;
}

/* The loop, its listeners and the pools: the places of loop.c, listener.c and pool.c. */

void loop_post(struct loop *loop, struct loop_post *post)
{
    (void)loop;
    post->next = NULL;
    *peer.posts_end = post;
    peer.posts_end = &post->next;
}

void loop_touch(struct loop *loop, struct link *link)
{
    if (!link_on(link))
        link_last(&loop->touched, link);
}

void loop_submit(struct loop *loop, enum route_pool pool, struct pool_work *work)
{
    (void)loop, (void)pool;
    work->next = NULL;
    *peer.works_end = work;
    peer.works_end = &work->next;
    peer.work_count++;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return peer.now_ms;
}

str loop_date(struct loop *loop)
{
    (void)loop;
    return STR("Sat, 21 Nov 2026 11:02:03 GMT");
}

err loop_init(struct loop *loop, struct arena *mem, struct server *server, size_t index)
{
    (void)mem;
    *loop = (struct loop){.server = server, .index = index};
    ring_init(&loop->conns);
    ring_init(&loop->touched);
    ring_init(&loop->streams);
    for (int i = 0; i < WAIT_KINDS; i++)
        ring_init(&loop->waits[i]);
    loop->read = malloc(CONN_READ_MAX);
    return loop->read ? NULL : &err_no_memory;
}

err loop_start(struct loop *loop, struct arena *mem)
{
    (void)loop, (void)mem;
    return NULL;
}

void loop_join(struct loop *loop)
{
    (void)loop;
}

void loop_done(struct loop *loop)
{
    (void)loop;
}

size_t server_loop_count(const struct server *server)
{
    return server->loop_count;
}

struct loop *server_loop(struct server *server, size_t i)
{
    return &server->loops[i];
}

size_t loop_index(const struct loop *loop)
{
    return loop->index;
}

err listeners_bind(struct server *server, struct arena *mem, size_t which, int64_t *port)
{
    (void)server, (void)mem, (void)which, (void)port;
    return NULL;
}

err listeners_open(struct loop *loop, struct arena *mem)
{
    (void)loop, (void)mem;
    return NULL;
}

void listeners_close(struct loop *loop)
{
    (void)loop;
}

void listeners_retry(struct loop *loop)
{
    (void)loop;
}

struct pool *pool_new(const char *name, size_t threads, size_t queue_max)
{
    (void)name, (void)threads, (void)queue_max;
    return (struct pool *)&peer;
}

void pool_stop(struct pool *pool)
{
    (void)pool;
}

void pool_free(struct pool *pool)
{
    (void)pool;
}

bool pool_submit(struct pool *pool, struct pool_work *work)
{
    (void)pool;
    loop_submit(NULL, POOL_QUICK, work);
    return true;
}

void pool_submit_all(struct pool *pool, struct pool_work **list)
{
    while (*list) {
        struct pool_work *work = *list;
        *list = work->next;
        CHECK(pool_submit(pool, work));
    }
}

/* What can happen next; each says whether it did. */

static bool posts_happen(struct loop *loop)
{
    struct loop_post *post = peer.posts;
    if (!post)
        return false;
    peer.posts = post->next;
    if (!peer.posts)
        peer.posts_end = &peer.posts;
    post->run(loop, post);
    return true;
}

static bool work_happens(bool taken)
{
    struct pool_work *work = peer.works;
    if (!work)
        return false;
    peer.works = work->next;
    if (!peer.works)
        peer.works_end = &peer.works;
    peer.work_count--;
    /* What the loop submits may find no room; what is in a lane has its place. */
    bool of_loop = work->run == exchange_work || work->run == exchange_check;
    if (taken || peer.patient || !of_loop)
        work->run(work);
    else
        exchange_not_taken(work);
    return true;
}

static bool job_happens(size_t i)
{
    uv_work_t *job = peer.jobs[i];
    if (!job)
        return false;
    peer.jobs[i] = NULL;
    job->work_cb(job);
    peer.job_after[i](job, 0);
    return true;
}

static bool file_read_happens(size_t i)
{
    uv_fs_t *read = peer.reads[i];
    if (!read)
        return false;
    peer.reads[i] = NULL;
    struct iovec into = peer.read_into[i];
    size_t most = peer.patient ? into.iov_len : 1 + into.iov_len / 2;
    read->result = pread(peer.read_fds[i], into.iov_base, most, peer.read_at[i]);
    read->cb(read);
    return true;
}

static bool reading_happens(void)
{
    bool something = peer.there || (peer.ended && peer.in.len == 0) || peer.broken;
    if (!peer.poll || !(peer.events & UV_READABLE) || !something)
        return false;
    peer.event(peer.poll, 0, UV_READABLE);
    return true;
}

static bool writing_happens(void)
{
    if (!peer.poll || !(peer.events & UV_WRITABLE) || !(peer.room || peer.patient || peer.broken))
        return false;
    peer.event(peer.poll, 0, UV_WRITABLE);
    return true;
}

/* The end of a loop's turn: what was touched is written, what was closed is freed. */
static bool turn_ends(struct loop *loop)
{
    struct link *first = ring_first(&loop->touched);
    bool something = first || peer.closing;
    while ((first = ring_first(&loop->touched))) {
        link_off(first);
        conn_touched(first);
    }
    uv_handle_t *closing = peer.closing;
    peer.closing = NULL;
    if (closing)
        peer.closed(closing);
    return something;
}

/* All that can happen without more from the peer, until nothing does. */
static void all_happens(struct loop *loop)
{
    for (size_t n = 0;; n++) {
        CHECK(n < PEER_TURNS_MAX); /* it goes round in circles */
        bool something = turn_ends(loop) | posts_happen(loop) | reading_happens() |
                         writing_happens() | work_happens(true);
        for (size_t i = 0; i < PEER_WORKS_MAX; i++)
            something |= job_happens(i) | file_read_happens(i);
        if (!something)
            return;
    }
}

static void time_passes(struct loop *loop, uint64_t ms)
{
    peer.now_ms += ms;
    waits_tick(loop);
}

/* One thing of those that a server meets. */
static void something_happens(struct loop *loop)
{
    static const uint64_t times_ms[] = {250, 2500, 16000, 31000, 80000};
    struct choices *c = &peer.choices;
    switch (choose(c, 12)) {
    case 0:
    case 1:
    case 2:
        peer.there += choose(c, 100) + 1;
        peer.there = peer.there < peer.in.len ? peer.there : peer.in.len;
        break;
    case 3:
        peer.ended |= peer.there == peer.in.len && choose(c, 8) == 0;
        reading_happens();
        break;
    case 4:
        peer.room += (size_t)choose(c, 250) << choose(c, 12);
        writing_happens();
        break;
    case 5:
        work_happens(choose(c, 10) != 0);
        break;
    case 6:
        job_happens(choose(c, PEER_WORKS_MAX));
        break;
    case 7:
        file_read_happens(choose(c, 2));
        break;
    case 8:
        if (choose(c, 6) == 0)
            time_passes(loop, times_ms[choose(c, LENGTH(times_ms))]);
        break;
    case 9:
        if (choose(c, 40) == 0)
            peer.broken = true;
        break;
    case 10:
        if (choose(c, 60) == 0 && !loop->stopping) {
            loop->stopping = true;
            conns_stop(loop);
        }
        break;
    default:
        if (choose(c, 60) == 0)
            server_end_session(peer.server, STR("session-anna"));
    }
    turn_ends(loop);
    posts_happen(loop);
}

/* The routes of a server that has one of each. */

struct toy {
    int64_t id;
    str name;
    struct strs words;
};

static const struct field toy_fields[] = {
    FIELD(struct toy, id, FIELD_INT, .flags = FIELD_LENIENT),
    FIELD(struct toy, name, FIELD_STR, .min = 1, .max = 100),
    FIELD(struct toy, words, FIELD_STRS, .max = 10),
    FIELD_LAST,
};

static err toy_list(struct request *rq)
{
    struct toy toy = {.id = 1};
    TRY(request_query(rq, toy_fields, &toy));
    return reply_list(rq, toy_fields, sizeof(toy), (struct list){&toy, 1}, rq->path, (str){0});
}

static err toy_create(struct request *rq)
{
    struct toy toy = {.id = 7};
    TRY(request_body(rq, toy_fields, &toy));
    return reply_json(rq, 201, toy_fields, &toy);
}

static err toy_show(struct request *rq)
{
    static const char *const offers[] = {"application/json", "text/csv", NULL};
    struct toy toy = {.id = request_accepts(rq, offers), .name = request_path(rq, "name")};
    return reply_json(rq, 200, toy_fields, &toy);
}

static err toy_big(struct request *rq)
{
    struct toy toy = {.id = 1};
    TRY(request_query(rq, toy_fields, &toy));
    struct buf json;
    buf_init(&json, 1 << 20);
    buf_add(&json, STR("[0"));
    for (int64_t i = 1; i < toy.id && i < 30000; i++)
        buf_fmt(&json, ",%d", (int)i);
    buf_char(&json, ']');
    return reply_json_text(rq, 200, &json);
}

/* Whatever status and header the client wants. */
static err toy_status(struct request *rq)
{
    struct toy toy = {.id = 204};
    TRY(request_query(rq, toy_fields, &toy));
    if (toy.name.at)
        reply_header(rq, "X-Name", toy.name);
    if (toy.id < 200 || toy.id > 599)
        return err_new(rq->mem, 400, "bad_status", "%.*s", STR_ARGS(toy.name));
    if (toy.id < 300 || toy.id >= 400)
        return toy.id < 400 ? reply_empty(rq, (int)toy.id)
                            : err_busy(rq->mem, 3, "asked_for", "%.*s", STR_ARGS(toy.name));
    return reply_redirect(rq, (int)toy.id, toy.name.at ? toy.name : STR("/"));
}

static err toy_wrong(struct request *rq)
{
    (void)rq;
    return NULL;
}

static err toy_upload(struct request *rq)
{
    const struct upload *uploads = rq->uploads.at;
    struct toy toy = {.id = (int64_t)rq->body.len, .name = request_form(rq, "name")};
    for (size_t i = 0; i < rq->uploads.n; i++) {
        int fd = open(uploads[i].path, O_RDONLY | O_CLOEXEC);
        CHECK(fd >= 0 && lseek(fd, 0, SEEK_END) == uploads[i].size);
        close(fd);
        toy.id += uploads[i].size;
    }
    return reply_json(rq, 201, toy_fields, &toy);
}

static err toy_file(struct request *rq)
{
    struct toy toy = {.id = 1000};
    TRY(request_query(rq, toy_fields, &toy));
    char *path = str_c(rq->mem, str_fmt(rq->mem, "%s/out", peer.upload_dir));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, toy.id > 0 && toy.id < 400000 ? toy.id : 0) == 0);
    close(fd);
    return reply_file(rq, 200, "application/octet-stream", path);
}

struct toy_owner {
    int64_t frames, size;
};

static void toy_more(struct stream *stream, void *of)
{
    struct toy_owner *owner = of;
    while (owner->frames) {
        str data = str_sub(STR("0123456789012345678901234567890123456789"), 0, (size_t)owner->size);
        struct frame *frame = frame_event(STR("number"), STR("c:1"), data);
        bool sent = stream_send(stream, frame);
        frame_unref(frame);
        if (!sent)
            return;
        owner->frames--;
    }
}

static void toy_closed(struct stream *stream, void *of)
{
    (void)stream;
    free(of);
}

static err toy_listen(struct request *rq)
{
    static const struct stream_owner calls = {toy_more, toy_more, toy_closed};
    int64_t position;
    bool answered;
    TRY(position_take(rq, STR("c"), &position, &answered));
    if (answered)
        return NULL;
    struct toy_owner *owner = calloc(1, sizeof(*owner));
    if (!owner)
        return &err_no_memory;
    *owner = (struct toy_owner){.frames = position < 0 ? 1 : position % 200, .size = position % 40};
    owner->size = owner->size < 0 ? 0 : owner->size;
    err e = reply_stream(rq, &calls, owner);
    if (e)
        free(owner);
    return e;
}

#define TOY(method_, path_, run_, right_, body_, ...)                                  \
    {                                                                                  \
        .method = method_, .path = path_, .run = run_, .right = right_, .body = body_, \
        .help = "toy", __VA_ARGS__                                                     \
    }

static const struct route toy_routes[] = {
    TOY("GET", "/toys", toy_list, RIGHT_ANYONE, BODY_NONE),
    TOY("POST", "/toys", toy_create, RIGHT_ANYONE, BODY_JSON),
    TOY("POST", "/toys/create", toy_create, RIGHT_MEMBER, BODY_JSON),
    TOY("GET", "/toys/{name}", toy_show, RIGHT_ANYONE, BODY_NONE),
    TOY("PATCH", "/toys/{name}", toy_create, RIGHT_MEMBER, BODY_JSON),
    TOY("DELETE", "/toys/{name}", toy_show, RIGHT_SUPERUSER, BODY_NONE),
    TOY("GET", "/big", toy_big, RIGHT_ANYONE, BODY_NONE),
    TOY("GET", "/status", toy_status, RIGHT_ANYONE, BODY_NONE),
    TOY("GET", "/wrong", toy_wrong, RIGHT_ANYONE, BODY_NONE),
    TOY("POST", "/uploads", toy_upload, RIGHT_MEMBER, BODY_UPLOAD, .pool = POOL_ENGINE),
    TOY("PUT", "/uploads", toy_upload, RIGHT_ANYONE, BODY_UPLOAD),
    TOY("GET", "/file", toy_file, RIGHT_ANYONE, BODY_NONE),
    TOY("GET", "/listen", toy_listen, RIGHT_LISTENER, BODY_NONE),
};

static err toy_authenticate(struct request *rq, str scheme, str token, str ticket, void *arg)
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

static void peer_remove(void)
{
    rmdir(peer.upload_dir);
}

/* Once a process. */
static void peer_server(void)
{
    static const char page[] = "<!doctype html><title>toy</title> a page, a page, a page, a page";
    static const struct static_file files[] = {
        {"/", "text/html; charset=utf-8", {page, sizeof(page) - 1}},
        {"/style.css", "text/css", {"p {}", 4}},
    };
    static const struct route_table table = {"Toys", toy_routes, LENGTH(toy_routes), NULL};
    if (peer.server)
        return;
    arena_init(&peer.mem, (size_t)64 << 20);
    snprintf(peer.upload_dir, sizeof(peer.upload_dir), "/tmp/fuzz-peer-XXXXXX");
    CHECK(mkdtemp(peer.upload_dir));
    atexit(peer_remove);
    peer.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    peer.log = (struct log){.level = LOG_INFO, .json = true, .fd = peer.null};
    struct server_options options = {.listen = STR("127.0.0.1"),
                                     .cors_origins = STR("https://a.example"),
                                     .trusted_proxies = STR("0.0.0.0/8, 10.0.0.0/8, ::1"),
                                     .loops = 1,
                                     .workers = 4,
                                     .upload_max = 3000,
                                     .upload_dir = peer.upload_dir,
                                     .version = "1",
                                     .tables = &table,
                                     .table_count = 1,
                                     .files = files,
                                     .file_count = LENGTH(files),
                                     .log = &peer.log,
                                     .authenticate = toy_authenticate};
    CHECK(!server_new(&peer.mem, &options, &peer.server));
}

/* A new connection, to which nothing has come yet. */
static struct loop *peer_connect(str in, bool patient)
{
    static const struct sockaddr_in address = {.sin_family = AF_INET};
    struct loop *loop = &peer.server->loops[0];
    peer.in = in;
    peer.there = peer.room = peer.spooled = 0;
    peer.ended = peer.broken = peer.said_end = false;
    peer.patient = patient;
    peer.posts_end = &peer.posts;
    peer.works_end = &peer.works;
    peer.now_ms = 1000000;
    loop->stopping = false;
    loop->id_start = loop->id_next = 0;
    streams_forget(loop);
    buf_init(&peer.out, PEER_OUT_MAX);
    conn_accept(loop, dup(peer.null), (const struct sockaddr *)&address);
    CHECK(loop->conn_count == 1);
    return loop;
}

static size_t uploads_left(void)
{
    size_t n = 0;
    DIR *dir = opendir(peer.upload_dir);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

/* The peer has said all, hears all, says its end; and as time passes the connection is over. */
static void peer_leave(struct loop *loop)
{
    peer.patient = true;
    peer.there = peer.in.len;
    all_happens(loop);
    peer.ended = true;
    all_happens(loop);
    for (int i = 0; i < 8 && loop->conn_count; i++) {
        time_passes(loop, 100000);
        all_happens(loop);
    }
    CHECK(loop->conn_count == 0 && !ring_first(&loop->conns) && !ring_first(&loop->touched));
    CHECK(!peer.works && !peer.posts && peer.work_count == 0 && !peer.closing);
    CHECK(atomic_load(&peer.server->bodies.used) == 0);
    CHECK(atomic_load(&peer.server->answers.used) == 0);
    CHECK(!ring_first(&loop->streams) && server_stream_count(peer.server) == 0);
    for (int i = 0; i < WAIT_KINDS; i++)
        CHECK(!ring_first(&loop->waits[i]));
    CHECK(!peer.spooled || uploads_left() == 0);
}

#endif
