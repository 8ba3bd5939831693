/* The log in the store: appending, reading, trimming. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "events/feeds.h"

#define TRIM_AT_ONCE 1000

struct counted {
    int64_t last, last_at;
};

static const struct field counted_row[] = {
    FIELD(struct counted, last, FIELD_INT),
    FIELD(struct counted, last_at, FIELD_TIME),
    FIELD_LAST,
};

struct sized {
    int64_t n, size;
};

static const struct field sized_row[] = {
    FIELD(struct sized, n, FIELD_INT),
    FIELD(struct sized, size, FIELD_INT),
    FIELD_LAST,
};

/* Goes from the transaction to the feeds; in the arena of the transaction. */
struct announcement {
    struct events *events;
    struct shared *shared;
};

static void announcement_run(void *arg)
{
    struct announcement *announcement = arg;
    atomic_fetch_add(&announcement->events->appended, 1);
    feed_announce(announcement->events, announcement->shared);
    shared_unref(announcement->shared);
}

static void announcement_drop(void *arg)
{
    shared_unref(((struct announcement *)arg)->shared);
}

static err announce_after(struct events *events, struct tx *tx, const struct event *event)
{
    struct announcement *announcement = NEW(tx->db->mem, struct announcement);
    if (!announcement)
        return &err_no_memory;
    *announcement = (struct announcement){events, shared_new(event)};
    if (!announcement->shared)
        return &err_no_memory;
    err e = tx_after(tx, announcement_run, announcement_drop, announcement);
    if (e)
        announcement_drop(announcement);
    return e;
}

/* In two statements: for RETURNING, SQLite makes a table of its own each time. */
static err number_take(struct tx *tx, str team, struct counted *out)
{
    TRY(tx_run(tx,
               "INSERT INTO event_logs (team, last, last_at) VALUES ($1, 1, $2)"
               " ON CONFLICT (team) DO UPDATE SET last = event_logs.last + 1, last_at ="
               " CASE WHEN event_logs.last_at > $2 THEN event_logs.last_at ELSE $2 END",
               A(team),
               A(time_now())));
    return tx_one(
        tx, counted_row, out, "SELECT last, last_at FROM event_logs WHERE team = $1", A(team));
}

err event_append_json(struct events *events, struct tx *tx, str team, const char *type, str subject,
                      str json)
{
    if (json.len > EVENT_DATA_MAX)
        return err_internal(tx->db->mem, "an event of %zu bytes", json.len);
    struct counted counted;
    TRY(number_take(tx, team, &counted));
    struct event event = {.n = counted.last,
                          .at = counted.last_at,
                          .team = team,
                          .type = str_of(type),
                          .subject = subject,
                          .actor = tx->db->actor,
                          .data = json};
    TRY(tx_run(tx,
               "INSERT INTO events (team, n, at, type, subject, actor, size, data)"
               " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
               A(event.team),
               A(event.n),
               A(event.at),
               A(event.type),
               A(event.subject),
               A(event.actor),
               A((int64_t)event.data.len),
               A(event.data)));
    return events ? announce_after(events, tx, &event) : NULL;
}

err event_append(struct events *events, struct tx *tx, str team, const char *type, str subject,
                 const struct field *fields, const void *from)
{
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, EVENT_DATA_MAX);
    fields_print(&json, fields, from);
    if (json.failed)
        return err_internal(tx->db->mem, "an event of more than %zu bytes", EVENT_DATA_MAX);
    return event_append_json(events, tx, team, type, subject, buf_str(&json));
}

err events_range(struct tx *tx, str team, int64_t *last, int64_t *oldest)
{
    TRY(tx_number(tx, last, "SELECT last FROM event_logs WHERE team = $1", A(team)));
    TRY(tx_number(tx, oldest, "SELECT min(n) FROM events WHERE team = $1", A(team)));
    if (*oldest == 0)
        *oldest = *last + 1;
    return NULL;
}

err events_last(struct tx *tx, str team, int64_t *last, int64_t *at)
{
    TRY(tx_number(tx, last, "SELECT last FROM event_logs WHERE team = $1", A(team)));
    return tx_number(tx, at, "SELECT last_at FROM event_logs WHERE team = $1", A(team));
}

#define TYPES "($4 = 0 OR type IN ($5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20))"
#define SIZES "SELECT n, size FROM events WHERE team = $1 AND n > $2 AND n < $3 AND " TYPES
#define ROWS                                                                                      \
    "SELECT n, at, type, subject, actor, data FROM events WHERE team = $1 AND n > $2 AND n < $3 " \
    "AND " TYPES

