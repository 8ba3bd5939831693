/*
 * What an exchange holds of its request until it is answered, all in the request's arena; and the
 * answer as a handler leaves it. For http/ alone.
 *
 * It belongs to the loop, but for the time between a pool_submit and the post that comes back, when
 * only `gone` and `unwanted` may be touched there.
 */
#ifndef HTTP_ASKING_H
#define HTTP_ASKING_H

#include "base/lanes.h"
#include "http/exchange.h"
#include "http/parts.h"
#include "http/request.h"
#include "http/spool.h"

#define REQUEST_MEMORY_MAX ((size_t)128 << 20)
#define REPLY_MAX ((size_t)64 << 20)
#define JSON_BODY_MAX ((size_t)1 << 20)
#define STRANGER_BODY_MAX ((size_t)64 << 10) /* before it is known who asks */
#define UPLOAD_JSON_MAX ((size_t)16 << 20)
#define UPLOAD_FORM_MAX ((int64_t)2 << 20) /* of an upload beside its files */
#define DISCARD_MAX ((int64_t)64 * 1024)   /* of a body that nobody wants, to keep the connection */
#define ANSWER_HEADERS_MAX 24

enum answer_kind { ANSWER_NONE, ANSWER_BYTES, ANSWER_FILE, ANSWER_STREAM };

struct answer {
    enum answer_kind kind;
    int status;
    const char *content_type; /* NULL: no body */
    struct frame *body;       /* BYTES; NULL: none */
    int fd;                   /* FILE: open, its name is gone */
    int64_t size;             /* of the body */
    struct stream *stream;    /* also when an err came after it */
    struct header headers[ANSWER_HEADERS_MAX];
    size_t header_count, header_kept; /* and those of them that a refusal has as well */
    bool cacheable;                   /* says itself how it may be kept */
    err error;                        /* what it tells of, for the log */
};

struct asking {
    struct arena mem;
    struct request rq;
    struct db db;
    atomic_bool gone;
    atomic_bool unwanted; /* nobody can be answered: what has not begun need not */
    const struct header *headers;
    size_t header_count;
    struct route_match match;
    bool authenticated; /* or nothing to check */
    bool expects;       /* 100-continue, and has not got it */
    bool body_ended;
    int64_t body_size; /* as declared; -1: unknown */
    int64_t body_seen, body_max;
    struct buf body;
    size_t body_charged; /* bytes of it that the server's budget was charged with */
    struct spool *spool; /* of a form with files */
    struct answer answer;
    struct buf spare; /* for the answer, set aside before the first commit; or empty */
    struct frame *spare_frame;
    int64_t started_us; /* time_steady */
    struct pool_work work;
    struct lane_work lane; /* of its team, when it asks the engine */
    struct loop_post post;
};

/* Each says who holds the exchange. */
enum exchange_state {
    EXCHANGE_NEW,     /* the transport, before exchange_begin */
    EXCHANGE_CHECK,   /* a pool: authenticates before the body is read */
    EXCHANGE_BODY,    /* the transport: the body comes */
    EXCHANGE_DISCARD, /* the transport: the answer is ready, the rest of the body is dropped first
                       */
    EXCHANGE_DISK,    /* the spool: writes what is left */
    EXCHANGE_WORK,    /* a pool: the handler runs */
    EXCHANGE_FILE,    /* its file_sending */
    EXCHANGE_STREAM,  /* its stream; `ask` is freed */
};

struct exchange {
    struct loop *loop;
    const struct transport *calls; /* NULL: gone */
    void *transport;
    enum exchange_state state;
    bool adrift; /* its connection is gone, and what came of its file is being kept */
    struct asking *ask;
    union {
        struct stream *stream;     /* EXCHANGE_STREAM */
        struct file_sending *file; /* EXCHANGE_FILE */
    };
};

/* exchange.c */
void exchange_free(struct exchange *exchange);
void exchange_worked(struct loop *loop, struct loop_post *post); /* what a pool posts back */
void exchange_on_disk(void *arg, err e);                         /* what the spool tells */
void exchange_has_room(void *arg);

void exchange_not_taken(struct pool_work *work); /* there was no room in the pool */

/* work.c: on a pool's thread. */
void exchange_check(struct pool_work *work);
void exchange_work(struct pool_work *work);
void exchange_handle(struct asking *ask); /* any thread, as what it runs allows */

/* answer.c: on the loop. The exchange is no more after it, or is a file's or a stream's. */
void exchange_answer(struct exchange *exchange);
const char *status_text(int status);
void asking_free(struct asking *ask); /* with an answer that was not sent */

/* reply.c: any thread. Takes the place of what was replied before. */
void reply_err(struct asking *ask, err e);
/* A struct db's reserve, of an asking's. */
bool asking_reserve(struct db *db);
void reply_frame(struct asking *ask, int status, const char *content_type, struct frame *frame);

/* request.c */
MUST_CHECK err request_take_head(struct asking *ask, const struct exchange_head *head);
str asking_header(const struct asking *ask, str name);
MUST_CHECK err request_parse_form(struct asking *ask); /* application/x-www-form-urlencoded */

/* access.c: the line in the log. */
void access_log(struct exchange *exchange);
void access_log_plain(struct loop *loop, int status, const char *code);

/* file.c: sends the open file, then ends the exchange. */
bool file_send(struct exchange *exchange, int fd, int64_t size);
void file_drained(struct file_sending *file);
void file_gone(struct file_sending *file);

/* stream.c */
void stream_open(struct exchange *exchange, struct stream *stream);
void stream_drained(struct stream *stream);
void stream_gone(struct stream *stream); /* its exchange is no more */
void stream_drop(struct stream *stream); /* one that was never opened */
void stream_stop(struct stream *stream);

/* Counts a request against `key`: 429 rate_limited with Retry-After when there are too many. */
MUST_CHECK err asking_rate(struct asking *ask, str key, int64_t per_minute, const char *detail);

#endif
