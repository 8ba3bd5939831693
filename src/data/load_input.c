/* From a form, an upload or a JSON body to a file in the team's folder. */
#include "data/load_input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "data/uploads.h"

#define BEGINNING ((size_t)1000 * 1000) /* bytes of an upload that a preview looks at */

struct input_form {
    str file, table_name, columns, upload, rows;
    bool cut;
};

/* `file` and `columns` of a form; `columns` and `rows` or `upload` of JSON. */
const struct field input_create_fields[] = {
    FIELD(struct input_form, file, FIELD_STR, .help = "CSV with a header row, or Parquet"),
    FIELD(struct input_form, table_name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 300,
          .help = "Name of the new table"),
    FIELD(struct input_form, columns, FIELD_JSON,
          .help = "[{\"column_name\", \"column_type\"}], matched by name; inferred when left out"),
    FIELD(struct input_form, upload, FIELD_STR, .max = 100,
          .help = "Instead of a file, in JSON: id of an upload that is complete"),
    FIELD(struct input_form, rows, FIELD_JSON,
          .help = "Instead of a file, in JSON: [{column: value}]"),
    FIELD_LAST,
};

const struct field input_rows_fields[] = {
    FIELD(struct input_form, file, FIELD_STR, .help = "CSV with a header row, or Parquet"),
    FIELD(struct input_form, columns, FIELD_JSON, .help = "New columns, when a table is replaced"),
    FIELD(struct input_form, upload, FIELD_STR, .max = 100,
          .help = "Instead of a file, in JSON: id of an upload that is complete"),
    FIELD(struct input_form, rows, FIELD_JSON,
          .help = "Instead of a file, in JSON: [{column: value}]"),
    FIELD_LAST,
};

const struct field input_preview_fields[] = {
    FIELD(struct input_form, file, FIELD_STR,
          .help =
              "CSV with a header row, or the beginning of such a file; or Parquet, of which the "
              "first four bytes and the footer are enough for its columns"),
    FIELD(struct input_form, columns, FIELD_JSON,
          .help = "[{\"column_name\", \"column_type\"}], matched by name; inferred when left out"),
    FIELD(struct input_form, cut, FIELD_BOOL,
          .help =
              "true: the file is the beginning of one, and its last line, when it has no end, is "
              "left out"),
    FIELD(struct input_form, upload, FIELD_STR, .max = 100,
          .help = "Instead of a file, in JSON: id of an upload that is complete"),
    FIELD(struct input_form, rows, FIELD_JSON,
          .help = "Instead of a file, in JSON: [{column: value}]"),
    FIELD_LAST,
};

static const struct field *const kind_fields[] = {[INPUT_CREATE] = input_create_fields,
                                                  [INPUT_ROWS] = input_rows_fields,
                                                  [INPUT_PREVIEW] = input_preview_fields};

static err form_columns(struct request *rq, str text, struct columns *out)
{
    if (str_trim(text).len == 0)
        return NULL;
    static const struct field none[] = {FIELD_LAST};
    char nothing;
    err e = columns_parse(rq->mem, text, out);
    if (!err_is(e, "malformed_json"))
        return e;
    e = fields_parse(rq->mem, none, text, &nothing); /* the place in the text as it was sent */
    return field_err(
        rq->mem, "columns", "%.*s", STR_ARGS(e ? e->detail : STR("The JSON is malformed.")));
}

static err columns_check(struct request *rq, struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++) {
        struct column *column = &columns->at[i];
        str field = str_fmt(rq->mem, "columns[%zu].column_name", i);
        TRY(engine_column_check(rq->mem, str_c(rq->mem, field), column->column_name));
        for (size_t j = 0; j < i; j++) {
            if (str_eq_nocase(columns->at[j].column_name, column->column_name))
                return field_err(rq->mem, str_c(rq->mem, field), "Is there twice.");
        }
        field = str_fmt(rq->mem, "columns[%zu].column_type", i);
        TRY(engine_type_check(
            rq->mem, str_c(rq->mem, field), column->column_type, &column->column_type));
    }
    return NULL;
}

