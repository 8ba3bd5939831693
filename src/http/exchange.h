/*
 * One request and its answer, whatever the version of HTTP: the seam that h1.c and h2.c plug into.
 *
 * The transport reads a head, makes an exchange of it and feeds the body; the exchange limits,
 * matches, authenticates, collects, works, and answers through the transport's calls:
 *
 *     ex = exchange_new(conn, &head, &calls, transport);     NULL: no memory
 *     exchange_begin(ex);
 *     exchange_body(ex, bytes); ...                           while there is a body
 *     exchange_body_end(ex);                                  always, also of an empty body
 *
 * From exchange_begin on every one of these may answer before it returns. An answer is `head`, then
 * any number of `body`, then `end`; `abort` may come at any point instead. After `end` or `abort`
 * the exchange is no more: the transport forgets it, feeds it no more, and itself sees to it that
 * what was queued is written, and to the rest of a body that nobody wants (h1: discard a little or
 * close; h2: RST_STREAM NO_ERROR). In turn, after exchange_gone the exchange makes no call any
 * more. Everything on the loop's thread.
 *
 * Pausing a body: while exchange_reading is false the transport stops reading (h1) or withholds the
 * stream's window (h2) until `resume`. What had arrived before may still be fed: it is kept, so
 * what a transport can have on the way (EXCHANGE_AHEAD) is what bounds it.
 *
 * Pausing an answer: the frames given to `body` are the transport's until written. `queued` counts
 * those of this exchange (`queued_bytes` what is in them); exchange_drained says that there are
 * none any more, each time that they have become none (but not from inside `body`). A file's next
 * piece and a full stream's next frame wait for it. The transport drops an answer of which nothing
 * could be written for WAIT_STALL (conn.c does this for a whole connection; h2 must for a stream
 * whose window stays shut).
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "base/str.h"
#include "http/conn.h"
#include "http/guards.h"
#include "http/stream.h"

#define EXCHANGE_HEADERS_MAX 100       /* a transport refuses more: 431 */
#define EXCHANGE_HEAD_MAX (32 * 1024)  /* bytes of a request's headers together: 431 */
#define EXCHANGE_TARGET_MAX (8 * 1024) /* bytes of path and query: 414 */
#define EXCHANGE_AHEAD \
    ((size_t)64 * 1024) /* bytes of a paused body that may still come: an h2 window */

struct exchange;

struct header {
    str name, value;
};

/* What the transport has read; everything is copied. */
struct exchange_head {
    str method; /* "GET" */
    str target; /* "/path?query", or "*" */
    const struct header
        *headers; /* names in lower case; h2: :authority comes as host, no pseudo headers */
    size_t header_count;
    int64_t body_size; /* as declared; -1: a body of unknown size, 0: none */
};

struct answer_head {
    int status;
    const struct header
        *headers; /* complete but for what belongs to the connection; good during the call */
    size_t header_count;
    bool endless; /* no Content-Length: ends with `end` (h1: with the connection) */
};

struct transport {
    void (*head)(void *transport, const struct answer_head *answer);
    /* Takes its own reference. Never called for HEAD, 204 and 304. */
    void (*body)(void *transport, struct frame *frame);
    void (*end)(void *transport);
    /* The answer can't be given or completed: close, or RST_STREAM (INTERNAL_ERROR). */
    void (*abort)(void *transport);
    size_t (*queued)(void *transport);
    size_t (*queued_bytes)(void *transport);
    /* exchange_reading has become true again; may come when it was true, and from inside a call. */
    void (*resume)(void *transport);
    /* 100 Continue: the client waits for it before it sends the body. */
    void (*go_on)(void *transport);
};

/* Lives on the loop of `conn`, which is asked for the address only. */
struct exchange *exchange_new(struct conn *conn, const struct exchange_head *head,
                              const struct transport *calls, void *transport);
void exchange_begin(struct exchange *exchange);
bool exchange_reading(const struct exchange *exchange);
void exchange_body(struct exchange *exchange, str bytes);
void exchange_body_end(struct exchange *exchange);
void exchange_drained(struct exchange *exchange);
/* The client has said its last but may listen yet (h1: end of its sending): long work may stop. */
void exchange_leaving(struct exchange *exchange);
/* The connection or stream is dead, or the body broke off: the transport makes no further call
 * either. */
void exchange_gone(struct exchange *exchange);
/* The server stops: an open stream ends. Nothing else changes. */
void exchange_stop(struct exchange *exchange);

/*
 * An answer that needs no exchange, to a head so wrong that there is none (400, 408, 414, 431,
 * 503): a problem document. Refers to itself: don't copy it. `body` is the caller's reference, NULL
 * when memory is out.
 */
struct answer_plain {
    struct answer_head head;
    struct header headers[4 + GUARDS_MAX];
    char length[I64_TEXT];
    struct frame *body;
};

void answer_plain(struct loop *loop, int status, const char *code, const char *detail,
                  struct answer_plain *out);

#endif
