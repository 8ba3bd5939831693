/* Reading: rows by pages or as a file, differences between versions, and one-off queries. */
#include "data/rows.h"

#include <string.h>
#include <unistd.h>

#include "data/relations.h"
#include "data/teams.h"
#include "http/page.h"

#define ROWS_MAX 10000
#define LINK_MAX (256u << 10)
#define WAIT_MS 30000
#define OFFSET_MAX ((int64_t)1 << 53)

struct rows_query {
    int64_t limit, offset;
    str after;
    struct strs sort, filter, columns;
    bool limit_given, offset_given, count;
};

const struct field rows_query_fields[] = {
    FIELD(struct rows_query, limit, FIELD_INT, .min = 1, .max = ROWS_MAX,
          .given = offsetof(struct rows_query, limit_given),
          .help = "Rows of a page; 100 when not given; a CSV or Parquet file has all"),
    FIELD(struct rows_query, after, FIELD_STR, .max = 1000, .help = "From links.next"),
    FIELD(struct rows_query, offset, FIELD_INT, .min = 0, .max = OFFSET_MAX,
          .given = offsetof(struct rows_query, offset_given),
          .help = "Or begin behind so many rows of those that are asked for"),
    FIELD(struct rows_query, sort, FIELD_STRS,
          .help = "Columns to sort by, the first one first: repeated, or with commas; \"-column\" "
                  "goes down; nulls come last"),
    FIELD(struct rows_query, filter, FIELD_STRS,
          .help = "\"column:op:value\", repeated: all must hold. op is eq, ne, lt, le, gt, ge, "
                  "contains, starts (of texts, whatever the case), null or not_null (without a "
                  "value)"),
    FIELD(struct rows_query, columns, FIELD_STRS,
          .help = "Only these, in this order: repeated, or with commas"),
    FIELD(struct rows_query, count, FIELD_BOOL,
          .help = "The answer says row_count as well: how many rows the filter lets through"),
    FIELD_LAST,
};

struct links {
    str next, prev;
};

static const struct field links_fields[] = {
    FIELD(struct links, next, FIELD_STR),
    FIELD(struct links, prev, FIELD_STR, .help = "Always null"),
    FIELD_LAST,
};

struct rows_answer {
    str data;
    int64_t version, row_count;
    struct links links;
};

const struct field rows_fields[] = {
    FIELD(struct rows_answer, data, FIELD_JSON, .schema = ROWS_SCHEMA,
          .help = "Rows as objects by column name"),
    FIELD(struct rows_answer, version, FIELD_INT, .help = "Of the table or view"),
    FIELD(struct rows_answer, row_count, FIELD_INT, .flags = FIELD_OMIT,
          .help = "With ?count=true"),
    FIELD(struct rows_answer, links, FIELD_OBJECT, .of = links_fields),
    FIELD_LAST,
};

#define CHANGES_SCHEMA                                                                        \
    "\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"version\",\"change\"," \
    "\"row\"],\"properties\":{\"version\":{\"type\":\"integer\"},\"change\":{\"type\":"       \
    "\"string\",\"enum\":[\"added\",\"removed\"]},\"row\":{\"type\":\"object\"}}}"

const struct field changes_fields[] = {
    FIELD(struct rows_answer, data, FIELD_JSON, .schema = CHANGES_SCHEMA,
          .help = "In order of versions"),
    FIELD(struct rows_answer, version, FIELD_INT, .help = "Of the view"),
    FIELD(struct rows_answer, links, FIELD_OBJECT, .of = links_fields),
    FIELD_LAST,
};

static const char *const row_types[] = {
    "application/json", "text/csv", "application/vnd.apache.parquet", NULL};

static err read_ask(struct request *rq, struct ask *out)
{
    *out = request_ask(rq);
    return team_settle(rq->context, rq->db, rq->team, WAIT_MS);
}

static err not_acceptable(struct request *rq)
{
    return err_new(rq->mem,
                   406,
                   "not_acceptable",
                   "Rows come as application/json, text/csv or application/vnd.apache.parquet.");
}

