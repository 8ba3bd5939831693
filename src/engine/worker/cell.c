/* Values to text: a switch over the types, and a printer for each family. */
#include "engine/worker/cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fields.h"
#include "engine/worker/json_text.h"

#define EXACT_MAX \
    ((int64_t)1   \
     << 53) /* integers up to here are exact as a double, which JSON numbers are read as */
#define SHAPE_DEPTH_MAX 64

static bool shape_read_at(struct arena *mem, duckdb_logical_type type, struct shape *out,
                          int depth);

static bool child_read(struct arena *mem, duckdb_logical_type child, struct shape *out, int depth)
{
    bool ok = shape_read_at(mem, child, out, depth + 1);
    duckdb_destroy_logical_type(&child);
    return ok;
}

static str name_take(struct arena *mem, char *name)
{
    str copy = str_copy(mem, str_of(name));
    duckdb_free(name);
    return copy;
}

static bool members_read(struct arena *mem, duckdb_logical_type type, struct shape *out, int depth)
{
    bool is_union = out->id == DUCKDB_TYPE_UNION;
    out->n = is_union ? duckdb_union_type_member_count(type) : duckdb_struct_type_child_count(type);
    out->children = arena_array(mem, out->n + 1, sizeof(struct shape));
    out->names = arena_array(mem, out->n + 1, sizeof(str));
    if (!out->children || !out->names)
        return false;
    for (size_t i = 0; i < out->n; i++) {
        out->names[i] = name_take(mem,
                                  is_union ? duckdb_union_type_member_name(type, i)
                                           : duckdb_struct_type_child_name(type, i));
        duckdb_logical_type child = is_union ? duckdb_union_type_member_type(type, i)
                                             : duckdb_struct_type_child_type(type, i);
        if (!child_read(mem, child, &out->children[i], depth))
            return false;
    }
    return true;
}

static bool elements_read(struct arena *mem, duckdb_logical_type type, struct shape *out, int depth)
{
    bool is_map = out->id == DUCKDB_TYPE_MAP;
    out->children = arena_array(mem, 2, sizeof(struct shape));
    if (!out->children)
        return false;
    if (is_map)
        return child_read(mem, duckdb_map_type_key_type(type), &out->children[0], depth) &&
               child_read(mem, duckdb_map_type_value_type(type), &out->children[1], depth);
    if (out->id == DUCKDB_TYPE_LIST)
        return child_read(mem, duckdb_list_type_child_type(type), &out->children[0], depth);
    out->size = duckdb_array_type_array_size(type);
    return child_read(mem, duckdb_array_type_child_type(type), &out->children[0], depth);
}

static bool enum_read(struct arena *mem, duckdb_logical_type type, struct shape *out)
{
    out->inside = duckdb_enum_internal_type(type);
    out->n = duckdb_enum_dictionary_size(type);
    out->names = arena_array(mem, out->n + 1, sizeof(str));
    for (size_t i = 0; out->names && i < out->n; i++)
        out->names[i] = name_take(mem, duckdb_enum_dictionary_value(type, i));
    return out->names != NULL;
}

static bool varchar_read(duckdb_logical_type type, struct shape *out)
{
    char *alias = duckdb_logical_type_get_alias(type);
    out->is_json = alias && strcmp(alias, "JSON") == 0;
    duckdb_free(alias);
    return true;
}

static bool shape_read_at(struct arena *mem, duckdb_logical_type type, struct shape *out, int depth)
{
    *out = (struct shape){.id = duckdb_get_type_id(type)};
    if (depth > SHAPE_DEPTH_MAX)
        return false;
    switch (out->id) {
    case DUCKDB_TYPE_VARCHAR:
        return varchar_read(type, out);
    case DUCKDB_TYPE_DECIMAL:
        out->inside = duckdb_decimal_internal_type(type);
        out->scale = duckdb_decimal_scale(type);
        return true;
    case DUCKDB_TYPE_ENUM:
        return enum_read(mem, type, out);
    case DUCKDB_TYPE_LIST:
    case DUCKDB_TYPE_ARRAY:
    case DUCKDB_TYPE_MAP:
        return elements_read(mem, type, out, depth);
    case DUCKDB_TYPE_STRUCT:
    case DUCKDB_TYPE_UNION:
        return members_read(mem, type, out, depth);
    case DUCKDB_TYPE_SQLNULL:
    case DUCKDB_TYPE_TIME_NS:
    case DUCKDB_TYPE_UHUGEINT:
        return true;
    default:
        return out->id >= DUCKDB_TYPE_BOOLEAN && out->id <= DUCKDB_TYPE_TIMESTAMP_TZ &&
               out->id != DUCKDB_TYPE_BIT;
    }
}

