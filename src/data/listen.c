/*
 * Listening to a channel: a filter over the team's log.
 *
 * What a channel follows is read once, when its first listener of a loop comes (struct follow).
 * From then on the log itself tells of changes: a job that got another `notify`, a job or the
 * channel that was deleted. `known` is the number of the log up to which that is known, so that a
 * listener who is caught up from further back changes nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "data/channels.h"
#include "data/jobs.h"
#include "http/page.h"

#define FACT_MEMORY (4u << 20)

enum notify { NOTIFY_ALWAYS, NOTIFY_CHANGED, NOTIFY_NON_EMPTY };

struct followed {
    int64_t job;
    enum notify notify;
    str view_name;
};

struct follow {
    struct arena mem; /* holds the rest */
    str id;           /* of the channel */
    bool changes, rows;
    int64_t known;
    struct followed *jobs;
    size_t n;
};

static enum notify notify_of(str text)
{
    return str_eq(text, STR("changed"))     ? NOTIFY_CHANGED
           : str_eq(text, STR("non_empty")) ? NOTIFY_NON_EMPTY
                                            : NOTIFY_ALWAYS;
}

static void follow_free(void *arg)
{
    struct follow *follow = arg;
    arena_done(&follow->mem);
    free(follow);
}

static void job_gone(struct follow *follow, int64_t job)
{
    for (size_t i = 0; i < follow->n; i++) {
        if (follow->jobs[i].job == job)
            follow->jobs[i--] = follow->jobs[--follow->n];
    }
}

static void job_changed(struct follow *follow, int64_t job, const struct event *event)
{
    str notify = json_member(event->data, STR("notify"));
    for (size_t i = 0; i < follow->n; i++) {
        if (follow->jobs[i].job == job && notify.len > 2)
            follow->jobs[i].notify = notify_of(str_sub(notify, 1, notify.len - 2));
    }
}

static void follow_job_event(struct follow *follow, const struct event *event)
{
    int64_t job;
    if (event->n <= follow->known || !str_i64(event->subject, &job))
        return;
    follow->known = event->n;
    if (str_eq(event->type, STR("job.deleted")))
        job_gone(follow, job);
    else if (str_eq(event->type, STR("job.updated")))
        job_changed(follow, job, event);
}

static int64_t number_of(const struct event *event, str name)
{
    int64_t n = 0;
    str_i64(json_member(event->data, name), &n);
    return n;
}

static bool wants(enum notify notify, const struct event *event)
{
    switch (notify) {
    case NOTIFY_CHANGED:
        return number_of(event, STR("added")) || number_of(event, STR("removed"));
    case NOTIFY_NON_EMPTY:
        return number_of(event, STR("row_count")) > 0;
    default:
        return true;
    }
}

static enum topic_action follow_match(void *arg, const struct event *event)
{
    struct follow *follow = arg;
    if (str_eq(event->type, STR("channel.deleted")))
        return str_eq(event->subject, follow->id) ? TOPIC_END : TOPIC_SKIP;
    if (str_starts(event->type, STR("job.")))
        follow_job_event(follow, event);
    if (!str_eq(event->type, STR("view.refreshed")))
        return TOPIC_SKIP;
    for (size_t i = 0; i < follow->n; i++) {
        if (str_eq(follow->jobs[i].view_name, event->subject) &&
            wants(follow->jobs[i].notify, event))
            return TOPIC_SEND;
    }
    return TOPIC_SKIP;
}

static void copy_member(struct buf *out, const struct event *event, const char *name)
{
    str value = json_member(event->data, str_of(name));
    if (!value.at)
        return;
    buf_fmt(out, ", \"%s\": ", name);
    buf_add(out, value);
}

/* The rows that the listener asked for, or where they are when they are too many to be sent. */
static void add_rows(struct buf *out, const struct event *event, const char *name)
{
    if (json_member(event->data, str_of(name)).at) {
        copy_member(out, event, name);
        return;
    }
    CLEANUP(buf_done) struct buf path;
    buf_init(&path, 4096);
    buf_add(&path, STR("/views/"));
    url_print(&path, event->subject);
    if (strcmp(name, "changes") == 0)
        buf_fmt(&path, "/changes/?after=%lld", (long long)number_of(event, STR("version")) - 1);
    else
        buf_add(&path, STR("/rows/"));
    buf_fmt(out, ", \"%s_url\": ", name);
    json_print_str(out, buf_str(&path));
}

