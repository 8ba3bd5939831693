/* Loads as the store keeps them: their marks, and how they are listed. */
#include "base/time.h"
#include "data/loads.h"
#include "data/teams.h"
#include "data/uploads.h"
#include "http/page.h"

static const char *const mode_names[] = {"create", "append", "replace", NULL};
static const char *const states[] = {"running", "succeeded", "failed", NULL};

const struct field load_fields[] = {
    FIELD(struct load_record, id, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct load_record, table_name, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct load_record, mode, FIELD_STR, .flags = FIELD_REQUIRED, .choices = mode_names,
          .help = "create, append or replace"),
    FIELD(struct load_record, state, FIELD_STR, .flags = FIELD_REQUIRED, .choices = states,
          .help = "running, succeeded or failed"),
    FIELD(struct load_record, upload, FIELD_STR, .help = "Id of the upload that it loads, if any"),
    FIELD(struct load_record, bytes, FIELD_INT, .help = "Size of the file"),
    FIELD(struct load_record, bytes_done, FIELD_INT, .help = "Of these, read so far"),
    FIELD(struct load_record, rows, FIELD_INT, .help = "Rows loaded so far"),
    FIELD(struct load_record, error, FIELD_JSON,
          .help = "What was wrong, as a problem; null when nothing was"),
    FIELD(struct load_record, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct load_record, finished, FIELD_TIME),
    FIELD_LAST,
};

static const struct field load_row[] = {
    FIELD(struct load_record, team, FIELD_STR),
    FIELD(struct load_record, id, FIELD_STR),
    FIELD(struct load_record, table_name, FIELD_STR),
    FIELD(struct load_record, mode, FIELD_STR),
    FIELD(struct load_record, state, FIELD_STR),
    FIELD(struct load_record, upload, FIELD_STR),
    FIELD(struct load_record, bytes, FIELD_INT),
    FIELD(struct load_record, bytes_done, FIELD_INT),
    FIELD(struct load_record, row_count, FIELD_INT),
    FIELD(struct load_record, base_version, FIELD_INT),
    FIELD(struct load_record, error, FIELD_JSON),
    FIELD(struct load_record, created, FIELD_TIME),
    FIELD(struct load_record, finished, FIELD_TIME),
    FIELD_LAST,
};

str load_mode_name(enum load_mode mode)
{
    return str_of(mode_names[mode]);
}

static str problem_json(struct arena *mem, err e)
{
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 1 << 20);
    buf_fmt(&out, "{\"status\": %d, \"code\": \"%s\", \"detail\": ", e->status, e->code);
    json_print_str(&out, e->detail);
    if (e->errors.at) {
        buf_add(&out, STR(", \"errors\": "));
        buf_add(&out, e->errors);
    }
    buf_char(&out, '}');
    return out.failed ? STR("{\"code\": \"out_of_memory\"}") : str_copy(mem, buf_str(&out));
}

err load_interrupted(struct arena *mem)
{
    return err_new(mem,
                   503,
                   "interrupted",
                   "The server was stopped before the load was done. Nothing of it was kept; load "
                   "it again.");
}

err load_begin(struct tx *tx, struct load_record *load)
{
    if (load->upload.at)
        TRY(upload_claim(tx, load->team, load->upload));
    return tx_run(tx,
                  "INSERT INTO loads (team, id, table_name, mode, state, bytes, row_count, "
                  "base_version, created, upload)"
                  " VALUES ($1, $2, $3, $4, 'running', $5, 0, $6, $7, $8)",
                  A(load->team),
                  A(load->id),
                  A(load->table_name),
                  A(load->mode),
                  A(load->bytes),
                  A(load->base_version),
                  A(load->created),
                  A(load->upload));
}

err load_end(struct data *data, struct tx *tx, struct load_record *load, err why)
{
    if (!why && load->upload.at)
        TRY(upload_loaded(data, tx, load->team, load->upload));
    load->state = why ? STR("failed") : STR("succeeded");
    load->error = why ? problem_json(tx->db->mem, why) : (str){0};
    load->finished = time_now();
    load->bytes_done = why ? load->bytes_done : load->bytes;
    return tx_run(tx,
                  "UPDATE loads SET state = $3, row_count = $4, error = $5, finished = $6,"
                  " bytes_done = CASE WHEN $3 = 'succeeded' THEN bytes ELSE bytes_done END"
                  " WHERE team = $1 AND id = $2",
                  A(load->team),
                  A(load->id),
                  A(load->state),
                  A(load->rows),
                  A(load->error),
                  A(load->finished));
}

