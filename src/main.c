/* The command line: builds the parts, joins them, and takes them apart again. It alone knows every
 * room. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "accounts/accounts.h"
#include "admin/admin.h"
#include "base/config.h"
#include "base/embedded.h"
#include "base/id.h"
#include "base/log_tail.h"
#include "base/time.h"
#include "data/data.h"
#include "engine/engine.h"
#include "events/events.h"
#include "http/server.h"
#include "store/migrations.h"

#define GRACE_MS 7000
#define GRACE_LAST_MS 1500 /* for the answers of what was interrupted */
#define TRIM_EVERY_S 3600
#define START_MEMORY ((size_t)1 << 30)
#define ENGINE_IDLE_MS (5 * 60 * 1000)
#define RUNNERS 16 /* one a team, so that a few teams with slow jobs leave some to the others */

struct program {
    struct arena mem;
    struct config config;
    struct log log;
    struct db db;
    struct store *store;
    struct events *events;
    struct engine *engine;
    struct accounts *accounts;
    struct data *data;
    struct admin *admin;
    struct server *server;
    char *uploads, *engine_path;
    str secret_key;
    int lock;
};

static err folder_make(struct arena *mem, const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return NULL;
    return err_new(mem, 500, "data_dir", "The folder %s can't be made: %s", path, strerror(errno));
}

static char *data_path(struct program *p, const char *name)
{
    return str_c(&p->mem, str_fmt(&p->mem, "%.*s/%s", STR_ARGS(p->config.data_dir), name));
}

/* Whole or not at all: written under another name, and renamed once it is on disk. */
static err secret_make(struct program *p, const char *path, str secret)
{
    char *made = data_path(p, "secret.key.new");
    int fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool kept =
        fd >= 0 && write(fd, secret.at, secret.len) == (ssize_t)secret.len && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (kept && rename(made, path) == 0)
        return NULL;
    return err_new(&p->mem, 500, "secret_key", "%s can't be written: %s", path, strerror(errno));
}

/* From SECRET_KEY, or the file that the first start made. */
static err secret_load(struct program *p)
{
    char bytes[2048];
    char *path = data_path(p, "secret.key");
    p->secret_key = p->config.secret_key;
    if (p->secret_key.at)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, bytes, sizeof(bytes));
    if (fd >= 0)
        close(fd);
    if (fd < 0 && errno == ENOENT) {
        p->secret_key = str_fmt(
            &p->mem, "%.*s%.*s", STR_ARGS(id_random(&p->mem)), STR_ARGS(id_random(&p->mem)));
        return secret_make(p, path, p->secret_key);
    }
    if (got < 32)
        return err_new(&p->mem, 500, "secret_key", "%s holds no key of at least 32 bytes", path);
    p->secret_key = str_copy(&p->mem, (str){bytes, (size_t)got});
    return NULL;
}

static err engine_find(struct program *p)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0)
        return err_internal(&p->mem, "/proc/self/exe can't be read: %m");
    p->engine_path = str_c(&p->mem, str_fmt(&p->mem, "%.*s-engine", (int)len, self));
    if (access(p->engine_path, X_OK) == 0)
        return NULL;
    return err_new(
        &p->mem, 500, "engine", "%s is missing: it belongs beside the program", p->engine_path);
}

static enum log_level level_of(str name)
{
    return str_eq(name, STR("debug"))     ? LOG_DEBUG
           : str_eq(name, STR("warning")) ? LOG_WARNING
           : str_eq(name, STR("error"))   ? LOG_ERROR
                                          : LOG_INFO;
}

/* What every command needs: the settings, the folder and the store. */
static err program_open(struct program *p)
{
    arena_init(&p->mem, START_MEMORY);
    p->lock = -1;
    TRY(config_load(&p->mem, ".env", &p->config));
    p->log = (struct log){.level = level_of(p->config.log_level),
                          .json = str_eq(p->config.log_format, STR("json")),
                          .fd = 2};
    TRY(folder_make(&p->mem, str_c(&p->mem, p->config.data_dir)));
    struct store_options options = {.path = data_path(p, "store.db"), .log = &p->log};
    TRY(migrations_make(&p->mem, embedded_files, &options.migrations, &options.migration_count));
    p->db = (struct db){.mem = &p->mem, .actor = STR("system")};
    TRY(store_open(&p->mem, &options, &p->store));
    p->db.store = p->store;
    return NULL;
}

