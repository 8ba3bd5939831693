/* Errors as values: made in an arena, or constant when there is no memory for one. */
#include "base/err.h"

#include <string.h>

#include "base/arena.h"

const struct err err_no_memory = {
    .status = 503,
    .code = "out_of_memory",
    .detail = {"This request needs more memory than it may have.", 48},
    .retry_after_s = 1,
};

static err err_make(struct arena *mem, struct err e)
{
    struct err *made = NEW(mem, struct err);
    if (!made || arena_failed(mem))
        return &err_no_memory;
    *made = e;
    return made;
}

err err_new(struct arena *mem, int status, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str detail = str_fmt_list(mem, format, args);
    va_end(args);
    return err_make(mem, (struct err){.status = status, .code = code, .detail = detail});
}

err err_with(struct arena *mem, int status, const char *code, str detail, str errors)
{
    return err_make(
        mem, (struct err){.status = status, .code = code, .detail = detail, .errors = errors});
}

err err_internal(struct arena *mem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str inside = str_fmt_list(mem, format, args);
    va_end(args);
    return err_make(
        mem,
        (struct err){.status = 500,
                     .code = "internal_error",
                     .detail = STR("Something went wrong on our side. It has been logged."),
                     .inside = inside});
}

err err_busy(struct arena *mem, int retry_after_s, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str detail = str_fmt_list(mem, format, args);
    va_end(args);
    return err_make(
        mem,
        (struct err){
            .status = 503, .code = code, .detail = detail, .retry_after_s = retry_after_s});
}

err err_copy(struct arena *mem, err e)
{
    if (!e || e == &err_no_memory)
        return e;
    struct err copy = *e;
    copy.code = str_c(mem, str_of(e->code));
    copy.detail = str_copy(mem, e->detail);
    copy.errors = str_copy(mem, e->errors);
    copy.inside = str_copy(mem, e->inside);
    return err_make(mem, copy);
}

bool err_is(err e, const char *code)
{
    return e && strcmp(e->code, code) == 0;
}
