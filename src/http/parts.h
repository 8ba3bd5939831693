/* The server and its loops from the inside, for http/ alone. */
#ifndef HTTP_PARTS_H
#define HTTP_PARTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "base/lanes.h"
#include "base/time.h"
#include "http/budget.h"
#include "http/conn.h"
#include "http/limit.h"
#include "http/link.h"
#include "http/routes.h"
#include "http/server.h"
#include "http/wait.h"

#define LISTENERS_MAX 2 /* the port and the stream port */
#define ENDED_SESSIONS 64
#define POOLS (POOL_ENGINE + 1)

/* Connections that are open, of all loops, and how many may be: the rest of the descriptors is for
 * files. */
struct conn_count {
    atomic_size_t now;
    size_t max;
};

/* Work for a pool that has come up in this turn of the loop. */
struct submits {
    struct pool_work *first, **end;
};

struct listener {
    uv_poll_t poll; /* data: the listener */
    struct loop *loop;
    int fd; /* -1: none */
};

struct loop {
    uv_loop_t uv; /* data: the loop */
    uv_async_t wake;
    uv_prepare_t before_sleep;
    uv_timer_t tick;
    pthread_t thread;
    struct server *server;
    size_t index;
    _Atomic(struct loop_post *) posts; /* newest first */

    struct listener listeners[LISTENERS_MAX];
    bool accepting, stopping, joined;

    struct link conns;   /* of struct conn */
    struct link touched; /* conns to flush before sleeping */
    struct submits submits[POOLS];
    size_t conn_count;
    size_t adrift; /* exchanges that go on although their connection is gone */
    struct link waits[WAIT_KINDS];
    char *read; /* CONN_READ_MAX bytes, for whoever reads now */

    struct link streams; /* of struct stream, open ones */
    /* Sessions that ended lately: a stream that is being opened right now may be of one. */
    char *ended[ENDED_SESSIONS];
    size_t ended_next;

    char date[TIME_TEXT]; /* for the Date header */
    time_t date_s;
    uint64_t id_start; /* of the requests' ids */
    uint32_t id_next;
};

struct server {
    struct server_options options;
    struct arena *mem;
    struct log *log;
    struct loop *loops;
    size_t loop_count;
    int64_t port;
    uint64_t wait_ms[WAIT_KINDS];

    struct routes *routes;
    struct statics *statics;
    struct origins *origins;
    struct proxies *proxies;
    struct limit *limit;
    struct tls *tls;           /* NULL: none */
    struct pool *pools[POOLS]; /* by enum route_pool */
    struct lanes *lanes;       /* of the engine's pool, one a team */
    struct conn_count conns;
    atomic_size_t streams;
    struct budget bodies, answers;

    atomic_bool stopping;
    size_t running; /* loops that have a thread */
    pthread_mutex_t lock;
    pthread_cond_t quiet_changed;
    size_t quiet; /* loops that stop and have no connection any more */
};

/* loop.c */
MUST_CHECK err loop_init(struct loop *loop, struct arena *mem, struct server *server, size_t index);
MUST_CHECK err loop_start(struct loop *loop, struct arena *mem);
/* Closes what is left of its handles and waits for the end; also when it was never started. */
void loop_join(struct loop *loop);
void loop_done(struct loop *loop);
uint64_t loop_now_ms(const struct loop *loop);
str loop_date(struct loop *loop); /* good until the next call */
void loop_touch(struct loop *loop, struct link *link);
/* Goes to the pool before the loop sleeps; or to exchange_not_taken when the queue is full. */
void loop_submit(struct loop *loop, enum route_pool pool, struct pool_work *work);

/* wait.c: what is late is told so. */
void waits_tick(struct loop *loop);
/* Those that wait for `limit_ms` already, the longest first, at most so many; how many it were. */
size_t waits_end(struct loop *loop, enum wait_kind kind, uint64_t limit_ms, size_t most);

/* listener.c */
/* Binds sockets of all loops to one port; `*port` 0 becomes the one that was free. */
MUST_CHECK err listeners_bind(struct server *server, struct arena *mem, size_t which,
                              int64_t *port);
MUST_CHECK err listeners_open(struct loop *loop, struct arena *mem);
void listeners_close(struct loop *loop);
void listeners_retry(struct loop *loop); /* goes on accepting if it had to stop */

/* conn.c */
/* Takes the descriptor over, also when it fails. */
void conn_accept(struct loop *loop, int fd, const struct sockaddr *address);
void conn_touched(struct link *link); /* of loop.touched */
void conns_stop(struct loop *loop);   /* each is told */
void conns_close(struct loop *loop);

/* server.c: a stopping loop may have become quiet. */
void conns_quiet(struct loop *loop);

err health_route(struct request *rq); /* answered by the loop itself */

/* frame.c: of bytes that outlive every frame. */
struct frame *frame_view(str bytes);
/* Its bytes are given back when it is freed; false: there is no room for them. */
bool frame_charge(struct frame *frame, struct budget *budget, size_t most);
/* Made before there is anything to put in, and filled: takes the bytes of `b` over. */
struct frame *frame_empty(void);
void frame_fill(struct frame *frame, struct buf *b);

/* stream.c */
void streams_forget(struct loop *loop); /* the list of ended sessions */

#endif