static err accounts_part(struct program *p)
{
    struct events_options events = {
        .store = p->store, .log = &p->log, .keep_days = p->config.event_days};
    TRY(events_open(&p->mem, &events, &p->events));
    struct accounts_options accounts = {
        .events = p->events,
        .store = p->store,
        .log = &p->log,
        .secret_key = p->secret_key,
        .access_token_seconds = p->config.access_token_seconds,
        .refresh_token_seconds = p->config.refresh_token_seconds,
        .session_seconds = p->config.session_days * 86400,
    };
    return accounts_open(&p->mem, &accounts, &p->accounts);
}

static err data_part(struct program *p)
{
    struct engine_options engine = {
        .program = p->engine_path,
        .data_dir = str_c(&p->mem, p->config.data_dir),
        .processes_max = p->config.engine_processes,
        .memory_max = p->config.engine_memory,
        .idle_ms = ENGINE_IDLE_MS,
        .keep_us = p->config.event_days * 86400 * US_PER_S,
        .log = &p->log,
    };
    TRY(engine_open(&p->mem, &engine, &p->engine));
    struct data_options data = {
        .store = p->store,
        .engine = p->engine,
        .events = p->events,
        .accounts = p->accounts,
        .log = &p->log,
        .query_ms = p->config.query_seconds * 1000,
        .uploads_dir = p->uploads,
        .upload_max = p->config.upload_max,
        .runners = RUNNERS,
    };
    return data_open(&p->mem, &data, &p->data);
}

static err admin_part(struct program *p)
{
    struct admin_options admin = {
        .accounts = p->accounts,
        .engine = p->engine,
        .events = p->events,
        .log = &p->log,
        .version = TINYDEVCRM_VERSION,
    };
    return admin_open(&p->mem, &admin, &p->admin);
}

static const char *content_type(str path)
{
    return str_ends(path, STR(".html"))  ? "text/html; charset=utf-8"
           : str_ends(path, STR(".css")) ? "text/css; charset=utf-8"
           : str_ends(path, STR(".js"))  ? "text/javascript; charset=utf-8"
           : str_ends(path, STR(".txt")) ? "text/plain; charset=utf-8"
           : str_ends(path, STR(".svg")) ? "image/svg+xml"
                                         : "application/octet-stream";
}

/* The console. A file is followed by its packed form, if it has one; what is under assets/ has its
 * hash in its name; index.html is "/". */
static err pages(struct program *p, struct server_options *options)
{
    size_t n = 0;
    while (web_files[n].path)
        n++;
    struct static_file *files = arena_array(&p->mem, n + 1, sizeof(*files));
    if (!files)
        return &err_no_memory;
    options->files = files;
    for (const struct embedded_file *web = web_files; web->path; web++) {
        str path = str_of(web->path), body = {web->at, (size_t)(web->end - web->at)};
        if (str_ends(path, STR(".gz"))) {
            files[options->file_count - 1].packed = body;
            continue;
        }
        files[options->file_count++] = (struct static_file){
            .path = str_eq(path, STR("/index.html")) ? "/" : web->path,
            .content_type = content_type(path),
            .body = body,
            .immutable = str_starts(path, STR("/assets/")),
        };
    }
    return NULL;
}

static err ready(struct arena *mem, void *arg)
{
    struct program *p = arg;
    struct db db = {.store = p->store, .mem = mem, .actor = STR("system")};
    int64_t one;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(&db, &tx));
    return tx_number(&tx, &one, "SELECT 1");
}

#define TABLES 4

/* What clients may call. */
static void tables_list(struct program *p, struct route_table out[TABLES])
{
    const struct route_table tables[TABLES] = {
        {"Accounts", accounts_routes, accounts_route_count, p->accounts},
        {NULL, data_routes, data_route_count, p->data},
        {"Events", events_routes, events_route_count, p->events},
        {"Admin", admin_routes, admin_route_count, p->admin},
    };
    memcpy(out, tables, sizeof(tables));
}

static err server_part(struct program *p)
{
    struct route_table *tables = arena_array(&p->mem, TABLES, sizeof(*tables));
    if (!tables)
        return &err_no_memory;
    tables_list(p, tables);
    const struct config *config = &p->config;
    struct server_options options = {
        .listen = config->listen,
        .port = config->port,
        .stream_port = config->stream_port,
        .tls_cert = config->tls_cert,
        .tls_key = config->tls_key,
        .cors_origins = config->cors_origins,
        .workers = (size_t)config->workers,
        .upload_max = config->upload_max,
        .rate_limit = config->rate_limit,
        .account_rate_limit =
            config->account_rate_limit < 0 ? 10 * config->rate_limit : config->account_rate_limit,
        .trusted_proxies = config->trusted_proxies,
        .upload_dir = p->uploads,
        .version = TINYDEVCRM_VERSION,
        .tables = tables,
        .table_count = TABLES,
        .store = p->store,
        .log = &p->log,
        .authenticate = accounts_authenticate,
        .authenticate_arg = p->accounts,
        .ready = ready,
        .ready_arg = p,
    };
    TRY(pages(p, &options));
    TRY(server_new(&p->mem, &options, &p->server));
    TRY(events_join(p->events, &p->mem, p->server));
    accounts_join(p->accounts, p->server);
    admin_join(p->admin, p->server);
    return NULL;
}

