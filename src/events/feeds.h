/*
 * Feeds, topics and readers from the inside, for events/ alone. feed.c tells how they work.
 *
 * Everything is the loop's own, but for what says that the hub's lock guards it.
 */
#ifndef EVENTS_FEEDS_H
#define EVENTS_FEEDS_H

#include <pthread.h>
#include <stdatomic.h>

#include "events/events.h"
#include "events/map.h"
#include "http/link.h"
#include "http/wait.h"

#define INBOX_MAX 32
#define EARLY_MAX 64
#define RECENT_MAX 64
#define RECENT_BYTES ((size_t)1 << 20)
#define BATCH_EVENTS 100
#define BATCH_BYTES ((size_t)1 << 20)
#define READS_MAX 4 /* of one loop, at one time */
#define EVENT_DATA_MAX ((size_t)1 << 20)

/* An event on the heap, with its texts. */
struct shared {
    atomic_uint refs;
    size_t size;
    struct event event;
    char bytes[];
};

/* NULL: no memory. */
struct shared *shared_new(const struct event *event);
struct shared *shared_ref(struct shared *shared);
void shared_unref(struct shared *shared);

struct hub {
    struct events *events;
    struct loop *loop;
    pthread_mutex_t lock; /* of `feeds`, which the loop alone changes, and of the feeds' inboxes */
    struct map feeds;
    struct link waiting; /* feeds that want a read */
    size_t reads;        /* under way */
};

struct events {
    struct store *store;
    struct log *log;
    int64_t keep_us;
    struct pool *pool; /* reads for feeds */
    struct hub *hubs;  /* one a loop; none before events_join */
    size_t hub_count;
    atomic_size_t hearing;         /* streams that get signals, of all teams */
    atomic_int_fast64_t appended;  /* entries, since the start */
    pthread_mutex_t audience_lock; /* of all audiences; taken before a hub's */
    struct map audiences;
};

/* The streams of all loops that follow topics of one key. */
struct audience {
    struct entry entry; /* of events->audiences, by team and key */
    size_t topics, streams;
    char key[];
};

struct feed {
    struct entry entry; /* of hub->feeds, by team */
    struct hub *hub;
    struct map topics;

    /* Guarded by the hub's lock. */
    struct shared *inbox[INBOX_MAX];
    size_t inbox_n;
    int64_t inbox_heard; /* the highest number that came, also when there was no room */
    bool posted;
    struct loop_post post;
    size_t hearing;      /* readers that get signals */
    struct map signals;  /* not told yet */
    size_t signal_bytes; /* of these */
    bool signals_lost;   /* there was no room for one */
    bool signals_pause;  /* they wait for the end of `pause` */

    int64_t last;                    /* told to all that ride; -1: not known yet */
    int64_t seen;                    /* the highest number heard of */
    struct shared *early[EARLY_MAX]; /* heard, in order, but not yet the next one */
    size_t early_n;
    struct shared *recent[RECENT_MAX]; /* told while a read is under way, without a gap */
    size_t recent_n, recent_bytes;
    bool recent_lost; /* there were more */

    struct link catching; /* readers that are to be read for */
    struct link late;     /* those who came while a read is under way */
    struct link waiting;  /* on hub->waiting */
    struct link hearers;  /* readers that get signals */
    struct wait pause;    /* between two tellings of signals */
    size_t readers, riding;
    struct batch *batch; /* the read under way, or NULL */
    bool gap_was_last;
    char team[];
};

struct topic {
    struct entry entry; /* of feed->topics, by key */
    struct feed *feed;
    const struct topic_kind *kind;
    void *arg;
    struct frame *(*reset)(void *arg, int64_t position);
    struct link riding; /* readers */
    size_t readers;
    struct audience *audience;
    char key[];
};

/* What a reader needs until its stream is open. */
struct joining {
    struct events *events;
    const struct topic_kind *kind;
    void *arg;
    struct frame *(*reset)(void *arg, int64_t position);
    str team, key;
    bool signals;
    char bytes[];
};

