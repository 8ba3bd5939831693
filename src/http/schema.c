/* Field tables as JSON Schema, and in words. */
#include "http/schema.h"

#define DEPTH_MAX 8      /* of tables within tables */
#define LENGTH_MAX 10000 /* of texts and lists, when a table sets none */

static void comma(struct buf *out)
{
    char last = out->len ? out->at[out->len - 1] : '[';
    if (last != '{' && last != '[' && last != ':')
        buf_char(out, ',');
}

void put_open(struct buf *out, char bracket)
{
    comma(out);
    buf_char(out, bracket);
}

void put_key(struct buf *out, const char *key)
{
    comma(out);
    json_print_str(out, str_of(key));
    buf_char(out, ':');
}

void put_member(struct buf *out, const char *key, const char *value)
{
    put_key(out, key);
    json_print_str(out, str_of(value));
}

static void number_member(struct buf *out, const char *key, int64_t value)
{
    put_key(out, key);
    buf_i64(out, value);
}

/* What JSON calls it; NULL: anything. */
static const char *type_name(enum field_type type)
{
    switch (type) {
    case FIELD_STR:
    case FIELD_TIME:
        return "string";
    case FIELD_INT:
        return "integer";
    case FIELD_REAL:
        return "number";
    case FIELD_BOOL:
        return "boolean";
    case FIELD_STRS:
    case FIELD_INTS:
    case FIELD_LIST:
        return "array";
    case FIELD_OBJECT:
        return "object";
    case FIELD_JSON:
    case FIELD_END:
        break;
    }
    return NULL;
}

/* Printed as null when absent: texts and times, numbers that say so. */
static bool may_be_null(const struct field *field, enum schema_use use)
{
    if (use != SCHEMA_OUTPUT)
        return !(field->flags & FIELD_REQUIRED) && (field->flags & FIELD_NULLABLE);
    bool absent =
        field->type == FIELD_STR || field->type == FIELD_TIME || field->type == FIELD_REAL;
    return (absent && !(field->flags & (FIELD_REQUIRED | FIELD_OMIT))) ||
           (field->flags & FIELD_NULLABLE);
}

static void type_print(struct buf *out, const struct field *field, enum schema_use use)
{
    const char *name = type_name(field->type);
    bool lenient =
        (field->flags & FIELD_LENIENT) && use != SCHEMA_OUTPUT && field->type != FIELD_INTS;
    bool null = may_be_null(field, use);
    if (!name) {
        if (field->schema) {
            comma(out);
            buf_add(out, str_of(field->schema));
        }
        return;
    }
    if (!lenient && !null) {
        put_member(out, "type", name);
        return;
    }
    put_key(out, "type");
    buf_fmt(out, "[\"%s\"%s%s]", name, lenient ? ",\"string\"" : "", null ? ",\"null\"" : "");
}

/* As fields.h has it: equal bounds are none, and a lower one stands alone when it is above the
 * upper. */
static void number_range_print(struct buf *out, const struct field *field)
{
    if (field->min == field->max)
        return;
    number_member(out, "minimum", field->min);
    if (field->max > field->min)
        number_member(out, "maximum", field->max);
}

static void length_print(struct buf *out, const struct field *field, const char *min,
                         const char *max)
{
    if (field->min > 0)
        number_member(out, min, field->min);
    number_member(out, max, field->max > 0 ? field->max : LENGTH_MAX);
}

static void choices_print(struct buf *out, const struct field *field, enum schema_use use)
{
    put_key(out, "enum");
    put_open(out, '[');
    for (size_t i = 0; field->choices[i]; i++) {
        comma(out);
        json_print_str(out, str_of(field->choices[i]));
    }
    buf_add(out, may_be_null(field, use) ? STR(",null]") : STR("]"));
}

static void object_print(struct buf *out, const struct field *fields, enum schema_use use,
                         int depth);

static void items_print(struct buf *out, const struct field *field, enum schema_use use, int depth)
{
    put_key(out, "items");
    put_open(out, '{');
    if (field->type == FIELD_LIST)
        object_print(out, field->of, use, depth + 1);
    else if (field->type == FIELD_INTS && (field->flags & FIELD_LENIENT) && use != SCHEMA_OUTPUT)
        buf_add(out, STR("\"type\":[\"integer\",\"string\"]"));
    else
        put_member(out, "type", field->type == FIELD_INTS ? "integer" : "string");
    buf_char(out, '}');
}

static void bounds_print(struct buf *out, const struct field *field, enum schema_use use, int depth)
{
    bool in = use != SCHEMA_OUTPUT;
    switch (field->type) {
    case FIELD_STR:
        if (field->choices)
            choices_print(out, field, use);
        else if (in)
            length_print(out, field, "minLength", "maxLength");
        break;
    case FIELD_INT:
        put_member(out, "format", "int64");
        if (in)
            number_range_print(out, field);
        break;
    case FIELD_TIME:
        put_member(out, "format", "date-time");
        break;
    case FIELD_STRS:
    case FIELD_INTS:
    case FIELD_LIST:
        items_print(out, field, use, depth);
        if (in)
            length_print(out, field, "minItems", "maxItems");
        break;
    default:
        break;
    }
}

static void field_print(struct buf *out, const struct field *field, enum schema_use use, int depth)
{
    if (field->type == FIELD_OBJECT)
        object_print(out, field->of, use, depth + 1);
    else
        type_print(out, field, use);
    bounds_print(out, field, use, depth);
}