bool shape_read(struct arena *mem, duckdb_logical_type type, struct shape *out)
{
    return shape_read_at(mem, type, out, 0) && !arena_failed(mem);
}

bool cell_is_null(duckdb_vector vector, idx_t row)
{
    uint64_t *validity = duckdb_vector_get_validity(vector);
    return validity && !duckdb_validity_row_is_valid(validity, row);
}

/* Digits of an unsigned 128-bit number with a point before the last `scale` of them. */
static void print_digits(struct buf *out, bool minus, unsigned __int128 n, unsigned scale)
{
    char text[48];
    size_t at = sizeof(text);
    unsigned printed = 0;
    do {
        if (printed && printed == scale)
            text[--at] = '.';
        text[--at] = (char)('0' + (int)(n % 10));
        n /= 10;
        printed++;
    } while (n || printed <= scale);
    if (minus)
        text[--at] = '-';
    buf_add(out, (str){text + at, sizeof(text) - at});
}

static void print_signed(struct buf *out, __int128 n, unsigned scale)
{
    print_digits(out, n < 0, n < 0 ? -(unsigned __int128)n : (unsigned __int128)n, scale);
}

static __int128 hugeint(duckdb_hugeint n)
{
    return (__int128)(((unsigned __int128)(uint64_t)n.upper << 64) | n.lower);
}

static void print_decimal(struct buf *out, const struct shape *shape, const void *data, idx_t row)
{
    __int128 n = 0;
    if (shape->inside == DUCKDB_TYPE_SMALLINT)
        n = ((const int16_t *)data)[row];
    else if (shape->inside == DUCKDB_TYPE_INTEGER)
        n = ((const int32_t *)data)[row];
    else if (shape->inside == DUCKDB_TYPE_BIGINT)
        n = ((const int64_t *)data)[row];
    else
        n = hugeint(((const duckdb_hugeint *)data)[row]);
    print_signed(out, n, shape->scale);
}

/* The shortest text that reads back as the same number. */
static void print_real(struct buf *out, double n, bool is_float)
{
    char text[40];
    if (isnan(n) || isinf(n)) {
        buf_add(out, isnan(n) ? STR("NaN") : n < 0 ? STR("-Infinity") : STR("Infinity"));
        return;
    }
    for (int digits = is_float ? 6 : 15; digits <= (is_float ? 9 : 17); digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, n);
        if (is_float ? strtof(text, NULL) == (float)n : strtod(text, NULL) == n)
            break;
    }
    buf_add(out, str_of(text));
}

/* Howard Hinnant's civil_from_days: the Gregorian date of a day counted from 1970-01-01. */
static void print_date(struct buf *out, int64_t days)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * mp + 2) / 5 + 1, month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    buf_fmt(out,
            year >= 0 && year <= 9999 ? "%04lld-%02lld-%02lld" : "%+07lld-%02lld-%02lld",
            (long long)year,
            (long long)month,
            (long long)day);
}

/* HH:MM:SS and the fraction, when there is one, of a time in units of which `per_s` are a second.
 */
static void print_clock(struct buf *out, int64_t units, int64_t per_s)
{
    int64_t seconds = units / per_s, fraction = units % per_s;
    buf_fmt(out,
            "%02lld:%02lld:%02lld",
            (long long)(seconds / 3600),
            (long long)(seconds / 60 % 60),
            (long long)(seconds % 60));
    if (fraction && per_s == 1000000000)
        buf_fmt(out, ".%09lld", (long long)fraction);
    else if (fraction)
        buf_fmt(out, ".%06lld", (long long)(fraction * (1000000 / per_s)));
}

static void print_infinite(struct buf *out, bool minus)
{
    buf_add(out, minus ? STR("-infinity") : STR("infinity"));
}

static void print_timestamp(struct buf *out, int64_t units, int64_t per_s, bool zone)
{
    if (units == INT64_MAX || units == -INT64_MAX) {
        print_infinite(out, units < 0);
        return;
    }
    int64_t day = units / (86400 * per_s), rest = units % (86400 * per_s);
    if (rest < 0) {
        rest += 86400 * per_s;
        day--;
    }
    print_date(out, day);
    buf_char(out, 'T');
    print_clock(out, rest, per_s);
    if (zone)
        buf_char(out, 'Z');
}

