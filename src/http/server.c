/*
 * The server: made of options, started, stopped in order.
 *
 * Stopping: the loops stop accepting and tell their connections; each finishes what it has begun,
 * and a loop without connections says that it is quiet. When the grace is over the rest is cut.
 * Then the pools end, whose handlers know by `gone`, and last the loops.
 */
#include "http/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http/openapi.h"
#include "http/origins.h"
#include "http/parts.h"
#include "http/patience.h"
#include "http/proxies.h"
#include "http/spool.h"
#include "http/statics.h"
#include "http/tls.h"

#define QUEUE_QUICK 4096
#define QUEUE_PASSWORD 64 /* the last of them waits for some seconds */
#define QUEUE_ENGINE 1024
#define LIMIT_KEYS 65536
#define TABLES_MAX 32
#define RESERVE_LEAST ((size_t)256)
#define LOOPS_MAX 64
/* Calls of one team's engine at a time: those it runs, and some that wait for it. */
#define LANE_WIDTH 16

static const uint64_t waits_ms[WAIT_KINDS] = {[WAIT_HEAD] = 15000,
                                              [WAIT_IDLE] = 75000,
                                              [WAIT_BODY] = 30000,
                                              [WAIT_STALL] = 60000,
                                              [WAIT_LINGER] = 2000,
                                              [WAIT_KEEP_ALIVE] = 20000,
                                              [WAIT_PAUSE] = 240};

struct state_text {
    str status;
};

static const struct field state_fields[] = {
    FIELD(struct state_text, status, FIELD_STR, .help = "ok"),
    FIELD_LAST,
};

err health_route(struct request *rq)
{
    struct state_text state = {STR("ok")};
    return reply_json(rq, 200, state_fields, &state);
}

static err ready_route(struct request *rq)
{
    struct server *server = rq->context;
    if (atomic_load(&server->stopping))
        return err_busy(rq->mem, 1, "stopping", "The server is stopping.");
    if (server->options.ready)
        TRY(server->options.ready(rq->mem, server->options.ready_arg));
    struct state_text state = {STR("ok")};
    return reply_json(rq, 200, state_fields, &state);
}

static const struct route own_routes[] = {
    {.method = "GET",
     .path = "/health",
     .run = health_route,
     .right = RIGHT_ANYONE,
     .output = state_fields,
     .status = 200,
     .help = "Is the process alive?"},
    {.method = "GET",
     .path = "/ready",
     .run = ready_route,
     .right = RIGHT_ANYONE,
     .output = state_fields,
     .status = 200,
     .help = "Can it do its work? 503 when not, and while it stops."},
};

/* As many descriptors as the system lets us have; some are kept for files and the store. */
static void conns_limit(struct server *server)
{
    struct rlimit limit = {.rlim_cur = 1024};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < limit.rlim_max) {
        struct rlimit more = {limit.rlim_max, limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            limit = more;
    }
    size_t all = limit.rlim_cur > 1000000 ? 1000000 : (size_t)limit.rlim_cur;
    size_t reserve = all / 8 > RESERVE_LEAST ? all / 8 : RESERVE_LEAST;
    server->conns.max = all > 2 * reserve ? all - reserve : all / 2;
}

static err server_files(struct server *server, const struct route_table *tables, size_t count)
{
    struct arena *mem = server->mem;
    const struct server_options *options = &server->options;
    CLEANUP(buf_done) struct buf openapi;
    CLEANUP(buf_done) struct buf docs;
    buf_init(&openapi, OPENAPI_MAX);
    buf_init(&docs, OPENAPI_MAX);
    openapi_print(&openapi, tables, count, options->version);
    docs_print(&docs, tables, count, options->version);
    if (openapi.failed || docs.failed)
        return &err_no_memory;
    size_t n = options->file_count;
    struct static_file *files = arena_array(mem, n + 3, sizeof(*files));
    if (!files)
        return &err_no_memory;
    if (n)
        memcpy(files, options->files, n * sizeof(*files));
    files[n] =
        (struct static_file){"/openapi.json", "application/json", str_copy(mem, buf_str(&openapi))};
    files[n + 1] =
        (struct static_file){"/docs", "text/html; charset=utf-8", str_copy(mem, buf_str(&docs))};
    files[n + 2] =
        (struct static_file){DOCS_STYLE_PATH, "text/css; charset=utf-8", str_of(docs_style)};
    if (arena_failed(mem))
        return &err_no_memory;
    return statics_new(mem, files, n + 3, &server->statics);
}

