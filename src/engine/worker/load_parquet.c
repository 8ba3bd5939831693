/* Parquet: the file has names and types; values are cast to what was declared. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/worker/loading.h"
#include "engine/worker/types.h"

#define MAGIC "PAR1"
#define DAMAGED "is damaged: its contents can't be read"
#define FILE_MIN 12 /* magic, length of the footer, magic */

/* Old writers do not mark their texts as such: they are read as text all the same. */
static str parquet_from(struct loading *l, bool plain)
{
    (void)plain;
    return sql_text(l->call, "read_parquet(%L, binary_as_string = true)", str_of(l->ask->path));
}

/* What DuckDB says of a cut off file is not for people. */
static err magic_check(struct loading *l)
{
    char head[4] = {0}, tail[4] = {0};
    int fd = open(l->ask->path, O_RDONLY | O_CLOEXEC);
    off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    bool read_ok =
        size >= FILE_MIN && pread(fd, head, 4, 0) == 4 && pread(fd, tail, 4, size - 4) == 4;
    if (fd >= 0)
        close(fd);
    if (size == 0)
        return file_refuse(l->call, "The file is empty (zero bytes).");
    if (size > 0 && (size < FILE_MIN || (read_ok && memcmp(head, MAGIC, 4) != 0)))
        return file_refuse(l->call, "The file is not a Parquet file.");
    if (!read_ok)
        return err_internal(l->call->mem, "engine: the uploaded file can't be read");
    if (memcmp(tail, MAGIC, 4) != 0)
        return file_refuse(l->call, "The Parquet file is truncated: its end is missing.");
    return NULL;
}

static err parquet_open(struct loading *l)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    TRY(magic_check(l));
    TRY(file_columns_read(l, parquet_from(l, false), &failure));
    if (failure.message.at)
        return file_refuse(l->call, "The Parquet file " DAMAGED ".");
    TRY(sql_try_query(l->call,
                      sql_text(l->call,
                               "SELECT CAST(num_rows AS BIGINT) FROM parquet_file_metadata(%L)",
                               str_of(l->ask->path)),
                      &result,
                      &failure));
    if (failure.message.at)
        return file_refuse(l->call, "The Parquet file " DAMAGED ".");
    l->rows_guess = sql_i64(&result, 0, 0);
    return NULL;
}

static err parquet_infer(struct loading *l, int attempt, struct sql_failure *failure, bool *again)
{
    (void)attempt;
    (void)failure;
    *again = false;
    for (size_t i = 0; i < l->file_columns.n; i++) {
        struct column column = l->file_columns.at[i];
        str type = type_name(l->call->mem, column.column_type);
        if (!type.at)
            return file_refuse(
                l->call,
                "Column \"%.*s\" of the file is of the type %.*s, which a table can't have.",
                STR_ARGS(column.column_name),
                STR_ARGS(column.column_type));
        l->columns.at[i] = (struct column){column.column_name, type};
    }
    return NULL;
}

static str raw_type(const struct loading *l, size_t i)
{
    return l->file_columns.at[l->from_file[i]].column_type;
}

static bool is_nested(str type)
{
    return str_ends(type, STR("]")) || str_starts(type, STR("STRUCT(")) ||
           str_starts(type, STR("MAP("));
}

static str parquet_text(struct loading *l, size_t i)
{
    if (str_eq(raw_type(l, i), STR("BLOB")))
        return sql_text(l->call, "to_base64(%I)", file_column(l, i));
    if (is_nested(raw_type(l, i)))
        return sql_text(l->call, "CAST(to_json(%I) AS VARCHAR)", file_column(l, i));
    return sql_text(l->call, "CAST(%I AS VARCHAR)", file_column(l, i));
}

static str parquet_value(struct loading *l, size_t i)
{
    str type = l->columns.at[i].column_type, raw = raw_type(l, i);
    bool whole =
        str_ends(raw, STR("INT")) || str_ends(raw, STR("INTEGER")) || str_eq(raw, STR("BOOLEAN"));
    bool as_text = is_nested(raw) || str_eq(raw, STR("BLOB")) || (type_is_integer(type) && !whole);
    if (as_text)
        return text_cast(l, parquet_text(l, i), type);
    return sql_text(l->call, "CAST(%I AS %S)", file_column(l, i), type);
}

/* Values that do not fit are found one by one; when none is, the file itself is at fault. */
static err parquet_misshapen(struct loading *l)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    TRY(sql_try_query(l->call,
                      sql_text(l->call, "SELECT count(COLUMNS(*)) FROM %S", parquet_from(l, false)),
                      &result,
                      &failure));
    if (failure.message.at)
        file_error_add(l, 0, (str){0}, (str){0}, STR("the Parquet file " DAMAGED));
    return NULL;
}

const struct load_reader parquet_reader = {
    parquet_open, parquet_infer, parquet_from, parquet_value, parquet_text, parquet_misshapen};
