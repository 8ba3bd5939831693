/*
 * Tables and views of a team, in processes of their own: no SQL of a user is ever parsed, planned
 * or run in this one.
 *
 * Each call asks the team's engine process, which is started on demand, and waits for its answer
 * (at most `limit_ms`; then the query is interrupted, then the process killed). Who looks after the
 * server may cancel it (409 query_cancelled). A process that dies
 * is an error of the calls it was answering (503 engine_failed) and nothing else. Calls of one
 * team: reads run side by side, writes one after another. Every write is one transaction: all or
 * nothing, also under SIGKILL. Thread: any but the loops'; blocks. Results live in the arena of the
 * ask.
 */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fields.h"
#include "base/log.h"
#include "base/str.h"

struct engine;

struct engine_options {
    const char *program;  /* path of the engine's executable */
    const char *data_dir; /* holds teams/<team>/engine.duckdb and teams/<team>/tmp/ */
    int64_t
        processes_max; /* most at one time; the one idle longest goes first, else 503 engine_busy */
    int64_t memory_max; /* bytes one process may use */
    int64_t idle_ms;    /* after which an idle one is ended */
    int64_t keep_us;    /* how long the differences of a view are kept */
    struct log *log;
};

MUST_CHECK err engine_open(struct arena *mem, const struct engine_options *options,
                           struct engine **out);
/* For a stop: the calls under way are interrupted and no more begin (503 stopping). */
void engine_interrupt(struct engine *engine);
void engine_close(struct engine *engine); /* no call may be under way; ends all processes */

struct ask {
    struct engine *engine;
    struct arena *mem;
    str team;         /* a UUID */
    int64_t limit_ms; /* 408-like: 504 query_timeout, saying the limit */
    int64_t still_ms; /* > 0: 503 engine_failed when the process has used no processor for so long
                       */
    const atomic_bool *gone; /* or NULL: when set, the call is interrupted (499 client_gone) */
};

struct column {
    str column_name,
        column_type; /* a type as engine_types names it, with its arguments: "varchar(256)" */
};

struct columns {
    struct column *at;
    size_t n;
};

/* Checks a name of a table or view: 1 to 63 bytes of UTF-8, no control characters or quotes, not
 * reserved. */
MUST_CHECK err engine_name_check(struct arena *mem, const char *field, str name);
/* The same for a column, which may be a reserved word: SQL can quote it. */
MUST_CHECK err engine_column_check(struct arena *mem, const char *field, str name);
/* Checks and normalises a declared type (int, integer, int4 -> "int"); 422 naming `field`. */
MUST_CHECK err engine_type_check(struct arena *mem, const char *field, str type, str *normal);
/* A fresh path in the team's folder for files that the engine reads and writes; the caller unlinks.
 */
MUST_CHECK err engine_tmp_path(const struct ask *ask, char **path);

struct object {
    str name;
    bool is_view;
    int64_t version; /* of a table: +1 a load; of a view: +1 a refresh */
    int64_t row_count, bytes;
    int64_t added, removed; /* of a view: by its newest version */
    bool reset;             /* of a view: the columns changed with its newest version */
    struct columns columns;
};

struct objects {
    struct object *at;
    size_t n;
};

/* Everything the team's engine holds: for reconciling the store with it. */
MUST_CHECK err engine_objects(const struct ask *ask, struct objects *out);

enum load_mode { LOAD_CREATE, LOAD_APPEND, LOAD_REPLACE };
enum load_format { FORMAT_CSV, FORMAT_PARQUET, FORMAT_JSON }; /* JSON: an array of objects */

/* About how far a load is. */
struct progress {
    int64_t rows;       /* so far */
    int64_t millionths; /* of the file */
};

struct load {
    str table;
    enum load_mode mode;
    enum load_format format;
    const char *path; /* from engine_tmp_path */
    struct columns
        columns; /* declared, matched by name; n 0: inferred (CREATE), or those of the table */
    /* Called now and then while it runs, on the calling thread; or NULL. */
    void (*progress)(void *arg, const struct progress *progress);
    void *progress_arg;
};

/* A file's errors are 422 invalid_file with errors [{line, column, value, detail}], up to 100. */
MUST_CHECK err engine_load(const struct ask *ask, const struct load *load, struct object *out,
                           int64_t *rows_added);
struct preview {
    enum load_format format;
    const char *path;       /* from engine_tmp_path */
    struct columns columns; /* declared; n 0: inferred */
    bool cut;               /* a CSV file whose last line, when it has no end, is left out */
    int64_t rows_max;
};

