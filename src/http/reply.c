/* The answers a handler can give, made on its thread: printed, packed, ready to send. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/accept.h"
#include "http/asking.h"
#include "http/gzip.h"

#define JSON_TYPE "application/json"
#define GZIP_FAST 1
#define CHARGED_LEAST ((size_t)256 * 1024)
#define RESERVE ((size_t)16 * 1024) /* for an answer that tells of a commit */

static struct answer *answer_of(struct request *rq)
{
    return &rq->exchange->ask->answer;
}

void reply_header(struct request *rq, const char *name, str value)
{
    struct answer *answer = answer_of(rq);
    if (answer->header_count == ANSWER_HEADERS_MAX) {
        log_line(rq->log, LOG_ERROR, "http", "too many headers: %s left out", name);
        return;
    }
    /* A line break would end the header, and begin one of someone else's making. */
    for (size_t i = 0; i < value.len; i++) {
        if ((unsigned char)value.at[i] < ' ' && value.at[i] != '\t')
            return;
    }
    answer->cacheable = answer->cacheable || strcasecmp(name, "Cache-Control") == 0;
    answer->headers[answer->header_count++] = (struct header){str_of(name), value};
}

void reply_headers_keep(struct request *rq)
{
    answer_of(rq)->header_kept = answer_of(rq)->header_count;
}

/* What was replied before gives way, but for a stream, whose owner must hear of it on the loop. */
static void answer_clear(struct answer *answer)
{
    frame_unref(answer->body);
    if (answer->kind == ANSWER_FILE)
        close(answer->fd);
    answer->body = NULL;
    answer->kind = ANSWER_NONE;
}

static void answer_set(struct asking *ask, int status, const char *content_type,
                       struct frame *frame)
{
    answer_clear(&ask->answer);
    ask->answer.kind = ANSWER_BYTES;
    ask->answer.status = status;
    ask->answer.content_type = content_type;
    ask->answer.body = frame;
    ask->answer.size = frame ? (int64_t)frame_bytes(frame).len : 0;
}

bool asking_reserve(struct db *db)
{
    struct asking *ask = CONTAINER(db, struct asking, db);
    if (!ask->spare.at)
        buf_init(&ask->spare, REPLY_MAX);
    if (!ask->spare_frame)
        ask->spare_frame = frame_empty();
    return ask->spare_frame && arena_reserve(&ask->mem, RESERVE) &&
           buf_reserve(&ask->spare, RESERVE);
}

/* To print an answer into. */
static struct buf reply_begin(struct asking *ask)
{
    struct buf spare = ask->spare;
    buf_init(&ask->spare, 0);
    if (!spare.at)
        buf_init(&spare, REPLY_MAX);
    return spare;
}

/* NULL when there is no memory; the text is freed then. */
static struct frame *reply_end(struct asking *ask, struct buf *body)
{
    struct frame *frame = ask->spare_frame;
    if (body->failed || !frame) {
        frame = frame_new(body);
    } else {
        ask->spare_frame = NULL;
        frame_fill(frame, body);
    }
    if (!frame)
        buf_done(body);
    return frame;
}

void reply_frame(struct asking *ask, int status, const char *content_type, struct frame *frame)
{
    answer_set(ask, status, content_type, frame_ref(frame));
}

/* Packs in place when the client takes it and it is worth it. */
static void body_pack(struct request *rq, const char *content_type, struct buf *body)
{
    if (body->len < GZIP_LEAST || !gzip_worth(content_type))
        return;
    reply_header(rq, "Vary", STR("Accept-Encoding"));
    if (!accept_gzip(request_header(rq, "accept-encoding")))
        return;
    struct buf packed;
    buf_init(&packed, body->max);
    if (gzip_pack(buf_str(body), GZIP_FAST, &packed)) {
        buf_done(body);
        *body = packed;
        reply_header(rq, "Content-Encoding", STR("gzip"));
    } else {
        buf_done(&packed);
    }
}

/* What a change answers is small, and never refused for lack of room. */
static bool answer_charge(struct request *rq, struct frame *frame)
{
    return frame_bytes(frame).len < CHARGED_LEAST ||
           frame_charge(frame, &rq->exchange->loop->server->answers, BUDGET_ANSWERS);
}