/* A stream that reads the log. */
struct reader {
    struct link link; /* riding: of its topic; catching up: of its feed; else on no list */
    struct stream *stream;
    struct link hearer;      /* of feed->hearers, or on no list */
    struct topic *topic;     /* NULL: not joined */
    struct joining *joining; /* or NULL */
    int64_t position;        /* told up to here; of one that rides: or to feed->last, if higher */
    bool riding;
    bool missed; /* signals, which it has not been told yet */
};

/* What was read of the log for one feed: the events after `from` up to `upto`. */
struct batch {
    struct pool_work work;
    struct loop_post post;
    struct feed *feed;
    int64_t from, upto;
    int64_t oldest, last; /* of the log */
    bool failed;
    size_t n;
    struct shared *events[BATCH_EVENTS];
};

/* log.c */
struct log_ask {
    str team;
    int64_t after, before; /* numbers between the two */
    bool backwards;        /* the last ones of them; the list is in order all the same */
    int64_t limit;
    size_t bytes;      /* of data together; one event may be larger */
    struct strs types; /* none: all */
};

#define LOG_TYPES_MAX 16
/* Of struct event. Numbers above *from and up to *upto have been looked at. */
MUST_CHECK err log_read(struct tx *tx, const struct log_ask *ask, struct list *out, int64_t *from,
                        int64_t *upto);
extern const struct field event_fields[];

/* batch.c: on a thread of the pool; then posts. */
void batch_read(struct pool_work *work);
void batch_free(struct batch *batch);

/* feed.c */
void feed_announce(struct events *events, struct shared *shared);
void feed_free(struct feed *feed);
void feed_posted(struct loop *loop, struct loop_post *post); /* there is something in the inbox */
/* Puts a new reader where it belongs by its position. */
void feed_place(struct feed *feed, struct reader *reader);
/* Has the log read for it. */
void feed_wait(struct feed *feed, struct reader *reader);
/* Starts a read if one is wanted and none is under way. */
void feed_read(struct feed *feed);
/* Frees it when nobody needs it. */
void feed_release(struct feed *feed);

/* topic.c */
/* Tells those who ride. */
void topic_tell(struct topic *topic, const struct event *event);
void topic_free(struct topic *topic);
void reader_ride(struct reader *reader);
void reader_off(struct reader *reader); /* whatever list it is on */
/* From riding to catching up: it has been told all up to `told`. */
void reader_drop(struct reader *reader, int64_t told);
/* The stream ends, after `last` (or NULL). */
void reader_end(struct reader *reader, struct frame *last);

/* audience.c */
/* What a new topic counts its streams in; NULL: no memory. */
struct audience *audience_ref(struct events *events, str team, str key);
void audience_unref(struct events *events, struct audience *audience);
void audiences_done(struct events *events);
/* A stream more or less, which is told as a signal. */
void audience_count(struct topic *topic, int change);

/* signals.c */
void reader_hear(struct reader *reader); /* from now on */
void reader_unhear(struct reader *reader);
/* It can take more again: says that it has missed some, if it has. */
void reader_missed(struct reader *reader);
/* Tells what there is, or leaves it to the end of the pause. */
void signals_flush(struct feed *feed);
void signals_done(struct feed *feed);

/* catchup.c */
/* What a batch holds for the readers of one topic that stand at one position: made once for them
 * all. */
struct pieces {
    struct topic *topic; /* NULL: none yet */
    int64_t from;
    size_t n;
    bool ends, failed;  /* after these, the stream ends; or memory was missing */
    struct frame *last; /* with which it ends, or NULL */
    struct piece {
        struct frame *frame;
        int64_t upto;
    } at[BATCH_EVENTS];
};

void pieces_done(struct pieces *pieces);
/* False: the reader is no longer to be told more now (it is full, has ended, or is elsewhere in the
 * log). */
bool reader_catch_up(struct reader *reader, const struct batch *batch, struct pieces *pieces);
/* The same for events that were told while the batch was read. */
bool reader_catch_recent(struct reader *reader, const struct feed *feed);

#endif
