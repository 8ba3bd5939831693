/* An answer on its way out, on the loop: its head completed, its body handed to the transport. */
#include <unistd.h>

#include "http/asking.h"
#include "http/origins.h"

static const struct {
    int status;
    const char *text;
} statuses[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {205, "Reset Content"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {499, "Client Closed Request"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

const char *status_text(int status)
{
    for (size_t i = 0; i < LENGTH(statuses); i++) {
        if (statuses[i].status == status)
            return statuses[i].text;
    }
    return status < 400 ? "OK" : status < 500 ? "Bad Request" : "Internal Server Error";
}

/* A head being put together: what the handler set, and what every answer has. */
struct head {
    struct header headers[ANSWER_HEADERS_MAX + 16];
    size_t n;
    char length[I64_TEXT];
};

static void head_add(struct head *head, str name, str value)
{
    if (head->n < LENGTH(head->headers))
        head->headers[head->n++] = (struct header){name, value};
}

static void head_add_origin(struct head *head, const struct asking *ask,
                            const struct server *server)
{
    str origin = asking_header(ask, STR("origin"));
    if (!origin.at)
        return;
    head_add(head, STR("Vary"), STR("Origin"));
    if (!origins_allow(server->origins, origin))
        return;
    head_add(head, STR("Access-Control-Allow-Origin"), origin);
    head_add(head,
             STR("Access-Control-Expose-Headers"),
             STR("X-Request-Id, Location, ETag, Retry-After, Link, Tus-Resumable, Tus-Version, "
                 "Tus-Extension, Tus-Max-Size, Upload-Offset, Upload-Length, Upload-Expires"));
}

static void head_add_guards(struct head *head, const char *content_type, bool tls)
{
    struct header guards[GUARDS_MAX];
    size_t n = guards_fill(guards, content_type, tls);
    for (size_t i = 0; i < n; i++)
        head_add(head, guards[i].name, guards[i].value);
}

/* Of an answer that may have no body none is told of; 304 says nothing of the length either. */
static bool has_length(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void head_fill(struct head *head, struct exchange *exchange)
{
    struct asking *ask = exchange->ask;
    struct answer *answer = &ask->answer;
    head_add(head, STR("Date"), loop_date(exchange->loop));
    if (answer->content_type)
        head_add(head, STR("Content-Type"), str_of(answer->content_type));
    if (has_length(answer->status) && answer->kind != ANSWER_STREAM)
        head_add(head, STR("Content-Length"), i64_text(answer->size, head->length));
    head_add(head, STR("X-Request-Id"), ask->rq.id);
    head_add_guards(head, answer->content_type, exchange->loop->server->tls != NULL);
    if (!answer->cacheable)
        head_add(head, STR("Cache-Control"), STR("no-store"));
    for (size_t i = 0; i < answer->header_count; i++)
        head_add(head, answer->headers[i].name, answer->headers[i].value);
    head_add_origin(head, ask, exchange->loop->server);
}

static bool body_wanted(const struct asking *ask)
{
    return has_length(ask->answer.status) && !str_eq(ask->rq.method, STR("HEAD"));
}

static void send_head(struct exchange *exchange, bool endless)
{
    struct head head;
    head.n = 0;
    head_fill(&head, exchange);
    struct answer_head answer = {.status = exchange->ask->answer.status,
                                 .headers = head.headers,
                                 .header_count = head.n,
                                 .endless = endless};
    exchange->calls->head(exchange->transport, &answer);
}

/* The transport may begin its next exchange inside `end`: nothing of this one is left by then. */
static void send_end(struct exchange *exchange)
{
    const struct transport *calls = exchange->calls;
    void *transport = exchange->transport;
    exchange_free(exchange);
    calls->end(transport);
}

static void send_abort(struct exchange *exchange)
{
    const struct transport *calls = exchange->calls;
    void *transport = exchange->transport;
    exchange_free(exchange);
    calls->abort(transport);
}

static void answer_bytes(struct exchange *exchange)
{
    struct answer *answer = &exchange->ask->answer;
    send_head(exchange, false);
    if (answer->body && body_wanted(exchange->ask))
        exchange->calls->body(exchange->transport, answer->body);
    send_end(exchange);
}

static void answer_file(struct exchange *exchange)
{
    struct answer *answer = &exchange->ask->answer;
    bool wanted = body_wanted(exchange->ask) && answer->size > 0;
    send_head(exchange, false);
    if (!wanted) {
        send_end(exchange);
        return;
    }
    int fd = answer->fd;
    int64_t size = answer->size;
    answer->kind = ANSWER_NONE; /* the descriptor is given away */
    if (!file_send(exchange, fd, size))
        send_abort(exchange);
}

static void answer_stream(struct exchange *exchange)
{
    struct stream *stream = exchange->ask->answer.stream;
    bool wanted = body_wanted(exchange->ask);
    send_head(exchange, wanted);
    if (!wanted) {
        send_end(exchange);
        return;
    }
    exchange->ask->answer.stream = NULL;
    asking_free(exchange->ask);
    exchange->ask = NULL;
    exchange->state = EXCHANGE_STREAM;
    exchange->stream = stream;
    stream_open(exchange, stream);
}

void exchange_answer(struct exchange *exchange)
{
    struct answer *answer = &exchange->ask->answer;
    access_log(exchange);
    if (answer->content_type && !answer->body && answer->kind == ANSWER_BYTES)
        send_abort(exchange); /* there was no memory for it */
    else if (answer->kind == ANSWER_FILE)
        answer_file(exchange);
    else if (answer->kind == ANSWER_STREAM)
        answer_stream(exchange);
    else
        answer_bytes(exchange);
}

void asking_free(struct asking *ask)
{
    if (!ask)
        return;
    frame_unref(ask->answer.body);
    if (ask->answer.kind == ANSWER_FILE)
        close(ask->answer.fd);
    if (ask->answer.stream)
        stream_drop(ask->answer.stream);
    spool_free(ask->spool, ask->rq.uploads.n > 0);
    buf_done(&ask->body);
    budget_give(&ask->rq.exchange->loop->server->bodies, ask->body_charged);
    buf_done(&ask->spare);
    frame_unref(ask->spare_frame);
    struct arena mem = ask->mem;
    arena_done(&mem);
}

void answer_plain(struct loop *loop, int status, const char *code, const char *detail,
                  struct answer_plain *out)
{
    struct buf json;
    buf_init(&json, 4096);
    buf_fmt(&json, "{\"title\": \"%s\", \"status\": %d, ", status_text(status), status);
    buf_fmt(&json, "\"code\": \"%s\", \"detail\": \"%s\"}", code, detail);
    str length = i64_text((int64_t)json.len, out->length);
    out->body = frame_new(&json);
    buf_done(&json);
    out->headers[0] = (struct header){STR("Date"), loop_date(loop)};
    out->headers[1] = (struct header){STR("Content-Type"), STR("application/problem+json")};
    out->headers[2] = (struct header){STR("Content-Length"), length};
    out->headers[3] = (struct header){STR("Cache-Control"), STR("no-store")};
    size_t guards = guards_fill(out->headers + 4, NULL, loop->server->tls != NULL);
    out->head =
        (struct answer_head){.status = status, .headers = out->headers, .header_count = 4 + guards};
    access_log_plain(loop, status, code);
}
