/* GET /events/listen/: the team's log as a stream. Its ids are the numbers of the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events/types.h"

struct listen_query {
    struct strs types, ids;
    str ticket;
    bool signals;
};

const struct field event_listen_query[] = {
    {.name = "type",
     .type = FIELD_STRS,
     .offset = offsetof(struct listen_query, types),
     .help = "Only entries of this type; may be repeated"},
    {.name = "lastEventId",
     .type = FIELD_STRS,
     .offset = offsetof(struct listen_query, ids),
     .help = "Go on after this number; the header Last-Event-ID comes first"},
    FIELD(struct listen_query, signals, FIELD_BOOL,
          .help = "Tells as well what is true now and not kept, as events of the type signal"),
    FIELD(struct listen_query, ticket, FIELD_STR, .help = "In the place of a token"),
    FIELD_LAST,
};

/* The types, one after another in `bytes`; none: all. */
struct filter {
    size_t n;
    str types[LOG_TYPES_MAX];
    char bytes[LOG_TYPES_MAX * TYPE_BYTES_MAX];
};

static struct filter *filter_new(const struct strs *types)
{
    struct filter *filter = calloc(1, sizeof(*filter));
    if (!filter)
        return NULL;
    char *at = filter->bytes;
    for (size_t i = 0; i < types->n; i++) {
        str type = types->at[i];
        memcpy(at, type.at, type.len);
        filter->types[filter->n++] = (str){at, type.len};
        at += type.len;
    }
    return filter;
}

static enum topic_action filter_match(void *arg, const struct event *event)
{
    const struct filter *filter = arg;
    for (size_t i = 0; i < filter->n; i++) {
        if (str_eq(filter->types[i], event->type))
            return TOPIC_SEND;
    }
    return filter->n ? TOPIC_SKIP : TOPIC_SEND;
}

static str number_text(int64_t n, char out[24])
{
    return (str){out, (size_t)snprintf(out, 24, "%lld", (long long)n)};
}

static struct frame *filter_render(void *arg, const struct event *event)
{
    (void)arg;
    char id[24];
    CLEANUP(buf_done) struct buf data;
    buf_init(&data, 2 * EVENT_DATA_MAX);
    event_print(&data, event);
    if (data.failed)
        return NULL;
    return frame_event(STR("message"), number_text(event->n, id), buf_str(&data));
}

static struct frame *filter_reset(void *arg, int64_t position)
{
    (void)arg;
    char id[24];
    return frame_event(
        STR("stream-reset"), number_text(position, id), STR("{\"channels\": [\"events\"]}"));
}

static const struct topic_kind filter_kind = {
    .match = filter_match, .render = filter_render, .free = free};

static str filter_key(struct arena *mem, const struct strs *types)
{
    str key = STR("log:");
    for (size_t i = 0; i < types->n; i++)
        key = str_fmt(mem, "%.*s,%.*s", STR_ARGS(key), STR_ARGS(types->at[i]));
    return key;
}

err event_listen(struct request *rq)
{
    struct listen_query query = {0};
    int64_t position;
    bool answered;
    TRY(request_query(rq, event_listen_query, &query));
    TRY(types_check(rq->mem, &query.types));
    TRY(position_take(rq, (str){0}, &position, &answered));
    if (answered)
        return NULL;
    struct topic_ask ask = {.team = rq->team,
                            .key = filter_key(rq->mem, &query.types),
                            .kind = &filter_kind,
                            .arg = filter_new(&query.types),
                            .position = position,
                            .reset = filter_reset,
                            .signals = query.signals};
    return ask.arg ? reply_events(rq, rq->context, &ask) : &err_no_memory;
}