/* Parquet says so in its first four bytes; everything else is CSV. */
static err file_format(struct arena *mem, const char *path, enum load_format *out)
{
    char magic[4] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, magic, sizeof(magic));
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (got < 0)
        return err_internal(mem, "the upload %s can't be read: %s", path, strerror(why));
    bool parquet = got == sizeof(magic) && memcmp(magic, "PAR1", sizeof(magic)) == 0;
    *out = parquet ? FORMAT_PARQUET : FORMAT_CSV;
    return NULL;
}

/* Everything that is wrong with a form, as {field: [text]}. */
static void wrong_add(struct buf *wrong, str field, const char *text)
{
    buf_add(wrong, wrong->len ? STR(", ") : STR("{"));
    json_print_str(wrong, field);
    buf_fmt(wrong, ": [\"%s\"]", text);
}

/* A field of a form that is not its file, nor what stands for one in JSON. */
static bool is_field(enum load_input_kind kind, str name)
{
    if (str_eq(name, STR("file")) || str_eq(name, STR("rows")) || str_eq(name, STR("upload")))
        return false;
    const struct field *field = kind_fields[kind];
    while (field->type != FIELD_END && !str_eq(name, str_of(field->name)))
        field++;
    return field->type != FIELD_END;
}

static void fields_wrong(struct request *rq, enum load_input_kind kind, struct buf *wrong)
{
    const struct form_value *values = rq->form.at;
    for (size_t i = 0; i < rq->form.n; i++) {
        bool flag = str_eq(values[i].value, STR("true")) || str_eq(values[i].value, STR("false"));
        for (size_t j = 0; j < i; j++) {
            if (str_eq(values[j].name, values[i].name))
                wrong_add(wrong, values[i].name, "Is there twice.");
        }
        if (!is_field(kind, values[i].name))
            wrong_add(wrong, values[i].name, "Is not a field of this request.");
        else if (str_eq(values[i].name, STR("cut")) && !flag)
            wrong_add(wrong, values[i].name, "Must be true or false.");
    }
    if (kind == INPUT_CREATE && !request_form(rq, "table_name").at)
        wrong_add(wrong, STR("table_name"), "Is required.");
}

static const struct upload *file_find(struct request *rq, struct buf *wrong)
{
    const struct upload *uploads = rq->uploads.at, *file = NULL;
    for (size_t i = 0; i < rq->uploads.n; i++) {
        if (!str_eq(uploads[i].name, STR("file")))
            wrong_add(wrong, uploads[i].name, "Is not a file of this request.");
        else if (file)
            wrong_add(wrong, STR("file"), "Is there twice.");
        else
            file = &uploads[i];
    }
    if (!file)
        wrong_add(wrong, STR("file"), "Is required: a CSV or Parquet file.");
    return file;
}

static err form_check(struct request *rq, enum load_input_kind kind, const struct upload **file)
{
    CLEANUP(buf_done) struct buf wrong;
    buf_init(&wrong, 64 * 1024);
    *file = file_find(rq, &wrong);
    fields_wrong(rq, kind, &wrong);
    if (wrong.len == 0)
        return NULL;
    buf_char(&wrong, '}');
    if (wrong.failed)
        return &err_no_memory;
    return err_with(rq->mem,
                    422,
                    "invalid_fields",
                    STR("The form is not right."),
                    str_copy(rq->mem, buf_str(&wrong)));
}

