/* Where a listener says it was, and what it gets that says it wrongly. */
#include <string.h>

#include "events/events.h"

#define ID_MAX 1000

struct frame *frame_event(str event, str id, str data)
{
    struct buf block;
    buf_init(&block, event.len + id.len + data.len + 64);
    buf_add(&block, STR("event: "));
    buf_add(&block, event);
    if (id.at) {
        buf_add(&block, STR("\nid: "));
        buf_add(&block, id);
    }
    buf_add(&block, STR("\ndata: "));
    size_t from = block.len;
    buf_add(&block, data);
    for (size_t i = from; i < block.len; i++) {
        if (block.at[i] == '\n' || block.at[i] == '\r')
            block.at[i] = ' ';
    }
    buf_add(&block, STR("\n\n"));
    struct frame *frame = frame_new(&block);
    buf_done(&block);
    return frame;
}

/* The query's last that is not empty; absent when there is none. */
static str query_id(struct request *rq)
{
    str id = {0}, rest = rq->query;
    while (rest.at) {
        str value = str_cut(&rest, '&'), decoded;
        if (!str_eq(str_cut(&value, '='), STR("lastEventId")) || value.len == 0)
            continue;
        id = percent_decode(rq->mem, value, true, &decoded) ? decoded : STR("?");
    }
    return id;
}

enum position_kind position_ask(struct request *rq, str prefix, int64_t *position)
{
    str id = request_header(rq, "last-event-id");
    int64_t n;
    if (id.len == 0)
        id = query_id(rq);
    if (id.len == 0)
        return POSITION_NONE;
    if (str_eq(id, STR("error")))
        return POSITION_ERROR;
    if (prefix.at) {
        if (id.len > ID_MAX || !str_starts(id, prefix) || id.len <= prefix.len ||
            id.at[prefix.len] != ':')
            return POSITION_BAD;
        id = str_sub(id, prefix.len + 1, id.len);
    }
    if (!str_i64(id, &n) || n < 0)
        return POSITION_BAD;
    *position = n;
    return POSITION_AT;
}

static void error_opened(struct stream *stream, void *owner)
{
    stream_end(stream, owner);
}

static void error_drained(struct stream *stream, void *owner)
{
    (void)stream, (void)owner;
}

static void error_closed(struct stream *stream, void *owner)
{
    (void)stream;
    frame_unref(owner);
}

err reply_stream_error(struct request *rq, const char *condition, str text)
{
    static const struct stream_owner calls = {error_opened, error_drained, error_closed};
    CLEANUP(buf_done) struct buf data;
    buf_init(&data, 16 * 1024);
    buf_add(&data, STR("{\"condition\": "));
    json_print_str(&data, str_of(condition));
    buf_add(&data, STR(", \"text\": "));
    json_print_str(&data, text);
    buf_char(&data, '}');
    if (data.failed)
        return &err_no_memory;
    struct frame *frame = frame_event(STR("stream-error"), STR("error"), buf_str(&data));
    if (!frame)
        return &err_no_memory;
    err e = reply_stream(rq, &calls, frame);
    if (e)
        frame_unref(frame);
    return e;
}

err position_take(struct request *rq, str prefix, int64_t *position, bool *answered)
{
    *position = -1;
    *answered = false;
    switch (position_ask(rq, prefix, position)) {
    case POSITION_ERROR:
        return err_new(rq->mem,
                       400,
                       "bad_position",
                       "A stream can't be resumed from an error: connect without Last-Event-ID.");
    case POSITION_BAD:
        *answered = true;
        return reply_stream_error(
            rq,
            "bad-request",
            str_fmt(rq->mem,
                    "Last-Event-ID must be %.*s%sn, n being the number of the last event.",
                    STR_ARGS(prefix),
                    prefix.at ? ":" : ""));
    default:
        return NULL;
    }
}