/* The parameters that the statements share, and the limit last. */
static void args_fill(const struct log_ask *ask, int64_t after, int64_t before,
                      struct arg args[LOG_TYPES_MAX + 6])
{
    args[0] = A(ask->team);
    args[1] = A(after);
    args[2] = A(before);
    args[3] = A((int64_t)ask->types.n);
    for (size_t i = 0; i < LOG_TYPES_MAX; i++)
        args[4 + i] = A(i < ask->types.n ? ask->types.at[i] : (str){0});
    args[4 + LOG_TYPES_MAX] = A(ask->limit);
    args[5 + LOG_TYPES_MAX] = (struct arg){.type = ARG_LAST};
}

/* How many of them fit, the first in any case; narrows the range when not all do. */
static void sizes_fit(const struct log_ask *ask, const struct list *sizes, int64_t *after,
                      int64_t *before)
{
    const struct sized *sized = sizes->at;
    size_t bytes = 0, n = 0;
    while (n < sizes->n && (n == 0 || bytes + (size_t)sized[n].size <= ask->bytes))
        bytes += (size_t)sized[n++].size;
    if (n == sizes->n && (int64_t)n < ask->limit)
        return;
    if (n && ask->backwards)
        *after = sized[n - 1].n - 1;
    else if (n)
        *before = sized[n - 1].n + 1;
}

err log_read(struct tx *tx, const struct log_ask *ask, struct list *out, int64_t *from,
             int64_t *upto)
{
    struct arg args[LOG_TYPES_MAX + 6];
    struct list sizes;
    size_t limit = (size_t)ask->limit;
    int64_t after = ask->after, before = ask->before;
    if (ask->types.n > LOG_TYPES_MAX)
        return err_internal(tx->db->mem, "%zu types", ask->types.n);
    args_fill(ask, after, before, args);
    if (ask->backwards)
        TRY(tx_list_(tx,
                     sized_row,
                     sizeof(struct sized),
                     limit,
                     &sizes,
                     SIZES " ORDER BY n DESC LIMIT $21",
                     args));
    else
        TRY(tx_list_(tx,
                     sized_row,
                     sizeof(struct sized),
                     limit,
                     &sizes,
                     SIZES " ORDER BY n LIMIT $21",
                     args));
    sizes_fit(ask, &sizes, &after, &before);
    args_fill(ask, after, before, args);
    TRY(tx_list_(
        tx, event_fields, sizeof(struct event), limit, out, ROWS " ORDER BY n LIMIT $21", args));
    *from = after;
    *upto = before - 1;
    return NULL;
}

struct trimmed {
    str team;
};

static const struct field trimmed_row[] = {FIELD(struct trimmed, team, FIELD_STR), FIELD_LAST};

/* The next teams whose oldest event is too old. */
static err trim_teams(struct db *db, str after, int64_t before, struct list *teams)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(db, &tx));
    return tx_list(&tx,
                   trimmed_row,
                   sizeof(struct trimmed),
                   TRIM_AT_ONCE,
                   teams,
                   "SELECT l.team FROM event_logs l WHERE l.team > $1 AND (SELECT e.at FROM events"
                   " e WHERE e.team = l.team ORDER BY e.n LIMIT 1) < $2 ORDER BY l.team LIMIT $3",
                   A(after),
                   A(before),
                   A(TRIM_AT_ONCE));
}

static err trim_some(struct db *db, str team, int64_t before, int64_t *removed)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_run(&tx,
               "DELETE FROM events WHERE team = $1 AND n IN (SELECT o.n FROM (SELECT n, at FROM"
               " events WHERE team = $1 ORDER BY n LIMIT $3) AS o WHERE o.at < $2)",
               A(team),
               A(before),
               A(TRIM_AT_ONCE)));
    *removed = tx.changed;
    return tx_commit(&tx);
}

static err trim_all(struct db *db, const struct list *teams, int64_t before, int64_t *all)
{
    for (size_t i = 0; i < teams->n; i++) {
        int64_t removed;
        do {
            TRY(trim_some(db, ((const struct trimmed *)teams->at)[i].team, before, &removed));
            *all += removed;
        } while (removed == TRIM_AT_ONCE);
    }
    return NULL;
}

err events_trim(struct events *events, struct arena *mem)
{
    struct db db = {.store = events->store, .mem = mem, .actor = STR("system")};
    int64_t before = time_now() - events->keep_us, all = 0;
    struct list teams = {0};
    str after = STR("");
    do {
        TRY(trim_teams(&db, after, before, &teams));
        TRY(trim_all(&db, &teams, before, &all));
        if (teams.n)
            after = ((const struct trimmed *)teams.at)[teams.n - 1].team;
    } while (teams.n == TRIM_AT_ONCE);
    if (all)
        log_line(events->log, LOG_INFO, "events", "%lld old events removed", (long long)all);
    return NULL;
}
