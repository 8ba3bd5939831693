/*
 * GET /events/: pages of the team's log, by number.
 *
 * A filter that matches little must not read the whole log for one request: a page looks at no more
 * than SCAN_MAX entries and may then hold few or none; links.next goes on from there and is null
 * only at the end.
 */
#include <stdlib.h>

#include "events/types.h"

#define LIMIT 100
#define LIMIT_MAX 1000
#define SCAN_MAX 20000
#define PAGE_BYTES ((size_t)8 << 20)

struct list_query {
    int64_t after, before, limit;
    bool before_given;
    struct strs types;
};

const struct field event_list_query[] = {
    FIELD(struct list_query, after, FIELD_INT, .min = 0, .max = INT64_MAX - 1,
          .help = "Entries after this number"),
    FIELD(struct list_query, before, FIELD_INT, .min = 1, .max = INT64_MAX - 1,
          .given = offsetof(struct list_query, before_given),
          .help = "Or the last entries before this number"),
    FIELD(struct list_query, limit, FIELD_INT, .min = 1, .max = LIMIT_MAX,
          .help = "Entries of a page; 100 when not given"),
    {.name = "type",
     .type = FIELD_STRS,
     .offset = offsetof(struct list_query, types),
     .help = "Only entries of this type; may be repeated"},
    FIELD_LAST,
};

static int types_cmp(const void *a, const void *b)
{
    return str_cmp(*(const str *)a, *(const str *)b);
}

static bool type_ok(str type)
{
    for (size_t i = 0; i < type.len; i++) {
        char c = type.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_')
            return false;
    }
    return type.len > 0 && type.len <= TYPE_BYTES_MAX;
}

err types_check(struct arena *mem, struct strs *types)
{
    size_t n = 0;
    if (types->n > LOG_TYPES_MAX)
        return field_err(mem, "type", "At most %d types can be given.", LOG_TYPES_MAX);
    for (size_t i = 0; i < types->n; i++) {
        if (!type_ok(types->at[i]))
            return field_err(mem, "type", "Is not the name of a type, such as view.refreshed.");
    }
    if (types->n)
        qsort(types->at, types->n, sizeof(*types->at), types_cmp);
    for (size_t i = 0; i < types->n; i++) {
        if (n == 0 || !str_eq(types->at[i], types->at[n - 1]))
            types->at[n++] = types->at[i];
    }
    types->n = n;
    return NULL;
}

static str link_make(struct request *rq, const struct list_query *query, const char *name,
                     int64_t n)
{
    CLEANUP(buf_done) struct buf link;
    buf_init(&link, 16 * 1024);
    buf_fmt(&link, "/events/?limit=%lld&%s=%lld", (long long)query->limit, name, (long long)n);
    for (size_t i = 0; i < query->types.n; i++)
        buf_fmt(&link, "&type=%.*s", STR_ARGS(query->types.at[i]));
    return str_copy(rq->mem, buf_str(&link));
}

/* The range of numbers that this page looks at. */
static void ask_range(const struct list_query *query, int64_t last, int64_t oldest,
                      struct log_ask *ask)
{
    if (query->before_given) {
        ask->backwards = true;
        ask->before = query->before <= last ? query->before : last + 1;
        ask->after = ask->before - 1 - SCAN_MAX;
    } else {
        ask->after = query->after >= oldest - 1 ? query->after : oldest - 1;
        ask->before = ask->after + 1 + SCAN_MAX;
    }
    if (ask->after < oldest - 1)
        ask->after = oldest - 1;
    if (ask->before > last + 1)
        ask->before = last + 1;
}

err event_list(struct request *rq)
{
    struct list_query query = {.limit = LIMIT};
    TRY(request_query(rq, event_list_query, &query));
    TRY(types_check(rq->mem, &query.types));
    if (query.before_given && query.after)
        return field_err(rq->mem, "before", "Can't be given together with after.");
    struct list list;
    int64_t last, oldest, from, upto;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(events_range(&tx, rq->team, &last, &oldest));
    struct log_ask ask = {
        .team = rq->team, .limit = query.limit, .bytes = PAGE_BYTES, .types = query.types};
    ask_range(&query, last, oldest, &ask);
    TRY(log_read(&tx, &ask, &list, &from, &upto));
    TRY(tx_end_durable(&tx));
    str next = upto < last ? link_make(rq, &query, "after", upto) : (str){0};
    str prev = from >= oldest ? link_make(rq, &query, "before", from + 1) : (str){0};
    return reply_list(rq, event_fields, sizeof(struct event), list, next, prev);
}