/* One process a data folder. */
static err folder_lock(struct program *p)
{
    char *path = data_path(p, "lock");
    p->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (p->lock < 0)
        return err_new(&p->mem, 500, "data_dir", "%s can't be made: %s", path, strerror(errno));
    if (flock(p->lock, LOCK_EX | LOCK_NB) == 0)
        return NULL;
    return err_new(&p->mem,
                   500,
                   "data_dir",
                   "DATA_DIR=%.*s: another process serves from this folder",
                   STR_ARGS(p->config.data_dir));
}

/* As many descriptors as the system lets us have: each listener is one. */
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static err serve_start(struct program *p)
{
    int applied;
    TRY(folder_lock(p));
    p->log.tail = log_tail_new();
    if (!p->log.tail)
        return &err_no_memory;
    p->uploads = data_path(p, "uploads");
    TRY(folder_make(&p->mem, p->uploads));
    TRY(folder_make(&p->mem, data_path(p, "teams")));
    TRY(engine_find(p));
    TRY(secret_load(p));
    TRY(store_migrate_up(p->store, &p->mem, &applied));
    TRY(accounts_part(p));
    TRY(data_part(p));
    TRY(admin_part(p));
    TRY(server_part(p));
    TRY(data_start(p->data, &p->mem));
    return server_start(p->server, &p->mem);
}

static void trim(struct program *p)
{
    struct arena mem;
    arena_init(&mem, 16 << 20);
    err e = events_trim(p->events, &mem);
    if (!e)
        e = accounts_trim(p->accounts, &mem);
    if (!e)
        e = data_trim(p->data, &mem, p->config.event_days * 86400 * US_PER_S);
    if (e)
        log_line(&p->log,
                 LOG_ERROR,
                 "main",
                 "old records are not removed: %.*s %.*s",
                 STR_ARGS(e->detail),
                 STR_ARGS(e->inside));
    arena_done(&mem);
}

static void serve_until(struct program *p, const sigset_t *ends)
{
    for (;;) {
        struct timespec hour = {.tv_sec = TRIM_EVERY_S};
        int signal = sigtimedwait(ends, NULL, &hour);
        if (signal > 0) {
            log_line(&p->log, LOG_INFO, "main", "stopping: %s", strsignal(signal));
            return;
        }
        if (errno == EAGAIN)
            trim(p);
    }
}

static void program_close(struct program *p)
{
    if (p->data)
        data_stop(p->data);
    admin_stop(p->admin);
    if (p->server && !server_drain(p->server, GRACE_MS))
        engine_interrupt(p->engine);
    if (p->server)
        server_stop(p->server, GRACE_LAST_MS);
    if (p->events)
        events_close(p->events);
    data_close(p->data);
    admin_close(p->admin);
    if (p->accounts)
        accounts_close(p->accounts);
    if (p->server)
        server_free(p->server);
    if (p->engine)
        engine_close(p->engine);
    if (p->store)
        store_close(p->store);
    log_tail_free(p->log.tail);
    if (p->lock >= 0)
        close(p->lock);
    arena_done(&p->mem);
}

static err serve(struct program *p, int argc, char **argv)
{
    (void)argv;
    if (argc > 0)
        return err_new(&p->mem, 400, "usage", "serve takes no arguments");
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL); /* before the first thread */
    signal(SIGPIPE, SIG_IGN);
    descriptors_raise();
    TRY(serve_start(p));
    log_line(&p->log,
             LOG_INFO,
             "main",
             "TinyDevCRM " TINYDEVCRM_VERSION " on %s://%.*s:%lld, data in %.*s",
             p->config.tls_cert.at ? "https" : "http",
             STR_ARGS(p->config.listen),
             (long long)server_port(p->server),
             STR_ARGS(p->config.data_dir));
    serve_until(p, &ends);
    return NULL;
}