static err answer_reply(struct request *rq, const struct field *fields,
                        const struct rows_page *page, str next)
{
    struct rows_answer answer = {
        .data = page->json, .version = page->version, .links = {.next = next}};
    return reply_json(rq, 200, fields, &answer);
}

/* RFC 6266: a name of ASCII for all, and the true one where it is another. */
static err name_reply(struct request *rq, str name, const char *ending)
{
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 4096);
    buf_add(&out, STR("attachment; filename=\""));
    bool plain = true;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool fits = c >= ' ' && c <= '~' && !strchr("\"\\/%", c);
        buf_char(&out, fits ? c : '_');
        plain = plain && fits;
    }
    buf_fmt(&out, ".%s\"", ending);
    if (!plain) {
        buf_add(&out, STR("; filename*=UTF-8''"));
        url_print(&out, name);
        buf_fmt(&out, ".%s", ending);
    }
    if (out.failed)
        return &err_no_memory;
    reply_header(rq, "Content-Disposition", str_copy(rq->mem, buf_str(&out)));
    return NULL;
}

static err file_reply(struct request *rq, const struct relation *relation, int type,
                      const char *path)
{
    err e = name_reply(rq, relation->name, type == 1 ? "csv" : "parquet");
    if (e) {
        unlink(path);
        return e;
    }
    return reply_file(
        rq, 200, type == 1 ? "text/csv; charset=utf-8; header=present" : row_types[2], path);
}

static void params_add(struct buf *out, const char *name, const struct strs *values)
{
    for (size_t i = 0; i < values->n; i++) {
        buf_fmt(out, "&%s=", name);
        url_print(out, values->at[i]);
    }
}

/* The same rows in the same order, from the cursor on. */
static err rows_next(struct request *rq, const struct rows_query *query, str cursor, str *next)
{
    CLEANUP(buf_done) struct buf link;
    buf_init(&link, LINK_MAX);
    *next = (str){0};
    if (!cursor.at)
        return NULL;
    buf_add(&link, page_link(rq, "after", cursor, query->limit));
    params_add(&link, "sort", &query->sort);
    params_add(&link, "filter", &query->filter);
    params_add(&link, "columns", &query->columns);
    if (link.failed)
        return &err_no_memory;
    *next = str_copy(rq->mem, buf_str(&link));
    return NULL;
}

static err rows_asked(struct request *rq, int type, struct rows_query *query, struct rows_ask *out)
{
    *query = (struct rows_query){.limit = 100};
    TRY(request_query(rq, rows_query_fields, query));
    if (query->offset_given && query->after.at)
        return field_err(rq->mem, "offset", "Can't be given together with after.");
    *out = (struct rows_ask){.after = query->after,
                             .offset = query->offset,
                             .limit = query->limit,
                             .format = (enum rows_format)type,
                             .sort = query->sort,
                             .filter = query->filter,
                             .columns = query->columns,
                             .count = query->count && type == ROWS_JSON};
    if (type != ROWS_JSON && !query->limit_given)
        out->limit = 0;
    return NULL;
}

static err counted_reply(struct request *rq, const struct rows_page *page, str next)
{
    struct rows_answer answer = {
        .data = page->json, .version = page->version, .links = {.next = next}};
    return reply_json_and(rq,
                          200,
                          "row_count",
                          str_fmt(rq->mem, "%lld", (long long)page->row_count),
                          rows_fields,
                          &answer);
}

static err rows_reply(struct request *rq, const char *kind)
{
    struct rows_query query;
    struct rows_ask rows;
    struct rows_page page = {0};
    struct relation relation = {0};
    struct ask ask;
    str next;
    int type = request_accepts(rq, row_types);
    if (type < 0)
        return not_acceptable(rq);
    TRY(rows_asked(rq, type, &query, &rows));
    {
        CLEANUP(tx_done) struct tx tx = {0};
        TRY(db_read(rq->db, &tx));
        TRY(relation_load(&tx, rq->team, request_path(rq, "name"), kind, &relation));
    }
    rows.name = relation.name;
    TRY(read_ask(rq, &ask));
    TRY(engine_rows(&ask, &rows, &page));
    if (type != ROWS_JSON)
        return file_reply(rq, &relation, type, page.path);
    TRY(rows_next(rq, &query, page.next, &next));
    return rows.count ? counted_reply(rq, &page, next) : answer_reply(rq, rows_fields, &page, next);
}