static void print_time_tz(struct buf *out, duckdb_time_tz packed)
{
    duckdb_time_tz_struct t = duckdb_from_time_tz(packed);
    int64_t us =
        ((int64_t)t.time.hour * 3600 + t.time.min * 60 + t.time.sec) * 1000000 + t.time.micros;
    int offset = abs(t.offset);
    print_clock(out, us, 1000000);
    buf_fmt(out, "%c%02d:%02d", t.offset < 0 ? '-' : '+', offset / 3600, offset / 60 % 60);
}

static void print_count(struct buf *out, int64_t n, const char *unit, bool *first)
{
    if (n == 0)
        return;
    buf_fmt(
        out, "%s%lld %s%s", *first ? "" : " ", (long long)n, unit, n == 1 || n == -1 ? "" : "s");
    *first = false;
}

/* "1 year 2 months 3 days 04:05:06". */
static void print_interval(struct buf *out, duckdb_interval interval)
{
    bool first = true;
    print_count(out, interval.months / 12, "year", &first);
    print_count(out, interval.months % 12, "month", &first);
    print_count(out, interval.days, "day", &first);
    if (interval.micros == 0 && !first)
        return;
    if (!first)
        buf_char(out, ' ');
    if (interval.micros < 0)
        buf_char(out, '-');
    print_clock(out, interval.micros < 0 ? -interval.micros : interval.micros, 1000000);
}

static void print_uuid(struct buf *out, duckdb_hugeint n)
{
    uint64_t high = (uint64_t)n.upper ^
                    ((uint64_t)1 << 63); /* stored with its first bit turned, to sort well */
    buf_fmt(out,
            "%08x-%04x-%04x-%04x-%012llx",
            (unsigned)(high >> 32),
            (unsigned)(high >> 16 & 0xFFFF),
            (unsigned)(high & 0xFFFF),
            (unsigned)(n.lower >> 48),
            (unsigned long long)(n.lower & 0xFFFFFFFFFFFF));
}

static void print_base64(struct buf *out, str blob)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < blob.len; i += 3) {
        unsigned three = 0;
        size_t n = blob.len - i < 3 ? blob.len - i : 3;
        for (size_t j = 0; j < 3; j++)
            three = three << 8 | (j < n ? (unsigned char)blob.at[i + j] : 0u);
        for (size_t j = 0; j < 4; j++)
            buf_char(out, j <= n ? digits[three >> (18 - 6 * j) & 63] : '=');
    }
}

static str string_at(const void *data, idx_t row)
{
    duckdb_string_t *s = (duckdb_string_t *)data + row;
    return (str){duckdb_string_t_data(s), duckdb_string_t_length(*s)};
}

static size_t enum_index(const struct shape *shape, const void *data, idx_t row)
{
    if (shape->inside == DUCKDB_TYPE_UTINYINT)
        return ((const uint8_t *)data)[row];
    if (shape->inside == DUCKDB_TYPE_USMALLINT)
        return ((const uint16_t *)data)[row];
    return ((const uint32_t *)data)[row];
}

static str text_at(const struct shape *shape, const void *data, idx_t row)
{
    if (shape->id != DUCKDB_TYPE_ENUM)
        return string_at(data, row);
    size_t i = enum_index(shape, data, row);
    return i < shape->n ? shape->names[i] : STR("");
}

/* Integers of up to 64 bits; false: it is another type. */
static bool print_integer(struct buf *out, const struct shape *shape, const void *data, idx_t row)
{
    switch (shape->id) {
    case DUCKDB_TYPE_TINYINT:
        buf_i64(out, ((const int8_t *)data)[row]);
        return true;
    case DUCKDB_TYPE_SMALLINT:
        buf_i64(out, ((const int16_t *)data)[row]);
        return true;
    case DUCKDB_TYPE_INTEGER:
        buf_i64(out, ((const int32_t *)data)[row]);
        return true;
    case DUCKDB_TYPE_BIGINT:
        buf_i64(out, ((const int64_t *)data)[row]);
        return true;
    case DUCKDB_TYPE_UTINYINT:
        buf_i64(out, ((const uint8_t *)data)[row]);
        return true;
    case DUCKDB_TYPE_USMALLINT:
        buf_i64(out, ((const uint16_t *)data)[row]);
        return true;
    case DUCKDB_TYPE_UINTEGER:
        buf_i64(out, ((const uint32_t *)data)[row]);
        return true;
    case DUCKDB_TYPE_UBIGINT:
        print_digits(out, false, ((const uint64_t *)data)[row], 0);
        return true;
    default:
        return false;
    }
}

