/* Channels: made, listed, shown, deleted; and tickets for browsers. */
#include "data/channels.h"

#include "base/id.h"
#include "data/jobs.h"
#include "http/page.h"

#define CHANNELS_MAX 10000 /* of one team */
#define JOBS_OF_CHANNEL 100

static const char *const includes[] = {"changes", "rows", NULL};

#define CHANNEL_IDENTIFIER                                                       \
    {                                                                            \
        .name = "public_identifier", .type = FIELD_STR, .flags = FIELD_REQUIRED, \
        .offset = offsetof(struct channel, id), .help = "UUID"                   \
    }

const struct field channel_fields[] = {
    CHANNEL_IDENTIFIER,
    FIELD(struct channel, job_ids, FIELD_INTS, .help = "The jobs it follows"),
    FIELD(struct channel, include, FIELD_STR, .choices = includes,
          .help = "Rows inside each event: changes, rows, or null for none"),
    FIELD(struct channel, listen_path, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "Where to listen"),
    FIELD(struct channel, listeners, FIELD_INT, .help = "Streams that are open on it now"),
    FIELD(struct channel, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD_LAST,
};

/* What the log keeps of it. */
static const struct field channel_facts[] = {
    CHANNEL_IDENTIFIER,
    FIELD(struct channel, job_ids, FIELD_INTS),
    FIELD(struct channel, include, FIELD_STR),
    FIELD(struct channel, listen_path, FIELD_STR),
    FIELD(struct channel, created, FIELD_TIME),
    FIELD_LAST,
};

static const struct field channel_row[] = {
    FIELD(struct channel, team, FIELD_STR),
    FIELD(struct channel, id, FIELD_STR),
    FIELD(struct channel, include, FIELD_STR),
    FIELD(struct channel, created, FIELD_TIME),
    FIELD_LAST,
};

struct channel_input {
    int64_t job_id;
    struct ints job_ids;
    str include;
    bool one;
};

const struct field channel_input_fields[] = {
    FIELD(struct channel_input, job_id, FIELD_INT, .flags = FIELD_LENIENT,
          .given = offsetof(struct channel_input, one), .help = "The job to follow"),
    FIELD(struct channel_input, job_ids, FIELD_INTS, .flags = FIELD_LENIENT, .min = 1,
          .max = JOBS_OF_CHANNEL, .help = "Or several"),
    FIELD(struct channel_input, include, FIELD_STR, .flags = FIELD_NULLABLE, .choices = includes,
          .help = "changes or rows: inside each event, up to 1,000"),
    FIELD_LAST,
};

struct job_of_channel {
    int64_t job;
};

static const struct field job_of_channel_row[] = {FIELD(struct job_of_channel, job, FIELD_INT),
                                                  FIELD_LAST};

static err channel_ready(struct tx *tx, struct channel *channel)
{
    struct list list;
    TRY(tx_list(tx,
                job_of_channel_row,
                sizeof(struct job_of_channel),
                JOBS_OF_CHANNEL,
                &list,
                "SELECT job FROM channel_jobs WHERE team = $1 AND channel = $2 ORDER BY job",
                A(channel->team),
                A(channel->id)));
    channel->job_ids = (struct ints){list.at, list.n};
    channel->listen_path = str_fmt(tx->db->mem, "/channels/%.*s/listen/", STR_ARGS(channel->id));
    return NULL;
}

str channel_topic(struct arena *mem, str id)
{
    return str_fmt(mem, "channel:%.*s", STR_ARGS(id));
}

static void channel_count(struct request *rq, struct channel *channel)
{
    struct data *data = rq->context;
    str topic = channel_topic(rq->mem, channel->id);
    channel->listeners = (int64_t)events_audience(data->events, rq->mem, channel->team, topic);
}

_Static_assert(sizeof(struct job_of_channel) == sizeof(int64_t),
               "a list of them is a list of numbers");

err channel_load(struct tx *tx, str team, str id, struct channel *out)
{
    bool found;
    TRY(tx_find(tx,
                channel_row,
                out,
                &found,
                "SELECT * FROM channels WHERE team = $1 AND id = $2",
                A(team),
                A(str_lower(tx->db->mem, id))));
    if (!found)
        return err_new(tx->db->mem, 404, "not_found", "There is no such channel.");
    return channel_ready(tx, out);
}

/* `field` is what named its jobs. */
static err channel_insert(struct tx *tx, struct channel *channel, const char *field)
{
    int64_t count;
    TRY(tx_number(tx, &count, "SELECT count(*) FROM channels WHERE team = $1", A(channel->team)));
    if (count >= CHANNELS_MAX)
        return err_new(
            tx->db->mem, 409, "too_many", "A team may have at most %d channels.", CHANNELS_MAX);
    TRY(tx_run(tx,
               "INSERT INTO channels (team, id, include, created) VALUES ($1, $2, $3, $4)",
               A(channel->team),
               A(channel->id),
               A(channel->include),
               A(channel->created)));
    for (size_t i = 0; i < channel->job_ids.n; i++) {
        struct job job = {0};
        err e = job_load(tx, channel->team, channel->job_ids.at[i], &job);
        if (err_is(e, "not_found"))
            return field_err(tx->db->mem, field, "%.*s", STR_ARGS(e->detail));
        TRY(e);
        TRY(tx_run(tx,
                   "INSERT INTO channel_jobs (team, channel, job) VALUES ($1, $2, $3) ON CONFLICT "
                   "DO NOTHING",
                   A(channel->team),
                   A(channel->id),
                   A(job.id)));
    }
    return channel_ready(tx, channel);
}

err channel_create(struct request *rq)
{
    struct data *data = rq->context;
    struct channel_input input = {0};
    TRY(request_body(rq, channel_input_fields, &input));
    if (input.one == (input.job_ids.n > 0))
        return field_err(rq->mem, "job_id", "Either job_id or job_ids is required.");
    struct channel channel = {
        .team = rq->team, .id = id_random(rq->mem), .include = input.include, .created = rq->now};
    channel.job_ids = input.one ? (struct ints){&input.job_id, 1} : input.job_ids;

    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(channel_insert(&tx, &channel, input.one ? "job_id" : "job_ids"));
    TRY(event_append(
        data->events, &tx, rq->team, "channel.created", channel.id, channel_facts, &channel));
    TRY(tx_commit(&tx));
    return reply_json(rq, 201, channel_fields, &channel);
}

err channel_list(struct request *rq)
{
    struct page page;
    struct list list;
    TRY(page_ask(rq, &page));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(tx_list(&tx,
                channel_row,
                sizeof(struct channel),
                2000,
                &list,
                "SELECT * FROM channels WHERE team = $1 AND ($2 IS NULL OR id > $2) AND ($3 IS "
                "NULL OR id < $3)"
                " ORDER BY CASE WHEN $3 IS NULL THEN id END, CASE WHEN $3 IS NOT NULL THEN id END "
                "DESC LIMIT $4",
                A(rq->team),
                A(page.after),
                A(page.before),
                A(page_rows(&page))));
    struct channel *channels = list.at;
    for (size_t i = 0; i < list.n; i++) {
        TRY(channel_ready(&tx, &channels[i]));
        channel_count(rq, &channels[i]);
    }
    return page_reply(
        rq, &page, channel_fields, sizeof(struct channel), list, offsetof(struct channel, id));
}

err channel_show(struct request *rq)
{
    struct channel channel = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(channel_load(&tx, rq->team, request_path(rq, "id"), &channel));
    channel_count(rq, &channel);
    return reply_json(rq, 200, channel_fields, &channel);
}

/* The event closes the channel's streams (listen.c). */
static err channel_delete(struct data *data, struct tx *tx, const struct channel *channel)
{
    TRY(tx_run(tx,
               "DELETE FROM channel_jobs WHERE team = $1 AND channel = $2",
               A(channel->team),
               A(channel->id)));
    TRY(tx_run(
        tx, "DELETE FROM channels WHERE team = $1 AND id = $2", A(channel->team), A(channel->id)));
    return event_append(
        data->events, tx, channel->team, "channel.deleted", channel->id, channel_facts, channel);
}

err channel_drop(struct request *rq)
{
    struct channel channel = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(channel_load(&tx, rq->team, request_path(rq, "id"), &channel));
    TRY(channel_delete(rq->context, &tx, &channel));
    TRY(tx_commit(&tx));
    return reply_empty(rq, 204);
}

err channels_leave_job(struct data *data, struct tx *tx, str team, int64_t job)
{
    struct list list;
    TRY(tx_list(tx,
                channel_row,
                sizeof(struct channel),
                CHANNELS_MAX,
                &list,
                "SELECT c.* FROM channels c JOIN channel_jobs j ON j.team = c.team AND j.channel = "
                "c.id WHERE c.team = $1 AND j.job = $2",
                A(team),
                A(job)));
    TRY(tx_run(tx, "DELETE FROM channel_jobs WHERE team = $1 AND job = $2", A(team), A(job)));
    struct channel *channels = list.at;
    for (size_t i = 0; i < list.n; i++) {
        TRY(channel_ready(tx, &channels[i]));
        if (channels[i].job_ids.n == 0)
            TRY(channel_delete(data, tx, &channels[i]));
    }
    return NULL;
}

struct ticket {
    str ticket;
    int64_t expires_at;
};

const struct field ticket_fields[] = {
    FIELD(struct ticket, ticket, FIELD_STR, .help = "For ?ticket= of the listen URL, once"),
    FIELD(struct ticket, expires_at, FIELD_TIME),
    FIELD_LAST,
};

err channel_ticket(struct request *rq)
{
    struct data *data = rq->context;
    struct channel channel = {0};
    struct ticket ticket = {0};
    TRY(request_nothing(rq));
    {
        CLEANUP(tx_done) struct tx tx = {0};
        TRY(db_read(rq->db, &tx));
        TRY(channel_load(&tx, rq->team, request_path(rq, "id"), &channel));
    }
    str path = str_fmt(rq->mem, "/channels/%.*s/listen", STR_ARGS(channel.id));
    TRY(ticket_issue(data->accounts, rq, path, &ticket.ticket, &ticket.expires_at));
    return reply_json(rq, 201, ticket_fields, &ticket);
}

err log_ticket(struct request *rq)
{
    struct data *data = rq->context;
    struct ticket ticket = {0};
    TRY(request_nothing(rq));
    TRY(ticket_issue(
        data->accounts, rq, STR("/events/listen"), &ticket.ticket, &ticket.expires_at));
    return reply_json(rq, 201, ticket_fields, &ticket);
}