struct previewed {
    struct columns columns;
    str json;      /* an array of objects: the first rows */
    bool complete; /* there are no others */
};

/* What a load of the file would make, as far as that can be told; keeps nothing. Errors as of a
 * load. */
MUST_CHECK err engine_preview(const struct ask *ask, const struct preview *preview,
                              struct previewed *out);
MUST_CHECK err engine_fork(const struct ask *ask, str from, str to, struct object *out);
/* Tables and views; one that does not exist is success. All or none. */
MUST_CHECK err engine_drop(const struct ask *ask, const str *names, size_t n);

struct checked {
    struct columns columns;
    str *depends; /* tables and views it reads */
    size_t depends_n;
    bool is_volatile; /* has a clock or chance in it: never skipped */
};

/* Is it one read-only statement over the team's own tables and views? 422 invalid_query with the
 * place in `detail`. */
MUST_CHECK err engine_check(const struct ask *ask, str sql, struct checked *out);

struct refresh {
    str view, sql;
    size_t changes_max,
        rows_max; /* inline in the answer up to so many, and INLINE_BYTES; 0: none */
};

#define INLINE_BYTES (256 * 1024)

struct refreshed {
    struct object view; /* with its new version and columns */
    int64_t added, removed, duration_us;
    bool reset; /* the columns changed: no difference to the version before; added counts all rows,
                   removed all old */
    str changes, rows; /* JSON arrays [{"version","change","row"}], [{...}]; absent: not asked for
                          or too many */
};

/* Builds the new rows, computes the difference, swaps, advances the version. Makes the view when it
 * is not there. */
MUST_CHECK err engine_refresh(const struct ask *ask, const struct refresh *refresh,
                              struct refreshed *out);

enum rows_format { ROWS_JSON, ROWS_CSV, ROWS_PARQUET };

struct rows_ask {
    str name;
    str after; /* a cursor from rows_page.next, or absent: then `offset` rows are passed over */
    int64_t offset; /* of those that are asked for */
    int64_t limit;  /* rows of a page; for CSV and Parquet 0 is all */
    enum rows_format format;
    struct strs sort;    /* "column" or "-column", also several with commas between them */
    struct strs filter;  /* "column:op:value" */
    struct strs columns; /* as `sort`; none: all */
    bool count;          /* row_count is wanted */
};

struct rows_page {
    str json;   /* an array of objects */
    char *path; /* CSV and Parquet: a file, for the caller to unlink */
    str next;   /* cursor, or absent: the end */
    int64_t version;
    int64_t row_count; /* with `count`: of all pages together */
};

/* A cursor of an older version is 410 cursor_expired; what is asked of columns and does not fit
 * them is 422 invalid_fields. */
MUST_CHECK err engine_rows(const struct ask *ask, const struct rows_ask *rows,
                           struct rows_page *out);

struct changes_ask {
    str view;
    int64_t after, upto; /* versions: those above the one, to the other; `upto` 0: to the newest */
    str cursor;          /* or absent */
    int64_t limit;
};

/* [{"version", "change", "row"}] in order of version; a version no longer kept is 410 changes_gone.
 */
MUST_CHECK err engine_changes(const struct ask *ask, const struct changes_ask *changes,
                              struct rows_page *out);

struct queried {
    struct columns columns;
    str json;
    bool more; /* there were more rows than the limit */
};

MUST_CHECK err engine_query(const struct ask *ask, str sql, int64_t limit, struct queried *out);

/* What runs, for who looks after the server: one entry a process. */
struct engine_process {
    str team;
    int64_t pid, started_us, calls;
    int64_t memory_bytes; /* as base/proc.h counts it */
};

MUST_CHECK err engine_processes(struct engine *engine, struct arena *mem,
                                struct engine_process **out, size_t *n);

extern const char *const engine_kinds[]; /* of calls; NULL-ended */

/* A call that is under way. */
struct engine_call {
    int64_t id; /* never used again, also not after a new start */
    str team;
    str kind;    /* of engine_kinds */
    str subject; /* the table or view, or absent */
    str sql;     /* up to 1,000 bytes of it, or absent */
    int64_t started_us, took_us;
    bool is_waiting; /* for a process or for its turn */
};

MUST_CHECK err engine_calls(struct engine *engine, struct arena *mem, struct engine_call **out,
                            size_t *n);
/*
 * Interrupts a call: it fails with 409 query_cancelled, and what it would have changed is as it
 * was. One that can't be interrupted has its process killed a second later. False: there is none of
 * that id any more.
 */
bool engine_cancel(struct engine *engine, struct arena *mem, int64_t id, struct engine_call *out);

#endif