static err form_take(struct request *rq, enum load_input_kind kind, struct load_input *out)
{
    const struct upload *file;
    TRY(form_check(rq, kind, &file));
    out->table_name = request_form(rq, "table_name");
    out->cut = str_eq(request_form(rq, "cut"), STR("true"));
    TRY(form_columns(rq, request_form(rq, "columns"), &out->columns));
    struct ask ask = request_ask(rq);
    TRY(engine_tmp_path(&ask, &out->path));
    if (rename(file->path, out->path) != 0)
        return err_internal(rq->mem, "%s can't be moved to %s: %m", file->path, out->path);
    TRY(file_format(rq->mem, out->path, &out->format));
    out->bytes = file->size;
    return NULL;
}

static err file_write(struct request *rq, const char *path, str text)
{
    FILE *file = fopen(path, "wbxe");
    if (!file)
        return err_internal(rq->mem, "%s can't be made: %m", path);
    bool wrote = fwrite(text.at, 1, text.len, file) == text.len;
    if (fclose(file) == 0 && wrote)
        return NULL;
    return err_new(rq->mem, 507, "disk_full", "There is no room left on the disk for this upload.");
}

/* Of a large file the beginning is enough to look at, and what is wrong far behind it no hindrance.
 */
static err lent_begin(struct request *rq, struct load_input *out)
{
    char *bytes = arena_alloc(rq->mem, BEGINNING);
    int fd = open(out->path, O_RDONLY | O_CLOEXEC);
    ssize_t got = bytes && fd >= 0 ? read(fd, bytes, BEGINNING) : -1;
    if (fd >= 0)
        close(fd);
    if (got < 0)
        return err_internal(rq->mem, "the upload %s can't be read: %m", out->path);
    load_input_discard(out);
    struct ask ask = request_ask(rq);
    TRY(engine_tmp_path(&ask, &out->path));
    out->cut = true;
    return file_write(rq, out->path, (str){bytes, (size_t)got});
}

static err lent_take(struct request *rq, enum load_input_kind kind, str upload,
                     struct load_input *out)
{
    struct ask ask = request_ask(rq);
    out->upload = upload;
    TRY(engine_tmp_path(&ask, &out->path));
    TRY(upload_lend(rq, upload, out->path, &out->bytes));
    TRY(file_format(rq->mem, out->path, &out->format));
    bool large = out->format == FORMAT_CSV && out->bytes > (int64_t)BEGINNING;
    return kind == INPUT_PREVIEW && large ? lent_begin(rq, out) : NULL;
}

static err json_take(struct request *rq, enum load_input_kind kind, struct load_input *out)
{
    struct input_form form = {0};
    TRY(fields_parse(rq->mem, kind_fields[kind], rq->body, &form));
    out->table_name = form.table_name;
    if (form.file.at)
        return field_err(rq->mem, "file", "Must be sent as multipart/form-data.");
    if (form.columns.at)
        TRY(columns_parse(rq->mem, form.columns, &out->columns));
    if (form.upload.at)
        return form.rows.at ? field_err(rq->mem, "rows", "Can't be given beside an upload.")
                            : lent_take(rq, kind, form.upload, out);
    if (!form.rows.at && (kind == INPUT_ROWS || !out->columns.n))
        return field_err(rq->mem, "rows", "Is required: a list of objects. Or give an upload.");
    if (!form.rows.at)
        form.rows = STR("[]");
    if (form.rows.at[0] != '[')
        return field_err(rq->mem, "rows", "Must be a list of objects.");
    struct ask ask = request_ask(rq);
    TRY(engine_tmp_path(&ask, &out->path));
    out->format = FORMAT_JSON;
    out->bytes = (int64_t)form.rows.len;
    return file_write(rq, out->path, form.rows);
}

err load_input_take(struct request *rq, enum load_input_kind kind, struct load_input *out)
{
    *out = (struct load_input){0};
    TRY(rq->body.at ? json_take(rq, kind, out) : form_take(rq, kind, out));
    if (kind == INPUT_CREATE)
        TRY(engine_name_check(rq->mem, "table_name", out->table_name));
    return columns_check(rq, &out->columns);
}

void load_input_discard(struct load_input *input)
{
    if (input->path)
        unlink(input->path);
    input->path = NULL;
}
