/* A stream of HTTP/2 as the transport of an exchange: between h2.c, which owns the session, and the
 * exchange. */
#ifndef HTTP_H2_STREAM_H
#define HTTP_H2_STREAM_H

#include <nghttp2/nghttp2.h>

#include "http/exchange.h"
#include "http/link.h"
#include "http/queue.h"
#include "http/wait.h"

struct h2_head;

/* How many of something there were in a second. */
struct h2_burst {
    int64_t second;
    unsigned n;
};

/* A connection. */
struct h2 {
    struct conn *conn;
    nghttp2_session *session;
    struct link streams;    /* of h2_stream.link */
    struct link drained;    /* of h2_stream.drained: their exchanges are to be told */
    struct h2_head *head;   /* of the request that is being read, or NULL */
    bool busy;              /* the session is at work: it will be pumped afterwards */
    bool idle;              /* no stream is open: conn_wait is on */
    bool greeted;           /* the peer's settings have come */
    struct h2_burst noise;  /* frames that say nothing */
    struct h2_burst faults; /* frames that broke a stream */
};

struct h2_stream {
    struct link link, drained;
    struct h2 *h2;
    int32_t id;
    struct exchange *exchange; /* NULL: not begun, or over */
    struct queue queue;        /* of the answer */
    size_t left;   /* bytes of the answer not yet sent, when it said how many: SIZE_MAX otherwise */
    bool bodyless; /* its answer ends with the head */
    bool answered; /* the head was given */
    bool ended;    /* nothing is added to the queue any more */
    bool closed;   /* by both sides; only its exchange has yet to end */
    bool lingering;    /* the answer is sent, but not all of the request has come */
    bool behind;       /* the queue could not be sent at once */
    bool for_head;     /* the method is HEAD */
    size_t held;       /* bytes of the body that the window was not yet given back for */
    size_t taken;      /* bytes of the body that its exchange took, until the window is wide */
    size_t body_bytes; /* since the wait began */
    struct wait request_wait; /* for the request's head, then for its body */
    struct wait answer_wait;  /* for the window to open */
};

/* Sends what the session has to say, unless it is at work. May free streams that are over. */
void h2_pump(struct h2 *h2);

struct h2_stream *h2_stream_new(struct h2 *h2, int32_t id); /* NULL: no memory */
void h2_stream_free(struct h2_stream *stream);              /* an exchange that lives is gone */
/* The head of the request is there; `status` other than 0 answers at once. */
void h2_stream_begin(struct h2_stream *stream, const struct exchange_head *head, int status,
                     bool has_body);
void h2_stream_data(struct h2_stream *stream, str bytes);
void h2_stream_data_end(struct h2_stream *stream);
/* The answer is sent, and the peer has not ended the request. */
void h2_stream_linger(struct h2_stream *stream);
/* nghttp2 knows it no more: freed, unless its answer was sent whole and its exchange has not yet
 * said so. */
void h2_stream_closed(struct h2_stream *stream);

#endif