err load_progress(struct db *db, const struct load_record *load)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_run(&tx,
               "UPDATE loads SET row_count = $3, bytes_done = $4 WHERE team = $1 AND id = $2",
               A(load->team),
               A(load->id),
               A(load->rows),
               A(load->bytes_done)));
    return tx_commit(&tx);
}

static void record_ready(struct load_record *load)
{
    load->rows = load->row_count;
}

static err load_find(struct request *rq, struct load_record *out)
{
    bool found;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(tx_find(&tx,
                load_row,
                out,
                &found,
                "SELECT * FROM loads WHERE team = $1 AND id = $2",
                A(rq->team),
                A(request_path(rq, "id"))));
    if (!found)
        return err_new(rq->mem, 404, "not_found", "There is no such load.");
    record_ready(out);
    return NULL;
}

err load_show(struct request *rq)
{
    struct load_record load = {0};
    TRY(load_find(rq, &load));
    return reply_json(rq, 200, load_fields, &load);
}

/* It ends a moment later, which the log tells; one that was done already stays done. */
err load_stop(struct request *rq)
{
    struct data *data = rq->context;
    struct load_record load = {0};
    if (stop_ask(data->stops, rq->team, request_path(rq, "id"))) {
        team_wake(data->teams, rq->team);
        return reply_empty(rq, 204);
    }
    TRY(load_find(rq, &load));
    if (!str_eq(load.state, STR("running")))
        return err_new(rq->mem, 409, "load_ended", "This load has ended already.");
    return err_new(rq->mem,
                   409,
                   "load_awaited",
                   "A client waits for this load: it stops when the client leaves.");
}

struct load_query {
    struct page page;
    str state, upload;
};

const struct field load_query_fields[] = {
    PAGE_FIELDS(struct load_query, page),
    FIELD(struct load_query, state, FIELD_STR, .choices = states, .help = "Only these"),
    FIELD(struct load_query, upload, FIELD_STR, .max = 100, .help = "Only those of this upload"),
    FIELD_LAST,
};

/* Each way along an index: of all, or of one state. */
static err load_page(struct tx *tx, str team, const struct load_query *query, struct list *out)
{
    const struct page *page = &query->page;
    bool back = page->before.at;
    str from = back ? page->before : page->after.at ? page->after : STR(ID_LAST);
    size_t size = sizeof(struct load_record);
    int64_t rows = page_rows(page);
#define LOADS(where)                                                                          \
    tx_list(tx,                                                                               \
            load_row,                                                                         \
            size,                                                                             \
            2000,                                                                             \
            out,                                                                              \
            "SELECT * FROM loads WHERE team = $1 AND ($5 IS NULL OR upload = $5) AND " where, \
            A(team),                                                                          \
            A(from),                                                                          \
            A(rows),                                                                          \
            A(query->state),                                                                  \
            A(query->upload))
    if (query->state.at)
        return back ? LOADS("state = $4 AND id > $2 ORDER BY id LIMIT $3")
                    : LOADS("state = $4 AND id < $2 ORDER BY id DESC LIMIT $3");
    return back ? LOADS("$4 IS NULL AND id > $2 ORDER BY id LIMIT $3")
                : LOADS("$4 IS NULL AND id < $2 ORDER BY id DESC LIMIT $3");
#undef LOADS
}

/* For the links. */
static str load_query_print(struct arena *mem, const struct load_query *query)
{
    CLEANUP(buf_done) struct buf more;
    buf_init(&more, 1024);
    if (query->state.at)
        buf_fmt(&more, "&state=%.*s", STR_ARGS(query->state));
    if (query->upload.at) {
        buf_add(&more, STR("&upload="));
        url_print(&more, query->upload);
    }
    return more.len ? str_copy(mem, buf_str(&more)) : (str){0};
}

err load_list(struct request *rq)
{
    struct load_query query = {.page.limit = PAGE_LIMIT};
    struct page *page = &query.page;
    struct list list;
    TRY(request_query(rq, load_query_fields, &query));
    TRY(page_check(rq, page));
    page->more = load_query_print(rq->mem, &query);
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(load_page(&tx, rq->team, &query, &list));
    struct load_record *loads = list.at;
    for (size_t i = 0; i < list.n; i++)
        record_ready(&loads[i]);
    return page_reply(
        rq, page, load_fields, sizeof(struct load_record), list, offsetof(struct load_record, id));
}