err table_rows(struct request *rq)
{
    return rows_reply(rq, "table");
}

err view_rows(struct request *rq)
{
    return rows_reply(rq, "view");
}

struct changes_query {
    int64_t after, upto, limit;
    str cursor;
};

const struct field changes_query_fields[] = {
    FIELD(struct changes_query, after, FIELD_INT, .flags = FIELD_REQUIRED, .min = 0,
          .max = INT64_MAX, .help = "The version that the client has"),
    FIELD(struct changes_query, upto, FIELD_INT, .min = 1, .max = INT64_MAX,
          .help = "The last version that is told; the newest when not given"),
    FIELD(struct changes_query, limit, FIELD_INT, .min = 1, .max = ROWS_MAX,
          .help = "Changes of a page; 1000 when not given"),
    FIELD(struct changes_query, cursor, FIELD_STR, .max = 1000, .help = "From links.next"),
    FIELD_LAST,
};

static str changes_next(struct request *rq, const struct changes_query *query, str cursor)
{
    if (!cursor.at)
        return cursor;
    str link = str_fmt(rq->mem,
                       "%.*s&after=%lld",
                       STR_ARGS(page_link(rq, "cursor", cursor, query->limit)),
                       (long long)query->after);
    return query->upto ? str_fmt(rq->mem, "%.*s&upto=%lld", STR_ARGS(link), (long long)query->upto)
                       : link;
}

err view_changes(struct request *rq)
{
    struct changes_query query = {.limit = 1000};
    struct relation view = {0};
    TRY(request_query(rq, changes_query_fields, &query));
    if (query.upto && query.upto < query.after)
        return field_err(rq->mem, "upto", "May not be before after.");
    {
        CLEANUP(tx_done) struct tx tx = {0};
        TRY(db_read(rq->db, &tx));
        TRY(relation_load(&tx, rq->team, request_path(rq, "name"), "view", &view));
    }
    struct changes_ask changes = {.view = view.name,
                                  .after = query.after,
                                  .upto = query.upto,
                                  .cursor = query.cursor,
                                  .limit = query.limit};
    struct rows_page page = {0};
    struct ask ask;
    TRY(read_ask(rq, &ask));
    TRY(engine_changes(&ask, &changes, &page));
    return answer_reply(rq, changes_fields, &page, changes_next(rq, &query, page.next));
}

struct query_input {
    str sql;
    int64_t limit;
};

const struct field query_input_fields[] = {
    FIELD(struct query_input, sql, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 65536,
          .help = "One SELECT, WITH, VALUES or TABLE"),
    FIELD(struct query_input, limit, FIELD_INT, .min = 1, .max = ROWS_MAX,
          .help = "Most rows; 100 when not given"),
    FIELD_LAST,
};

struct query_answer {
    struct list columns;
    str data;
    bool more;
};

const struct field query_fields[] = {
    FIELD(struct query_answer, columns, FIELD_LIST, .of = column_fields,
          .of_size = sizeof(struct column)),
    FIELD(struct query_answer, data, FIELD_JSON, .schema = ROWS_SCHEMA,
          .help = "Rows as objects by column name"),
    FIELD(struct query_answer, more, FIELD_BOOL, .help = "There were more rows than the limit"),
    FIELD_LAST,
};

err query_run(struct request *rq)
{
    struct query_input input = {.limit = 100};
    TRY(request_body(rq, query_input_fields, &input));
    struct ask ask;
    struct queried result = {0};
    TRY(read_ask(rq, &ask));
    TRY(engine_query(&ask, input.sql, input.limit, &result));
    struct query_answer answer = {
        .columns = {result.columns.at, result.columns.n}, .data = result.json, .more = result.more};
    return reply_json(rq, 200, query_fields, &answer);
}
