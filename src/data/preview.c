/* POST /tables/preview: what a file would become, without keeping anything. */
#include "data/preview.h"

struct table_preview {
    str format;
    struct list columns;
    str rows;
    bool complete;
};

static const char *const formats[] = {"csv", "parquet", "json", NULL};

const struct field table_preview_fields[] = {
    FIELD(struct table_preview, format, FIELD_STR, .flags = FIELD_REQUIRED, .choices = formats),
    FIELD(struct table_preview, columns, FIELD_LIST, .of = column_fields,
          .of_size = sizeof(struct column), .help = "As declared, or else inferred as in loading"),
    FIELD(struct table_preview, rows, FIELD_JSON, .help = "The first rows, up to 50, as objects"),
    FIELD(struct table_preview, complete, FIELD_BOOL, .help = "These are all rows of the file"),
    FIELD_LAST,
};

err table_preview(struct request *rq)
{
    return err_new(rq->mem, 501, "not_there_yet", "This is being built.");
}