static bool print_time(struct buf *out, const struct shape *shape, const void *data, idx_t row)
{
    const int64_t *units = data;
    int32_t day;
    switch (shape->id) {
    case DUCKDB_TYPE_DATE:
        day = ((const int32_t *)data)[row];
        if (day == INT32_MAX || day == -INT32_MAX)
            print_infinite(out, day < 0);
        else
            print_date(out, day);
        return true;
    case DUCKDB_TYPE_TIME:
        print_clock(out, units[row], 1000000);
        return true;
    case DUCKDB_TYPE_TIME_NS:
        print_clock(out, units[row], 1000000000);
        return true;
    case DUCKDB_TYPE_TIME_TZ:
        print_time_tz(out, ((const duckdb_time_tz *)data)[row]);
        return true;
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        print_timestamp(out, units[row], 1000000, shape->id == DUCKDB_TYPE_TIMESTAMP_TZ);
        return true;
    case DUCKDB_TYPE_TIMESTAMP_S:
        print_timestamp(out, units[row], 1, false);
        return true;
    case DUCKDB_TYPE_TIMESTAMP_MS:
        print_timestamp(out, units[row], 1000, false);
        return true;
    case DUCKDB_TYPE_TIMESTAMP_NS:
        print_timestamp(out, units[row], 1000000000, false);
        return true;
    case DUCKDB_TYPE_INTERVAL:
        print_interval(out, ((const duckdb_interval *)data)[row]);
        return true;
    default:
        return false;
    }
}

/* Types whose text is plain: letters, digits and marks that JSON needs no escapes for. */
static void print_plain(struct buf *out, const struct shape *shape, const void *data, idx_t row)
{
    if (print_integer(out, shape, data, row) || print_time(out, shape, data, row))
        return;
    switch (shape->id) {
    case DUCKDB_TYPE_BOOLEAN:
        buf_add(out, ((const bool *)data)[row] ? STR("true") : STR("false"));
        break;
    case DUCKDB_TYPE_FLOAT:
        print_real(out, (double)((const float *)data)[row], true);
        break;
    case DUCKDB_TYPE_DOUBLE:
        print_real(out, ((const double *)data)[row], false);
        break;
    case DUCKDB_TYPE_DECIMAL:
        print_decimal(out, shape, data, row);
        break;
    case DUCKDB_TYPE_HUGEINT:
        print_signed(out, hugeint(((const duckdb_hugeint *)data)[row]), 0);
        break;
    case DUCKDB_TYPE_UHUGEINT:
        print_digits(
            out, false, (unsigned __int128)hugeint(((const duckdb_hugeint *)data)[row]), 0);
        break;
    case DUCKDB_TYPE_UUID:
        print_uuid(out, ((const duckdb_hugeint *)data)[row]);
        break;
    default:
        print_base64(out, string_at(data, row));
    }
}

static void print_list(struct buf *out, const struct shape *child, duckdb_vector vector, idx_t from,
                       idx_t n)
{
    buf_char(out, '[');
    for (idx_t i = 0; i < n; i++) {
        if (i)
            buf_char(out, ',');
        cell_json(out, child, vector, from + i);
    }
    buf_char(out, ']');
}

static void print_struct(struct buf *out, const struct shape *shape, duckdb_vector vector,
                         idx_t row)
{
    buf_char(out, '{');
    for (size_t i = 0; i < shape->n; i++) {
        if (i)
            buf_char(out, ',');
        json_print_str(out, shape->names[i]);
        buf_char(out, ':');
        cell_json(out, &shape->children[i], duckdb_struct_vector_get_child(vector, i), row);
    }
    buf_char(out, '}');
}