bool schema_is_file(const struct field *field)
{
    return field->type == FIELD_STR && str_eq(str_of(field->name), STR("file"));
}

const struct field *schema_file(const struct field *fields)
{
    for (const struct field *field = fields; field && field->type != FIELD_END; field++) {
        if (schema_is_file(field))
            return field;
    }
    return NULL;
}

static void file_print(struct buf *out, const char *help)
{
    put_key(out, "file");
    put_open(out, '{');
    put_member(out, "type", "string");
    put_member(out, "format", "binary");
    put_member(out, "contentMediaType", "application/octet-stream");
    put_member(out, "description", help ? help : "The file itself");
    buf_char(out, '}');
}

static bool is_shown(const struct field *field, enum schema_use use, int depth)
{
    if (use == SCHEMA_OUTPUT)
        return !(field->flags & FIELD_HIDDEN);
    return use == SCHEMA_INPUT || depth > 0 || !schema_is_file(field);
}

static bool is_always_there(const struct field *field, enum schema_use use, int depth)
{
    bool always =
        use == SCHEMA_OUTPUT ? !(field->flags & FIELD_OMIT) : (field->flags & FIELD_REQUIRED) != 0;
    return always && is_shown(field, use, depth);
}

static void required_print(struct buf *out, const struct field *fields, enum schema_use use,
                           int depth)
{
    bool file = use == SCHEMA_FORM && depth == 0, any = file;
    for (const struct field *field = fields; field->type != FIELD_END; field++)
        any = any || is_always_there(field, use, depth);
    if (!any)
        return;
    put_key(out, "required");
    put_open(out, '[');
    if (file)
        json_print_str(out, STR("file"));
    for (const struct field *field = fields; field->type != FIELD_END; field++) {
        if (!is_always_there(field, use, depth))
            continue;
        comma(out);
        json_print_str(out, str_of(field->name));
    }
    buf_char(out, ']');
}

static void properties_print(struct buf *out, const struct field *fields, enum schema_use use,
                             int depth)
{
    const struct field *file = schema_file(fields);
    put_key(out, "properties");
    put_open(out, '{');
    if (use == SCHEMA_FORM && depth == 0)
        file_print(out, file ? file->help : NULL);
    for (const struct field *field = fields; field->type != FIELD_END; field++) {
        if (!is_shown(field, use, depth))
            continue;
        put_key(out, field->name);
        put_open(out, '{');
        field_print(out, field, use, depth);
        if (field->help)
            put_member(out, "description", field->help);
        buf_char(out, '}');
    }
    buf_char(out, '}');
}

/* The members of a schema, without its braces. */
static void object_print(struct buf *out, const struct field *fields, enum schema_use use,
                         int depth)
{
    static const struct field none[] = {FIELD_LAST};
    put_member(out, "type", "object");
    if ((!fields && use != SCHEMA_FORM) || depth > DEPTH_MAX)
        return;
    fields = fields ? fields : none;
    properties_print(out, fields, use, depth);
    required_print(out, fields, use, depth);
    if (use != SCHEMA_OUTPUT)
        buf_add(out, STR(",\"additionalProperties\":false"));
}

void schema_print(struct buf *out, const struct field *fields, enum schema_use use)
{
    put_open(out, '{');
    object_print(out, fields, use, 0);
    buf_char(out, '}');
}

void schema_print_field(struct buf *out, const struct field *field, enum schema_use use)
{
    put_open(out, '{');
    field_print(out, field, use, 0);
    buf_char(out, '}');
}

static void choices_tell(struct buf *out, const struct field *field)
{
    for (size_t i = 0; field->choices[i]; i++)
        buf_fmt(out, "%s\"%s\"", i ? ", " : "one of ", field->choices[i]);
}

static void range_tell(struct buf *out, const struct field *field)
{
    const char *unit = field->type == FIELD_STR ? " bytes" : "";
    long long min = field->min, max = field->max;
    if (min < max && (min || field->type == FIELD_INT))
        buf_fmt(out, ", %lld to %lld%s", min, max, unit);
    else if (min < max)
        buf_fmt(out, ", at most %lld%s", max, unit);
    else if (min > max)
        buf_fmt(out, ", at least %lld%s", min, unit);
}

void schema_tell(struct buf *out, const struct field *field)
{
    static const char *const words[] = {
        [FIELD_END] = "",
        [FIELD_STR] = "text",
        [FIELD_INT] = "integer",
        [FIELD_REAL] = "number",
        [FIELD_BOOL] = "true or false",
        [FIELD_TIME] = "time, ISO 8601",
        [FIELD_JSON] = "any JSON",
        [FIELD_STRS] = "list of texts",
        [FIELD_INTS] = "list of integers",
        [FIELD_OBJECT] = "object",
        [FIELD_LIST] = "list of objects",
    };
    if (field->type == FIELD_STR && field->choices) {
        choices_tell(out, field);
        return;
    }
    buf_add(out, str_of(words[field->type]));
    range_tell(out, field);
    if (field->type != FIELD_OBJECT && field->type != FIELD_LIST)
        return;
    const char *between = " of ";
    for (const struct field *of = field->of; of && of->type != FIELD_END; of++) {
        buf_fmt(out, "%s%s", between, of->name);
        between = ", ";
    }
}