static struct frame *follow_render(void *arg, const struct event *event)
{
    static const char *const told[] = {
        "version", "row_count", "added", "removed", "refreshed_at", "columns_changed"};
    const struct follow *follow = arg;
    if (!str_eq(event->type, STR("view.refreshed")))
        return NULL; /* the channel's end has no words */
    CLEANUP(buf_done) struct buf data;
    buf_init(&data, FACT_MEMORY);
    buf_add(&data, STR("{\"update_available\": \"true\", \"view_name\": "));
    json_print_str(&data, event->subject);
    for (size_t i = 0; i < LENGTH(told); i++)
        copy_member(&data, event, told[i]);
    bool anew = str_eq(json_member(event->data, STR("columns_changed")), STR("true"));
    if (follow->changes && !anew)
        add_rows(&data, event, "changes");
    if (follow->rows || (follow->changes && anew))
        add_rows(&data, event, "rows");
    buf_char(&data, '}');
    char id[64];
    int len = snprintf(id, sizeof(id), "%.*s:%lld", STR_ARGS(follow->id), (long long)event->n);
    return data.failed ? NULL : frame_event(STR("message"), (str){id, (size_t)len}, buf_str(&data));
}

static struct frame *follow_reset(void *arg, int64_t position)
{
    const struct follow *follow = arg;
    char id[64], data[80];
    int id_len = snprintf(id, sizeof(id), "%.*s:%lld", STR_ARGS(follow->id), (long long)position);
    int data_len = snprintf(data, sizeof(data), "{\"channels\": [\"%.*s\"]}", STR_ARGS(follow->id));
    return frame_event(
        STR("stream-reset"), (str){id, (size_t)id_len}, (str){data, (size_t)data_len});
}

static void follow_audience(void *arg, size_t streams, struct buf *json)
{
    const struct follow *follow = arg;
    buf_fmt(json,
            "{\"kind\": \"listeners\", \"channel\": \"%.*s\", \"listeners\": %zu}",
            STR_ARGS(follow->id),
            streams);
}

static const struct topic_kind follow_kind = {.match = follow_match,
                                              .render = follow_render,
                                              .free = follow_free,
                                              .audience = follow_audience};

static err follow_fill(struct tx *tx, const struct channel *channel, struct follow *follow)
{
    int64_t oldest;
    TRY(events_range(tx, channel->team, &follow->known, &oldest));
    follow->id = str_copy(&follow->mem, channel->id);
    follow->changes = str_eq(channel->include, STR("changes"));
    follow->rows = str_eq(channel->include, STR("rows"));
    follow->jobs = arena_array(&follow->mem, channel->job_ids.n, sizeof(*follow->jobs));
    if (channel->job_ids.n && !follow->jobs)
        return &err_no_memory;
    for (size_t i = 0; i < channel->job_ids.n; i++) {
        struct job job = {0};
        TRY(job_load(tx, channel->team, channel->job_ids.at[i], &job));
        follow->jobs[follow->n++] =
            (struct followed){job.id, notify_of(job.notify), str_copy(&follow->mem, job.view_name)};
    }
    return arena_failed(&follow->mem) ? &err_no_memory : NULL;
}

static err follow_new(struct request *rq, const struct channel *channel, struct tx *tx,
                      struct follow **out)
{
    struct follow *follow = calloc(1, sizeof(*follow));
    if (!follow)
        return &err_no_memory;
    arena_init(&follow->mem, 1 << 20);
    err e = follow_fill(tx, channel, follow);
    if (e) {
        e = err_copy(rq->mem, e);
        follow_free(follow);
        return e;
    }
    *out = follow;
    return NULL;
}

err channel_listen(struct request *rq)
{
    struct data *data = rq->context;
    struct channel channel = {0};
    struct follow *follow = NULL;
    int64_t position = -1;
    {
        CLEANUP(tx_done) struct tx tx = {0};
        TRY(db_read(rq->db, &tx));
        TRY(channel_load(&tx, rq->team, request_path(rq, "id"), &channel));
        bool answered;
        TRY(position_take(rq, channel.id, &position, &answered));
        if (answered)
            return NULL;
        TRY(follow_new(rq, &channel, &tx, &follow));
        if (position < 0)
            position = follow->known; /* so that the channel's end is not missed from here on */
    }
    struct topic_ask ask = {
        .team = rq->team,
        .key = channel_topic(rq->mem, channel.id),
        .kind = &follow_kind,
        .arg = follow,
        .position = position,
        .reset = follow_reset,
    };
    return reply_events(rq, data->events, &ask);
}