/* An object when its keys are texts, else a list of {"key", "value"}. */
static void print_map(struct buf *out, const struct shape *shape, duckdb_vector vector,
                      duckdb_list_entry entry)
{
    duckdb_vector pairs = duckdb_list_vector_get_child(vector);
    duckdb_vector keys = duckdb_struct_vector_get_child(pairs, 0),
                  values = duckdb_struct_vector_get_child(pairs, 1);
    bool object =
        shape->children[0].id == DUCKDB_TYPE_VARCHAR || shape->children[0].id == DUCKDB_TYPE_ENUM;
    buf_char(out, object ? '{' : '[');
    for (idx_t i = entry.offset; i < entry.offset + entry.length; i++) {
        if (i > entry.offset)
            buf_char(out, ',');
        if (object)
            json_print_str(out, text_at(&shape->children[0], duckdb_vector_get_data(keys), i));
        else {
            buf_add(out, STR("{\"key\":"));
            cell_json(out, &shape->children[0], keys, i);
            buf_add(out, STR(",\"value\""));
        }
        buf_char(out, ':');
        cell_json(out, &shape->children[1], values, i);
        if (!object)
            buf_char(out, '}');
    }
    buf_char(out, object ? '}' : ']');
}

/* A union is stored as a struct whose first member says which of the others it is. */
static void print_union(struct buf *out, const struct shape *shape, duckdb_vector vector, idx_t row)
{
    const uint8_t *tags = duckdb_vector_get_data(duckdb_struct_vector_get_child(vector, 0));
    if (tags[row] < shape->n)
        cell_json(out,
                  &shape->children[tags[row]],
                  duckdb_struct_vector_get_child(vector, tags[row] + 1u),
                  row);
    else
        buf_add(out, STR("null"));
}

/* False: it is not one of the types that hold others. */
static bool print_nested(struct buf *out, const struct shape *shape, duckdb_vector vector,
                         idx_t row)
{
    switch (shape->id) {
    case DUCKDB_TYPE_LIST: {
        duckdb_list_entry entry = ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row];
        print_list(
            out, shape->children, duckdb_list_vector_get_child(vector), entry.offset, entry.length);
        return true;
    }
    case DUCKDB_TYPE_ARRAY:
        print_list(out,
                   shape->children,
                   duckdb_array_vector_get_child(vector),
                   row * shape->size,
                   shape->size);
        return true;
    case DUCKDB_TYPE_MAP:
        print_map(out, shape, vector, ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row]);
        return true;
    case DUCKDB_TYPE_STRUCT:
        print_struct(out, shape, vector, row);
        return true;
    case DUCKDB_TYPE_UNION:
        print_union(out, shape, vector, row);
        return true;
    default:
        return false;
    }
}

/* May it stand in JSON as a number or as true and false? */
static bool is_bare(const struct shape *shape, const void *data, idx_t row)
{
    switch (shape->id) {
    case DUCKDB_TYPE_BIGINT: {
        int64_t n = ((const int64_t *)data)[row];
        return n >= -EXACT_MAX && n <= EXACT_MAX;
    }
    case DUCKDB_TYPE_FLOAT:
        return isfinite(((const float *)data)[row]) != 0;
    case DUCKDB_TYPE_DOUBLE:
        return isfinite(((const double *)data)[row]) != 0;
    case DUCKDB_TYPE_UBIGINT:
        return false;
    default:
        return shape->id >= DUCKDB_TYPE_BOOLEAN && shape->id <= DUCKDB_TYPE_UINTEGER;
    }
}

static bool is_text(const struct shape *shape)
{
    return shape->id == DUCKDB_TYPE_VARCHAR || shape->id == DUCKDB_TYPE_ENUM;
}

void cell_json(struct buf *out, const struct shape *shape, duckdb_vector vector, idx_t row)
{
    if (cell_is_null(vector, row) || shape->id == DUCKDB_TYPE_SQLNULL) {
        buf_add(out, STR("null"));
        return;
    }
    if (print_nested(out, shape, vector, row))
        return;
    const void *data = duckdb_vector_get_data(vector);
    if (shape->is_json && json_text_add(out, string_at(data, row)))
        return;
    if (is_text(shape)) {
        json_print_str(out, text_at(shape, data, row));
        return;
    }
    bool bare = is_bare(shape, data, row);
    if (!bare)
        buf_char(out, '"');
    print_plain(out, shape, data, row);
    if (!bare)
        buf_char(out, '"');
}

void cell_text(struct buf *out, const struct shape *shape, duckdb_vector vector, idx_t row)
{
    if (cell_is_null(vector, row) || shape->id == DUCKDB_TYPE_SQLNULL ||
        print_nested(out, shape, vector, row))
        return;
    const void *data = duckdb_vector_get_data(vector);
    if (is_text(shape))
        buf_add(out, text_at(shape, data, row));
    else
        print_plain(out, shape, data, row);
}