static err migrate(struct program *p, int argc, char **argv)
{
    int version, changed;
    str what = argc == 1 ? str_of(argv[0]) : STR("");
    if (str_eq(what, STR("up")) || str_eq(what, STR("down")))
        TRY(folder_lock(p)); /* not under a process that serves */
    if (str_eq(what, STR("up"))) {
        TRY(store_migrate_up(p->store, &p->mem, &changed));
    } else if (str_eq(what, STR("down"))) {
        TRY(store_migrate_down(p->store, &p->mem, &changed));
    } else if (!str_eq(what, STR("status"))) {
        return err_new(&p->mem, 400, "usage", "migrate takes up, down or status");
    }
    TRY(store_version(p->store, &p->mem, &version));
    printf("The database is at migration %d.\n", version);
    return NULL;
}

/* From the terminal without showing it, or from standard input. */
static str password_read(struct arena *mem)
{
    char line[1024];
    struct termios shown, hidden;
    bool terminal = tcgetattr(0, &shown) == 0;
    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(0, TCSANOW, &hidden);
        fputs("Password: ", stderr);
    }
    bool got = fgets(line, sizeof(line), stdin) != NULL;
    if (terminal) {
        tcsetattr(0, TCSANOW, &shown);
        fputc('\n', stderr);
    }
    str password = got ? str_of(line) : STR("");
    while (password.len &&
           (password.at[password.len - 1] == '\n' || password.at[password.len - 1] == '\r'))
        password.len--;
    return str_copy(mem, password);
}

static err superuser(struct program *p, int argc, char **argv)
{
    int applied;
    bool created;
    if (argc != 1)
        return err_new(&p->mem,
                       400,
                       "usage",
                       "superuser takes an e-mail address, and the password from standard input");
    TRY(secret_load(p));
    TRY(store_migrate_up(p->store, &p->mem, &applied));
    TRY(accounts_part(p));
    TRY(superuser_make(p->accounts, &p->db, str_of(argv[0]), password_read(&p->mem), &created));
    printf("%s is %s superuser.\n", argv[0], created ? "a new" : "now a");
    return NULL;
}

static void help(void)
{
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 64 * 1024);
    buf_add(
        &text,
        STR("TinyDevCRM: the backend of a client business or side project, in one process.\n\n"
            "  tinydevcrm serve                      answer requests\n"
            "  tinydevcrm migrate up|down|status     change or show the version of the database\n"
            "  tinydevcrm superuser EMAIL            make a superuser; the password comes from "
            "standard input\n"
            "  tinydevcrm openapi                    print the OpenAPI document of the routes\n"
            "  tinydevcrm version                    show the version\n"
            "  tinydevcrm help                       show this\n\n"
            "Settings, from the environment or the file .env:\n\n"));
    config_help(&text);
    fwrite(text.at, 1, text.len, stdout);
}

/* As /openapi.json has it. */
static int openapi(void)
{
    struct program none = {0};
    struct route_table tables[TABLES];
    tables_list(&none, tables);
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, OPENAPI_MAX);
    server_openapi(&text, tables, TABLES, TINYDEVCRM_VERSION);
    bool told =
        !text.failed && fwrite(text.at, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
    if (!told)
        fputs("tinydevcrm: the document can't be printed\n", stderr);
    return told ? 0 : 1;
}

static int run(err (*command)(struct program *, int, char **), int argc, char **argv)
{
    struct program program = {0};
    err e = program_open(&program);
    if (!e)
        e = command(&program, argc, argv);
    if (e) {
        fprintf(stderr, "tinydevcrm: %.*s\n", STR_ARGS(e->inside.at ? e->inside : e->detail));
        if (e->errors.at)
            fprintf(stderr, "%.*s\n", STR_ARGS(e->errors));
    }
    int status = e ? 1 : 0;
    program_close(&program);
    return status;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        err (*run)(struct program *, int, char **);
    } commands[] = {{"serve", serve}, {"migrate", migrate}, {"superuser", superuser}};
    str name = argc > 1 ? str_of(argv[1]) : STR("help");
    for (size_t i = 0; i < LENGTH(commands); i++) {
        if (str_eq(name, str_of(commands[i].name)))
            return run(commands[i].run, argc - 2, argv + 2);
    }
    if (str_eq(name, STR("version"))) {
        puts("tinydevcrm " TINYDEVCRM_VERSION);
        return 0;
    }
    if (str_eq(name, STR("openapi")))
        return openapi();
    if (str_eq(name, STR("help")) || str_eq(name, STR("--help"))) {
        help();
        return 0;
    }
    fprintf(stderr, "tinydevcrm: there is no command \"%s\"; see tinydevcrm help\n", argv[1]);
    return 2;
}
