/* Faults of the machine behind a failed statement: memory, time, disk. */
#include <string.h>

#include "engine/worker/worker.h"

static bool says(const char *message, const char *part)
{
    return message && strstr(message, part) != NULL;
}

/* Whole mebibytes, or gibibytes when it comes out even. */
static str size_text(struct arena *mem, int64_t bytes)
{
    int64_t mebibytes = bytes >> 20;
    if (mebibytes >= 1024 && mebibytes % 1024 == 0)
        return str_fmt(mem, "%lld GB", (long long)(mebibytes / 1024));
    return str_fmt(mem, "%lld MB", (long long)mebibytes);
}

/* `inside`: what broke by it, when the process can't go on; the server then ends it. */
static err memory_fault(struct call *call, const char *inside)
{
    str most = size_text(call->mem, call->memory_max);
    struct err e = {
        .status = 422,
        .code = "query_memory",
        .detail = str_fmt(call->mem,
                          "This takes more memory than the %.*s that an engine process may use.",
                          STR_ARGS(most)),
        .inside = inside ? str_of(inside) : (str){0}};
    return err_copy(call->mem, &e);
}

/* The database says it is of no more use to this process, or its file is not whole. The server ends
 * the process. Behind the first line of such a message may stand where the code lies. */
static err broken_fault(struct call *call, const char *message)
{
    const char *said = message ? message : "no cause given";
    return err_new(call->mem,
                   503,
                   "engine_failed",
                   "The engine process has met a fault and starts anew: %.*s",
                   (int)strcspn(said, "\n"),
                   said);
}

/* A file of ours can't be read or written: whether the last commit is on disk, the next process
 * will see. The message names paths, which are for the log. */
static err files_fault(struct call *call, const char *message)
{
    struct err *e = NEW(call->mem, struct err);
    str inside = str_copy(call->mem, str_of(message));
    if (!e || arena_failed(call->mem))
        return &err_no_memory;
    *e = (struct err){
        .status = 503,
        .code = "engine_failed",
        .detail = STR("The engine process can't use its files and starts anew."),
        .inside = inside,
        .retry_after_s = 1,
    };
    return e;
}

/* Not what a query made up: error() says "Invalid Input Error". */
static bool names_files_fault(const char *message)
{
    static const char *const causes[] = {"Input/output error",
                                         "fsync failed",
                                         "Too many open files",
                                         "Permission denied",
                                         "Read-only file system",
                                         "Stale file handle"};
    str text = str_of(message);
    bool ours =
        str_starts(text, STR("IO Error")) || str_starts(text, STR("TransactionContext Error"));
    for (size_t i = 0; i < LENGTH(causes); i++) {
        if (ours && says(message, causes[i]))
            return true;
    }
    return false;
}

err call_fault(struct call *call, duckdb_error_type type, const char *message)
{
    if (call_cancelled(call) || type == DUCKDB_ERROR_INTERRUPT)
        return err_new(call->mem, 503, "query_interrupted", "The query was interrupted.");
    bool broken = type == DUCKDB_ERROR_FATAL || type == DUCKDB_ERROR_INTERNAL;
    if (!message || !*message) /* it had no memory to say why */
        return memory_fault(call, "no reason given");
    if (type == DUCKDB_ERROR_OUT_OF_MEMORY || says(message, "std::bad_alloc") ||
        says(message, "llocation failure"))
        return memory_fault(call, broken ? message : NULL);
    if (says(message, "No space left on device") || says(message, "File too large") ||
        says(message, "Disk quota exceeded"))
        return err_new(call->mem, 507, "disk_full", "The server's disk is full.");
    if (names_files_fault(message))
        return files_fault(call, message);
    return broken ? broken_fault(call, message) : NULL;
}
