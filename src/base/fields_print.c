/* Printing structs as JSON by their field tables. */
#include <math.h>
#include <stdio.h>

#include "base/fields.h"
#include "base/time.h"

static void print_escaped(struct buf *out, unsigned char c)
{
    switch (c) {
    case '"':
        buf_add(out, STR("\\\""));
        break;
    case '\\':
        buf_add(out, STR("\\\\"));
        break;
    case '\n':
        buf_add(out, STR("\\n"));
        break;
    case '\r':
        buf_add(out, STR("\\r"));
        break;
    case '\t':
        buf_add(out, STR("\\t"));
        break;
    default:
        buf_fmt(out, "\\u%04x", c);
    }
}

/* Length of what can be copied as it is from `at`. */
static size_t plain_length(str s, size_t at)
{
    size_t i = at;
    while (i < s.len) {
        unsigned char c = (unsigned char)s.at[i];
        if (c < ' ' || c == '"' || c == '\\')
            break;
        size_t n = c < 0x80 ? 1 : str_utf8_next(s, i);
        if (n == 0)
            break;
        i += n;
    }
    return i - at;
}

void json_print_str(struct buf *out, str s)
{
    buf_char(out, '"');
    for (size_t i = 0; i < s.len;) {
        size_t n = plain_length(s, i);
        buf_add(out, str_sub(s, i, n));
        i += n;
        if (i == s.len)
            break;
        unsigned char c = (unsigned char)s.at[i++];
        if (c < 0x80)
            print_escaped(out, c);
        else
            buf_add(out, STR("\xEF\xBF\xBD"));
    }
    buf_char(out, '"');
}

static void print_time(struct buf *out, int64_t us)
{
    char text[TIME_TEXT];
    if (us == 0)
        buf_add(out, STR("null"));
    else
        json_print_str(out, time_text(us, text));
}

static void print_real(struct buf *out, double value)
{
    if (!isfinite(value)) {
        buf_add(out, STR("null"));
        return;
    }
    /* The shortest text that reads back as the same number. */
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        double again;
        if (sscanf(text, "%lf", &again) == 1 && again == value)
            break;
    }
    buf_add(out, str_of(text));
}

static void print_text(struct buf *out, str s, bool raw)
{
    if (!s.at)
        buf_add(out, STR("null"));
    else if (raw)
        buf_add(out, s);
    else
        json_print_str(out, s);
}

static void print_strs(struct buf *out, const struct strs *list)
{
    buf_char(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        buf_add(out, i ? STR(", ") : STR(""));
        json_print_str(out, list->at[i]);
    }
    buf_char(out, ']');
}

static void print_ints(struct buf *out, const struct ints *list)
{
    buf_char(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        buf_add(out, i ? STR(", ") : STR(""));
        buf_i64(out, list->at[i]);
    }
    buf_char(out, ']');
}

static void print_value(struct buf *out, const struct field *field, const void *at)
{
    switch (field->type) {
    case FIELD_STR:
    case FIELD_JSON:
        print_text(out, *(const str *)at, field->type == FIELD_JSON);
        break;
    case FIELD_INT:
        if ((field->flags & FIELD_NULLABLE) && *(const int64_t *)at == 0)
            buf_add(out, STR("null"));
        else
            buf_i64(out, *(const int64_t *)at);
        break;
    case FIELD_REAL:
        print_real(out, *(const double *)at);
        break;
    case FIELD_BOOL:
        buf_add(out, *(const bool *)at ? STR("true") : STR("false"));
        break;
    case FIELD_TIME:
        print_time(out, *(const int64_t *)at);
        break;
    case FIELD_STRS:
        print_strs(out, at);
        break;
    case FIELD_INTS:
        print_ints(out, at);
        break;
    case FIELD_OBJECT:
        fields_print(out, field->of, at);
        break;
    case FIELD_LIST:
        fields_print_list(out, field->of, field->of_size, *(const struct list *)at);
        break;
    case FIELD_END:
        break;
    }
}

static bool is_absent(const struct field *field, const void *at)
{
    switch (field->type) {
    case FIELD_STR:
    case FIELD_JSON:
        return !((const str *)at)->at;
    case FIELD_INT:
    case FIELD_TIME:
        return *(const int64_t *)at == 0;
    case FIELD_REAL:
        return *(const double *)at == 0;
    case FIELD_BOOL:
        return !*(const bool *)at;
    case FIELD_STRS:
        return ((const struct strs *)at)->n == 0;
    case FIELD_INTS:
        return ((const struct ints *)at)->n == 0;
    case FIELD_LIST:
        return ((const struct list *)at)->n == 0;
    default:
        return false;
    }
}

void fields_print(struct buf *out, const struct field *fields, const void *from)
{
    bool first = true;
    buf_char(out, '{');
    for (const struct field *field = fields; field->type != FIELD_END; field++) {
        const void *at = (const char *)from + field->offset;
        if ((field->flags & FIELD_HIDDEN) || ((field->flags & FIELD_OMIT) && is_absent(field, at)))
            continue;
        buf_add(out, first ? STR("\"") : STR(", \""));
        buf_add(out, str_of(field->name));
        buf_add(out, STR("\": "));
        print_value(out, field, at);
        first = false;
    }
    buf_char(out, '}');
}

void fields_print_list(struct buf *out, const struct field *fields, size_t size, struct list list)
{
    buf_char(out, '[');
    for (size_t i = 0; i < list.n; i++) {
        buf_add(out, i ? STR(", ") : STR(""));
        fields_print(out, fields, (const char *)list.at + i * size);
    }
    buf_char(out, ']');
}