/* Those of the options, and the server's own. */
static size_t tables_all(const struct route_table *tables, size_t count, struct server *server,
                         struct route_table out[TABLES_MAX + 1])
{
    if (count)
        memcpy(out, tables, count * sizeof(*tables));
    out[count] = (struct route_table){"Service", own_routes, LENGTH(own_routes), server};
    return count + 1;
}

void server_openapi(struct buf *out, const struct route_table *tables, size_t count,
                    const char *version)
{
    struct route_table all[TABLES_MAX + 1];
    if (count > TABLES_MAX) {
        out->failed = true;
        return;
    }
    openapi_print(out, all, tables_all(tables, count, NULL, all), version);
}

static err server_routes(struct server *server)
{
    const struct server_options *options = &server->options;
    struct route_table tables[TABLES_MAX + 1];
    if (options->table_count > TABLES_MAX)
        return err_internal(server->mem, "more than %d route tables", TABLES_MAX);
    size_t n = tables_all(options->tables, options->table_count, server, tables);
    TRY(routes_new(server->mem, tables, n, &server->routes));
    return server_files(server, tables, n);
}

static err server_loops(struct server *server)
{
    size_t n = server->options.loops;
    if (n == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        n = cores > 0 ? (size_t)cores : 1;
    }
    n = n > LOOPS_MAX ? LOOPS_MAX : n;
    server->loops = arena_array(server->mem, n, sizeof(*server->loops));
    if (!server->loops)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++) {
        TRY(loop_init(&server->loops[i], server->mem, server, i));
        server->loop_count++;
    }
    return NULL;
}

static err server_listeners(struct server *server)
{
    const struct server_options *options = &server->options;
    int64_t stream_port = options->stream_port;
    server->port = options->port;
    TRY(listeners_bind(server, server->mem, 0, &server->port));
    if (stream_port && stream_port != server->port)
        TRY(listeners_bind(server, server->mem, 1, &stream_port));
    return NULL;
}

static err server_pools(struct server *server)
{
    size_t workers = server->options.workers ? server->options.workers : 4;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    server->pools[POOL_QUICK] = pool_new("quick", workers, QUEUE_QUICK);
    server->pools[POOL_PASSWORD] =
        pool_new("password", cores > 2 ? (size_t)cores / 2 : 1, QUEUE_PASSWORD);
    server->pools[POOL_ENGINE] = pool_new("engine", workers, QUEUE_ENGINE);
    struct lanes_options lanes = {.pool = server->pools[POOL_ENGINE],
                                  .places = workers,
                                  .width = LANE_WIDTH,
                                  .waiting_max = QUEUE_ENGINE};
    server->lanes = lanes_new(&lanes);
    server->limit = limit_new(LIMIT_KEYS);
    if (server->pools[POOL_QUICK])
        pool_wake_most(server->pools[POOL_QUICK], cores > 2 ? (size_t)cores : 2);
    bool all = server->pools[POOL_QUICK] && server->pools[POOL_PASSWORD] &&
               server->pools[POOL_ENGINE] && server->lanes && server->limit;
    return all ? NULL : &err_no_memory;
}

static err server_make(struct server *server)
{
    const struct server_options *options = &server->options;
    struct arena *mem = server->mem;
    TRY(patience_begin(mem));
    TRY(origins_new(mem, options->cors_origins, &server->origins));
    TRY(proxies_new(mem, options->trusted_proxies, &server->proxies));
    if ((options->tls_cert.len > 0) != (options->tls_key.len > 0))
        return err_new(mem, 500, "bad_tls_file", "TLS_CERT and TLS_KEY must be given together.");
    if (options->tls_cert.len)
        TRY(tls_new(mem, options->tls_cert, options->tls_key, &server->tls));
    TRY(server_routes(server));
    TRY(server_pools(server));
    TRY(server_loops(server));
    TRY(server_listeners(server));
    size_t swept = options->upload_dir ? spool_sweep(options->upload_dir) : 0;
    if (swept)
        log_line(server->log, LOG_INFO, "http", "removed %zu unfinished uploads", swept);
    return NULL;
}

