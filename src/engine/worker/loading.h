/*
 * A load under way, for the parts of it: load.c leads, one file a format knows how to read it.
 *
 * A load is tried in one statement at full speed. When that fails, the file is read again to find
 * out where: the errors that the format's own reader can place, or else each value that does not
 * fit its column.
 */
#ifndef ENGINE_WORKER_LOADING_H
#define ENGINE_WORKER_LOADING_H

#include "engine/worker/csv_file.h"
#include "engine/worker/meta.h"

struct loading;

/* How to read a format. */
struct load_reader {
    /* Finds the columns of the file: names, and DuckDB's types where the file has them. */
    err (*open)(struct loading *l);
    /* Declared nothing: the types to load with. `attempt` counts from 0; `again`: there is another
     * idea. `failure`: the file could not be looked at, and the transaction is over. */
    err (*infer)(struct loading *l, int attempt, struct sql_failure *failure, bool *again);
    /* The table expression that has the file's columns, once it is known what goes where. `plain`:
     * all as they are. */
    str (*from)(struct loading *l, bool plain);
    /* Column `i` of the target in its type (a bad value fails), and as text (never fails). */
    str (*value)(struct loading *l, size_t i);
    str (*text)(struct loading *l, size_t i);
    /* Errors of the file's form, added to l->errors. */
    err (*misshapen)(struct loading *l);
};

struct file_errors {
    struct buf json;
    size_t n;
};

struct loading {
    struct call *call;
    const struct load *ask;
    const struct load_reader *reader;
    struct meta table;
    struct columns columns;      /* of the target */
    struct columns file_columns; /* names; types as DuckDB says them, or absent */
    size_t *from_file;           /* of each target column: which of the file's */
    struct csv_file csv;
    bool fractions; /* a CSV file that has a point somewhere: integers must be looked at */
    bool inferred;
    bool untyped;       /* types could not be inferred: all texts, whose reader says why */
    int64_t rows_guess; /* for the progress; 0: unknown */
    struct file_errors errors;
};

extern const struct load_reader csv_reader, parquet_reader, json_reader;

void loading_init(struct loading *l, struct call *call, const struct load *ask);
void loading_done(struct loading *l); /* for CLEANUP */
/*
 * In a transaction: opens the file at the first attempt (0), and finds what its columns become.
 * `failure`: the file could not be looked at; `again`: there is another idea to attempt.
 */
MUST_CHECK err loading_columns(struct loading *l, int attempt, struct sql_failure *failure,
                               bool *again);
/* The rows as the table would have them, as SQL. */
str loading_select(struct loading *l);

#define FILE_ERRORS_MAX 100
/* A point with anything but zeroes behind it. */
#define FRACTION "'[.]0*[1-9]'"

/* line 0 and absent texts are left out. */
void file_error_add(struct loading *l, int64_t line, str column, str value, str detail);
MUST_CHECK err file_refuse(struct call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* DuckDB's words about the file, without our paths and its advice. */
str file_message(struct loading *l, const struct sql_failure *failure);
/* 422 invalid_file with the errors that were added. */
MUST_CHECK err file_errors_err(struct loading *l);
/* Where does the load fail? Looks in a transaction that is rolled back; `why` is said when nothing
 * can be placed. */
MUST_CHECK err load_diagnose(struct loading *l, const struct sql_failure *why);
/* Reads the columns of a DESCRIBE into l->file_columns with DuckDB's own type names. */
MUST_CHECK err file_columns_read(struct loading *l, str from, struct sql_failure *failure);
/* The name of a file's column for column `i` of the target. */
str file_column(const struct loading *l, size_t i);
/* CAST(text AS type), but with an error for a fraction in an integer, which DuckDB would round. */
str text_cast(struct loading *l, str text, str type);

#endif
