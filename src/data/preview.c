/* POST /tables/preview: what a file would become, without keeping anything. */
#include "data/preview.h"

#include "data/teams.h"

#define ROWS_MAX 50
#define WAIT_MS 30000

struct table_preview {
    str format;
    struct list columns;
    str rows;
    bool complete;
};

static const char *const formats[] = {
    [FORMAT_CSV] = "csv", [FORMAT_PARQUET] = "parquet", [FORMAT_JSON] = "json", NULL};

const struct field table_preview_fields[] = {
    FIELD(struct table_preview, format, FIELD_STR, .flags = FIELD_REQUIRED, .choices = formats),
    FIELD(struct table_preview, columns, FIELD_LIST, .of = column_fields,
          .of_size = sizeof(struct column), .help = "As declared, or else inferred as in loading"),
    FIELD(struct table_preview, rows, FIELD_JSON, .schema = ROWS_SCHEMA,
          .help = "The first rows, up to 50, as objects"),
    FIELD(struct table_preview, complete, FIELD_BOOL, .help = "These are all rows of the file"),
    FIELD_LAST,
};

static err preview_reply(struct request *rq, const struct load_input *input)
{
    struct data *data = rq->context;
    struct preview preview = {.format = input->format,
                              .path = input->path,
                              .columns = input->columns,
                              .cut = input->cut,
                              .rows_max = ROWS_MAX};
    struct previewed previewed = {0};
    struct ask ask = request_ask(rq);
    TRY(team_settle(data, rq->db, rq->team, WAIT_MS));
    TRY(engine_preview(&ask, &preview, &previewed));
    struct table_preview answer = {.format = str_of(formats[input->format]),
                                   .columns = {previewed.columns.at, previewed.columns.n},
                                   .rows = previewed.json,
                                   .complete = previewed.complete};
    return reply_json(rq, 200, table_preview_fields, &answer);
}

err table_preview(struct request *rq)
{
    CLEANUP(load_input_discard) struct load_input input = {0};
    TRY(load_input_take(rq, INPUT_PREVIEW, &input));
    return preview_reply(rq, &input);
}