err reply_bytes(struct request *rq, int status, const char *content_type, struct buf *body)
{
    if (body->failed) {
        bool large = body->len > body->max / 2; /* and not that there was no memory to grow */
        buf_done(body);
        if (!large)
            return &err_no_memory;
        return err_new(rq->mem, 500, "answer_too_large", "The answer is too large to be sent.");
    }
    body_pack(rq, content_type, body);
    struct frame *frame = reply_end(rq->exchange->ask, body);
    if (!frame || arena_failed(rq->mem)) {
        frame_unref(frame);
        return &err_no_memory;
    }
    if (!answer_charge(rq, frame)) {
        frame_unref(frame);
        return err_busy(rq->mem,
                        5,
                        "busy",
                        "Too much is waiting for its clients to read it; please try again.");
    }
    answer_set(rq->exchange->ask, status, content_type, frame);
    return NULL;
}

err reply_json_text(struct request *rq, int status, struct buf *json)
{
    return reply_bytes(rq, status, JSON_TYPE, json);
}

err reply_json(struct request *rq, int status, const struct field *fields, const void *from)
{
    struct buf json = reply_begin(rq->exchange->ask);
    fields_print(&json, fields, from);
    return reply_json_text(rq, status, &json);
}

err reply_json_and(struct request *rq, int status, const char *name, str value,
                   const struct field *fields, const void *from)
{
    struct buf json = reply_begin(rq->exchange->ask);
    buf_fmt(&json, "{\"%s\": %.*s, ", name, STR_ARGS(value));
    size_t brace = json.len;
    fields_print(&json, fields, from);
    if (!json.failed) {
        json.len--;
        memmove(json.at + brace, json.at + brace + 1, json.len - brace);
    }
    return reply_json_text(rq, status, &json);
}

static void print_link(struct buf *json, str link)
{
    if (link.at)
        json_print_str(json, link);
    else
        buf_add(json, STR("null"));
}

err reply_list(struct request *rq, const struct field *fields, size_t size, struct list list,
               str next, str prev)
{
    struct buf json = reply_begin(rq->exchange->ask);
    buf_add(&json, STR("{\"data\": "));
    fields_print_list(&json, fields, size, list);
    buf_add(&json, STR(", \"links\": {\"next\": "));
    print_link(&json, next);
    buf_add(&json, STR(", \"prev\": "));
    print_link(&json, prev);
    buf_add(&json, STR("}}"));
    return reply_json_text(rq, 200, &json);
}

err reply_empty(struct request *rq, int status)
{
    answer_set(rq->exchange->ask, status, NULL, NULL);
    return arena_failed(rq->mem) ? &err_no_memory : NULL;
}

err reply_file(struct request *rq, int status, const char *content_type, const char *path)
{
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int bad = fd < 0 || fstat(fd, &stat) != 0 ? errno : 0;
    unlink(path);
    if (bad || arena_failed(rq->mem)) {
        if (fd >= 0)
            close(fd);
        return bad ? err_internal(rq->mem, "%s: %s", path, strerror(bad)) : &err_no_memory;
    }
    struct answer *answer = answer_of(rq);
    answer_clear(answer);
    answer->kind = ANSWER_FILE;
    answer->status = status;
    answer->content_type = content_type;
    answer->fd = fd;
    answer->size = stat.st_size;
    return NULL;
}

err reply_redirect(struct request *rq, int status, str location)
{
    reply_header(rq, "Location", location);
    return reply_empty(rq, status);
}

static void problem_print(struct buf *json, const struct asking *ask, err e)
{
    buf_add(json, STR("{\"title\": "));
    json_print_str(json, str_of(status_text(e->status)));
    buf_fmt(json, ", \"status\": %d, \"code\": ", e->status);
    json_print_str(json, str_of(e->code));
    buf_add(json, STR(", \"detail\": "));
    json_print_str(json, e->detail);
    if (e->errors.at) {
        buf_add(json, STR(", \"errors\": "));
        buf_add(json, e->errors);
    }
    if (e->line)
        buf_fmt(
            json, ", \"line\": %lld, \"column\": %lld", (long long)e->line, (long long)e->column);
    buf_add(json, STR(", \"request_id\": "));
    json_print_str(json, ask->rq.id);
    buf_char(json, '}');
}

/* Works with no memory left in the arena: what of it has no place is left out. */
void reply_err(struct asking *ask, err e)
{
    struct buf json = reply_begin(ask);
    problem_print(&json, ask, e);
    struct frame *frame = reply_end(ask, &json);
    ask->answer.header_count = ask->answer.header_kept;
    ask->answer.cacheable = false;
    answer_set(ask, e->status, "application/problem+json", frame);
    ask->answer.error = e;
    if (e->status == 401)
        reply_header(&ask->rq, "WWW-Authenticate", STR("JWT realm=\"api\""));
    if (e->retry_after_s > 0) {
        str seconds = str_fmt(&ask->mem, "%d", e->retry_after_s);
        if (seconds.at)
            reply_header(&ask->rq, "Retry-After", seconds);
    }
}
