/*
 * What went wrong: NULL is success. One value carries what the client is told (status, stable code,
 * sentence, and the errors of fields or of a file's lines) from where it happened to the one place
 * that answers or logs it.
 *
 * An err lives in the arena of the work it belongs to (or is a constant), is never freed and never
 * changed. What happened inside (a library's message, a file name of the server) goes to `inside`,
 * which is logged only.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/str.h"

struct err {
    int status; /* an HTTP status; 500 and above are the server's fault and are logged as errors */
    const char *code; /* stable, snake_case, for programs */
    str detail;       /* one sentence, for people */
    str errors; /* JSON, or absent: {field: [texts]}, or [{line, column, value, detail}] of a file
                 */
    str inside; /* for the log only, or absent */
    int retry_after_s;    /* > 0: sent as Retry-After */
    int64_t line, column; /* from 1: the place in a query; 0: none is known */
};

typedef const struct err *err;

#define MUST_CHECK __attribute__((warn_unused_result))

extern const struct err err_no_memory; /* 503 out_of_memory */

MUST_CHECK err err_new(struct arena *mem, int status, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* With the JSON text of `errors`. */
MUST_CHECK err err_with(struct arena *mem, int status, const char *code, str detail, str errors);
/* A fault of ours: the client is told "internal_error", the log gets the text. */
MUST_CHECK err err_internal(struct arena *mem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As err_new with Retry-After. */
MUST_CHECK err err_busy(struct arena *mem, int retry_after_s, const char *code, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));
/* Copies an err out of the arena it lives in. */
MUST_CHECK err err_copy(struct arena *mem, err e);
bool err_is(err e, const char *code);

#define TRY(call)              \
    do {                       \
        err try_err_ = (call); \
        if (try_err_)          \
            return try_err_;   \
    } while (0)

#endif