err server_new(struct arena *mem, const struct server_options *options, struct server **out)
{
    struct server *server = NEW(mem, struct server);
    if (!server)
        return &err_no_memory;
    server->options = *options;
    server->mem = mem;
    server->log = options->log;
    memcpy(server->wait_ms, waits_ms, sizeof(waits_ms));
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&server->quiet_changed, &steady);
    pthread_condattr_destroy(&steady);
    conns_limit(server);
    err e = server_make(server);
    if (e) {
        server_free(server);
        return e;
    }
    *out = server;
    return NULL;
}

err server_start(struct server *server, struct arena *mem)
{
    for (; server->running < server->loop_count; server->running++)
        TRY(loop_start(&server->loops[server->running], mem));
    char more[32] = "";
    if (server->options.stream_port && server->options.stream_port != server->port)
        snprintf(more, sizeof(more), " and %lld", (long long)server->options.stream_port);
    log_line(server->log,
             LOG_INFO,
             "http",
             "listening on %.*s port %lld%s (%zu loops%s)",
             STR_ARGS(server->options.listen),
             (long long)server->port,
             more,
             server->loop_count,
             server->tls ? ", TLS" : "");
    return NULL;
}

int64_t server_port(const struct server *server)
{
    return server->port;
}

void conns_quiet(struct loop *loop)
{
    struct server *server = loop->server;
    if (!loop->stopping || loop->conn_count || loop->adrift)
        return;
    pthread_mutex_lock(&server->lock);
    server->quiet++;
    pthread_cond_signal(&server->quiet_changed);
    pthread_mutex_unlock(&server->lock);
}

static void loop_stop(struct loop *loop, struct loop_post *post)
{
    free(post);
    loop->stopping = true;
    listeners_close(loop);
    conns_quiet(loop);
    conns_stop(loop);
}

static void loop_cut(struct loop *loop, struct loop_post *post)
{
    free(post);
    conns_close(loop);
}

static void loops_tell(struct server *server,
                       void (*run)(struct loop *loop, struct loop_post *post))
{
    for (size_t i = 0; i < server->running; i++) {
        struct loop_post *post = calloc(1, sizeof(*post));
        if (!post)
            abort(); /* nothing else stops the threads in order */
        post->run = run;
        loop_post(&server->loops[i], post);
    }
}

/* False: not all are quiet in time. */
static bool loops_wait(struct server *server, int64_t grace_ms)
{
    int64_t until = time_steady() + grace_ms * 1000;
    struct timespec at = {until / US_PER_S, until % US_PER_S * 1000};
    int late = 0;
    pthread_mutex_lock(&server->lock);
    while (server->quiet < server->running && late == 0)
        late = pthread_cond_timedwait(&server->quiet_changed, &server->lock, &at);
    bool quiet = server->quiet == server->running;
    pthread_mutex_unlock(&server->lock);
    return quiet;
}

static void pools_end(struct server *server)
{
    for (size_t i = 0; i < LENGTH(server->pools); i++) {
        pool_free(server->pools[i]);
        server->pools[i] = NULL;
    }
}

bool server_drain(struct server *server, int64_t grace_ms)
{
    if (!atomic_exchange(&server->stopping, true))
        loops_tell(server, loop_stop);
    return loops_wait(server, grace_ms);
}

void server_stop(struct server *server, int64_t grace_ms)
{
    if (server->running == 0)
        return;
    if (!server_drain(server, grace_ms)) {
        log_line(server->log,
                 LOG_WARNING,
                 "http",
                 "the grace is over: closing %zu connections",
                 atomic_load(&server->conns.now));
        loops_tell(server, loop_cut);
        loops_wait(server, 60000);
    }
    pools_end(server);
    for (size_t i = 0; i < server->loop_count; i++)
        loop_join(&server->loops[i]);
    server->running = 0;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    server_stop(server, 0);
    pools_end(server);
    for (size_t i = 0; i < server->loop_count; i++) {
        loop_join(&server->loops[i]);
        loop_done(&server->loops[i]);
    }
    statics_free(server->statics);
    tls_free(server->tls);
    lanes_free(server->lanes);
    limit_free(server->limit);
    pthread_cond_destroy(&server->quiet_changed);
    pthread_mutex_destroy(&server->lock);
}
