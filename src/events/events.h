/*
 * The log of a team: every change appends an event in its own transaction; numbered 1, 2, 3 ...
 * without gaps.
 *
 * A reader is a filter and a position. Streams are readers: a stream is caught up from the store
 * and then rides its loop's feed of the team (feed.c), so that nothing is lost or repeated, whoever
 * wrote the event.
 */
#ifndef EVENTS_EVENTS_H
#define EVENTS_EVENTS_H

#include "base/pool.h"
#include "http/route.h"
#include "http/stream.h"
#include "store/store.h"

struct events;

/* One entry; shared by reference count, never changed. Texts are its own. */
struct event {
    int64_t n, at;
    str team, type, subject, actor;
    str data; /* a JSON object */
};

struct events_options {
    struct store *store;
    struct log *log;
    int64_t keep_days;
};

MUST_CHECK err events_open(struct arena *mem, const struct events_options *options,
                           struct events **out);
/* Joins the feeds to the server's loops; once, before server_start. */
MUST_CHECK err events_join(struct events *events, struct arena *mem, struct server *server);
/* After server_stop, before server_free. */
void events_close(struct events *events);

/* Takes the team's next number, in this transaction; told to the feeds once durable. `fields`
 * prints `from` as data. */
MUST_CHECK err event_append(struct events *events, struct tx *tx, str team, const char *type,
                            str subject, const struct field *fields, const void *from);
/* With the data as JSON text of an object. */
MUST_CHECK err event_append_json(struct events *events, struct tx *tx, str team, const char *type,
                                 str subject, str json);
/* The team's last number and the oldest that is still kept (last + 1 when none is); 0 and 1 of an
 * empty log. */
MUST_CHECK err events_range(struct tx *tx, str team, int64_t *last, int64_t *oldest);
/* The team's last number and when it was given; 0 and 0 of an empty log. */
MUST_CHECK err events_last(struct tx *tx, str team, int64_t *last, int64_t *at);
/* Entries that were appended to the logs of all teams since the start. Any thread. */
int64_t events_appended(struct events *events);
/* Removes what is older than keep_days; called by the clock, every hour. */
MUST_CHECK err events_trim(struct events *events, struct arena *mem);

/* What a filter makes of an event. */
enum topic_action {
    TOPIC_SKIP,
    TOPIC_SEND, /* render it */
    TOPIC_END, /* render it when `render` gives a frame, then end the streams: what they followed is
                  gone */
};

/*
 * What a group of streams of one loop follows. Streams with the same `key` share one topic of their
 * team, so an event is rendered once for all of them. Its calls come on the loop's thread and must
 * not block or ask the store.
 */
struct topic_kind {
    enum topic_action (*match)(void *arg, const struct event *event);
    /* A whole SSE block: event, id, data, blank line. NULL: out of memory, the stream is dropped to
     * its position. */
    struct frame *(*render)(void *arg, const struct event *event);
    void (*free)(void *arg);
    /* The signal of how many streams are open on it, on all loops. NULL: none is told of. */
    void (*audience)(void *arg, size_t streams, struct buf *json);
};

struct topic_ask {
    str team;
    str key; /* "channel:<uuid>", "log:<types>" */
    const struct topic_kind *kind;
    void *arg; /* on the heap; given over: freed by kind->free, also when the call fails or an equal
                  topic exists */
    /* The last number the client has; -1: start with what is next. A handler that looked in a
     * snapshot for what is followed can give that snapshot's last number (events_range), so that
     * nothing is missed in between. */
    int64_t position;
    /* The block that says that `position` is no longer kept, given the position to go on from;
     * frees nothing. */
    struct frame *(*reset)(void *arg, int64_t position);
    bool signals; /* the stream gets the team's signals as well */
};

/* How many streams are open now on topics of this key, on all loops. Any thread. */
size_t events_audience(struct events *events, struct arena *mem, str team, str key);

/*
 * Signals: what is true now and is not kept, such as how far a load is. Streams that asked for them
 * get them beside the log's entries, as events "signal" without an id; see signals.c. Any thread;
 * never blocks for long.
 */

/* Somebody hears them: else there is no need to make one up. */
bool signals_heard(struct events *events, str team);
/* `json` is one object, or absent: there was no memory for it, and listeners are told that they
 * missed one. `key` says of what: of those that come too fast the last one is told. */
void signal_tell(struct events *events, str team, str key, str json);
/* The log is about to say better: what has not been told yet is not told any more. */
void signal_forget(struct events *events, str team, str key);

/*
 * The reply of a handler that listens. A position that is older than what is kept, or beyond the
 * log's end, gets `reset` and goes on from the end of the log.
 */
MUST_CHECK err reply_events(struct request *rq, struct events *events, const struct topic_ask *ask);

/*
 * Where the client left off, by Last-Event-ID or else the last lastEventId of the query that is not
 * empty: "<prefix>:<n>", or "<n>" with an absent prefix; -1 when it says nothing. "error" is 400.
 * Anything else has been replied to with a stream that holds one `stream-error` (*answered).
 */
MUST_CHECK err position_take(struct request *rq, str prefix, int64_t *position, bool *answered);

/* One SSE block. `id` may be absent. `data` is JSON: line breaks in it become spaces. NULL: no
 * memory. */
struct frame *frame_event(str event, str id, str data);

/* What a listener says that it has: Last-Event-ID, else the last ?lastEventId= of the query that is
 * not empty. */
enum position_kind {
    POSITION_NONE,  /* nothing */
    POSITION_AT,    /* "<prefix>:<n>", or "<n>" when the prefix is absent */
    POSITION_ERROR, /* "error": the id of a stream-error */
    POSITION_BAD,
};
enum position_kind position_ask(struct request *rq, str prefix, int64_t *position);
/* A stream that holds one stream-error (id "error", data {"condition", "text"}) and ends. */
MUST_CHECK err reply_stream_error(struct request *rq, const char *condition, str text);
/*
 * Both as the listen routes want them: -1 or the number; 400 bad_position for "error"; for a bad
 * one the stream-error is the answer, and *answered is set.
 */
MUST_CHECK err position_take(struct request *rq, str prefix, int64_t *position, bool *answered);
/* "<event as JSON>" : {"n","at","type","subject","actor","data"}. */
void event_print(struct buf *out, const struct event *event);

/* Routes: GET /events/, GET /events/listen/. */
extern const struct route events_routes[];
extern const size_t events_route_count;

#endif
