/*
 * Parsing and validating JSON objects and query strings by field tables.
 *
 * All that is wrong with an input is collected in one JSON object {field: [texts]} (struct
 * problems), so that a person mends it in one go. A nested field is named by its path:
 * "columns[2].column_type".
 */
#include "base/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_tree.h"
#include "base/time.h"

#define TEXT_MAX 10000
#define LIST_MAX 10000
#define PROBLEMS_MAX 100
#define ERRORS_MAX (64 * 1024)

struct problems {
    struct arena *mem;
    struct buf errors;
    size_t n;
    str source; /* the JSON text, or absent */
};

struct place {
    const struct place *outer;
    const char *name;
    long index; /* -1: none */
};

static void problems_done(struct problems *problems)
{
    buf_done(&problems->errors);
}

static void problem_name(struct buf *out, const struct place *place)
{
    if (place->outer) {
        problem_name(out, place->outer);
        if (place->name)
            buf_char(out, '.');
    }
    if (place->name)
        buf_add(out, str_of(place->name));
    if (place->index >= 0)
        buf_fmt(out, "[%ld]", place->index);
}

static void problem_add(struct problems *problems, const struct place *place, str text)
{
    if (problems->n >= PROBLEMS_MAX)
        return;
    CLEANUP(buf_done) struct buf name;
    buf_init(&name, 1024);
    problem_name(&name, place);
    buf_add(&problems->errors, problems->n++ ? STR(", ") : STR("{"));
    json_print_str(&problems->errors, buf_str(&name));
    buf_add(&problems->errors, STR(": ["));
    json_print_str(&problems->errors, text);
    buf_char(&problems->errors, ']');
}

static err problems_err(struct problems *problems)
{
    if (problems->n == 0)
        return NULL;
    buf_char(&problems->errors, '}');
    if (problems->errors.failed)
        return &err_no_memory;
    str detail = problems->n == 1
                     ? STR("One field is not right.")
                     : str_fmt(problems->mem, "%zu fields are not right.", problems->n);
    return err_with(problems->mem,
                    422,
                    "invalid_fields",
                    detail,
                    str_copy(problems->mem, buf_str(&problems->errors)));
}

err field_err(struct arena *mem, const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_fmt_list(mem, format, args);
    va_end(args);
    CLEANUP(buf_done) struct buf errors;
    buf_init(&errors, 16 * 1024);
    buf_char(&errors, '{');
    json_print_str(&errors, str_of(field));
    buf_add(&errors, STR(": ["));
    json_print_str(&errors, text);
    buf_add(&errors, STR("]}"));
    if (errors.failed)
        return &err_no_memory;
    str detail = str_fmt(mem, "%s: %.*s", field, STR_ARGS(text));
    return err_with(mem, 422, "invalid_fields", detail, str_copy(mem, buf_str(&errors)));
}

static void *member(const struct field *field, void *into)
{
    return (char *)into + field->offset;
}

static bool ranged(const struct field *field)
{
    return field->min != field->max;
}

static bool int_check(struct problems *problems, const struct place *place,
                      const struct field *field, int64_t value)
{
    if (!ranged(field) || (value >= field->min && (field->max < field->min || value <= field->max)))
        return true;
    str text = field->max < field->min
                   ? str_fmt(problems->mem, "Must be at least %lld.", (long long)field->min)
                   : str_fmt(problems->mem,
                             "Must be from %lld to %lld.",
                             (long long)field->min,
                             (long long)field->max);
    problem_add(problems, place, text);
    return false;
}

static bool choice_check(struct problems *problems, const struct place *place,
                         const struct field *field, str value)
{
    if (!field->choices)
        return true;
    CLEANUP(buf_done) struct buf text;
    buf_init(&text, 4096);
    buf_add(&text, STR("Must be one of: "));
    for (const char *const *choice = field->choices; *choice; choice++) {
        if (str_eq(value, str_of(*choice)))
            return true;
        buf_add(&text, choice == field->choices ? STR("") : STR(", "));
        buf_add(&text, str_of(*choice));
    }
    problem_add(problems, place, buf_str(&text));
    return false;
}

static bool text_check(struct problems *problems, const struct place *place,
                       const struct field *field, str value)
{
    size_t max = field->max > 0 ? (size_t)field->max : TEXT_MAX;
    str wrong = {0};
    if (value.len > max)
        wrong =
            str_fmt(problems->mem, "Must be at most %zu bytes long, this is %zu.", max, value.len);
    else if (field->min > 0 && value.len == 0)
        wrong = STR("May not be empty.");
    else if (field->min > 0 && value.len < (size_t)field->min)
        wrong = str_fmt(problems->mem, "Must be at least %lld bytes long.", (long long)field->min);
    else if (!str_utf8_ok(value))
        wrong = STR("Must be UTF-8 text without NUL.");
    if (wrong.at)
        problem_add(problems, place, wrong);
    return !wrong.at && choice_check(problems, place, field, value);
}

/* A value that came as text: all of a query string, and JSON strings for what may be lenient. */
static void take_text(struct problems *problems, const struct place *place,
                      const struct field *field, str value, void *at)
{
    int64_t number = 0;
    switch (field->type) {
    case FIELD_STR:
        if (text_check(problems, place, field, value))
            *(str *)at = str_copy(problems->mem, value);
        return;
    case FIELD_INT:
        if (!str_i64(value, &number))
            problem_add(problems, place, STR("Must be a whole number."));
        else if (int_check(problems, place, field, number))
            *(int64_t *)at = number;
        return;
    case FIELD_TIME:
        if (!time_parse(value, &number))
            problem_add(problems, place, STR("Must be a time such as 2026-11-21T11:02:03Z."));
        else
            *(int64_t *)at = number;
        return;
    case FIELD_BOOL:
        if (str_eq(value, STR("true")) || str_eq(value, STR("1")))
            *(bool *)at = true;
        else if (str_eq(value, STR("false")) || str_eq(value, STR("0")))
            *(bool *)at = false;
        else
            problem_add(problems, place, STR("Must be true or false."));
        return;
    case FIELD_REAL: {
        char *end, *text = str_c(problems->mem, value);
        double real = strtod(text, &end);
        if (value.len == 0 || *end || (size_t)(end - text) != value.len || !isfinite(real))
            problem_add(problems, place, STR("Must be a number."));
        else
            *(double *)at = real;
        return;
    }
    default:
        problem_add(problems, place, STR("Can't be given here."));
    }
}

static void take_value(struct problems *problems, const struct place *place,
                       const struct field *field, json_t *value, void *at);
static void take_object(struct problems *problems, const struct place *outer,
                        const struct field *fields, json_t *object, void *into);

static void take_strs(struct problems *problems, const struct place *place,
                      const struct field *field, json_t *value, struct strs *list)
{
    static const struct field item = {.type = FIELD_STR};
    size_t n = json_array_size(value);
    list->at = arena_array(problems->mem, n, sizeof(str));
    list->n = list->at ? n : 0;
    for (size_t i = 0; i < list->n; i++) {
        struct place here = {place, NULL, (long)i};
        struct field with = item;
        with.choices = field->choices;
        take_value(problems, &here, &with, json_array_get(value, i), &list->at[i]);
    }
}

static void take_ints(struct problems *problems, const struct place *place,
                      const struct field *field, json_t *value, struct ints *list)
{
    size_t n = json_array_size(value);
    list->at = arena_array(problems->mem, n, sizeof(int64_t));
    list->n = list->at ? n : 0;
    for (size_t i = 0; i < list->n; i++) {
        struct place here = {place, NULL, (long)i};
        struct field item = {.type = FIELD_INT, .flags = field->flags & FIELD_LENIENT};
        take_value(problems, &here, &item, json_array_get(value, i), &list->at[i]);
    }
}

static void take_objects(struct problems *problems, const struct place *place,
                         const struct field *field, json_t *value, struct list *list)
{
    size_t n = json_array_size(value);
    list->at = arena_array(problems->mem, n, field->of_size);
    list->n = list->at ? n : 0;
    for (size_t i = 0; i < list->n; i++) {
        struct place here = {place, NULL, (long)i};
        json_t *item = json_array_get(value, i);
        if (json_is_object(item))
            take_object(problems, &here, field->of, item, (char *)list->at + i * field->of_size);
        else
            problem_add(problems, &here, STR("Must be an object."));
    }
}

static void take_list(struct problems *problems, const struct place *place,
                      const struct field *field, json_t *value, void *at)
{
    size_t n = json_array_size(value), max = field->max > 0 ? (size_t)field->max : LIST_MAX;
    if (!json_is_array(value))
        problem_add(problems, place, STR("Must be a list."));
    else if (n > max)
        problem_add(problems, place, str_fmt(problems->mem, "May have at most %zu entries.", max));
    else if (n < (size_t)field->min)
        problem_add(problems,
                    place,
                    str_fmt(problems->mem,
                            "Must have at least %lld %s.",
                            (long long)field->min,
                            field->min == 1 ? "entry" : "entries"));
    else if (field->type == FIELD_STRS)
        take_strs(problems, place, field, value, at);
    else if (field->type == FIELD_INTS)
        take_ints(problems, place, field, value, at);
    else
        take_objects(problems, place, field, value, at);
}

/* The text as it was sent where that can be had, so that numbers keep all their digits. */
static void take_json(struct problems *problems, const struct place *place, json_t *value, str *at)
{
    str sent = place->outer ? (str){0} : json_member(problems->source, str_of(place->name));
    char *text = sent.at
                     ? NULL
                     : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    *at = str_copy(problems->mem, sent.at ? sent : str_of(text));
    free(text);
    if (!at->at)
        problems->mem->failed = true;
}

static void take_number(struct problems *problems, const struct place *place,
                        const struct field *field, json_t *value, void *at)
{
    if (field->type == FIELD_REAL && json_is_number(value))
        *(double *)at = json_number_value(value);
    else if (field->type == FIELD_REAL)
        problem_add(problems, place, STR("Must be a number."));
    else if (!json_is_integer(value))
        problem_add(problems, place, STR("Must be a whole number."));
    else if (int_check(problems, place, field, json_integer_value(value)))
        *(int64_t *)at = json_integer_value(value);
}

static void take_value(struct problems *problems, const struct place *place,
                       const struct field *field, json_t *value, void *at)
{
    str text = json_is_string(value) ? (str){json_string_value(value), json_string_length(value)}
                                     : (str){0};
    bool as_text = text.at && ((field->flags & FIELD_LENIENT) || field->type == FIELD_STR ||
                               field->type == FIELD_TIME);
    switch (field->type) {
    case FIELD_INT:
    case FIELD_REAL:
        if (as_text)
            take_text(problems, place, field, text, at);
        else
            take_number(problems, place, field, value, at);
        break;
    case FIELD_BOOL:
        if (json_is_boolean(value))
            *(bool *)at = json_is_true(value);
        else if (as_text)
            take_text(problems, place, field, text, at);
        else
            problem_add(problems, place, STR("Must be true or false."));
        break;
    case FIELD_STR:
    case FIELD_TIME:
        if (as_text)
            take_text(problems, place, field, text, at);
        else
            problem_add(problems, place, STR("Must be text."));
        break;
    case FIELD_OBJECT:
        if (json_is_object(value))
            take_object(problems, place, field->of, value, at);
        else
            problem_add(problems, place, STR("Must be an object."));
        break;
    case FIELD_JSON:
        take_json(problems, place, value, at);
        break;
    default:
        take_list(problems, place, field, value, at);
    }
}

static void mark_given(const struct field *field, void *into)
{
    if (field->given)
        *(bool *)((char *)into + field->given) = true;
}

static const struct field *field_named(const struct field *fields, str name)
{
    for (const struct field *field = fields; field->type != FIELD_END; field++) {
        if (str_eq(str_of(field->name), name))
            return field;
    }
    return NULL;
}

static void take_object(struct problems *problems, const struct place *outer,
                        const struct field *fields, json_t *object, void *into)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        struct place here = {outer, key, -1};
        const struct field *field = field_named(fields, str_of(key));
        if (!field) {
            problem_add(problems, &here, STR("Is not a field of this request."));
        } else if (!json_is_null(value)) {
            mark_given(field, into);
            take_value(problems, &here, field, value, member(field, into));
        } else if (field->flags & FIELD_NULLABLE) {
            mark_given(field, into);
        }
    }
    for (const struct field *field = fields; field->type != FIELD_END; field++) {
        struct place here = {outer, field->name, -1};
        value = json_object_get(object, field->name);
        if ((field->flags & FIELD_REQUIRED) && (!value || json_is_null(value)))
            problem_add(problems, &here, STR("Is required."));
    }
}

err fields_parse(struct arena *mem, const struct field *fields, str json, void *into)
{
    if (str_trim(json).len == 0)
        json = STR("{}");
    CLEANUP(json_tree_done) struct json_tree tree = {0};
    TRY(json_tree_parse(
        &tree, mem, json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL));
    if (!json_is_object(tree.root))
        return err_new(mem, 400, "malformed_json", "The JSON must be an object.");
    CLEANUP(problems_done)
    struct problems problems = {.mem = mem, .errors = {.max = ERRORS_MAX}, .source = json};
    take_object(&problems, NULL, fields, tree.root, into);
    err e = problems_err(&problems);
    return arena_failed(mem) ? &err_no_memory : e;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(struct arena *mem, str s, bool plus, str *out)
{
    char *at = arena_alloc(mem, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; at && i < s.len; i++) {
        char c = plus && s.at[i] == '+' ? ' ' : s.at[i];
        if (c == '%') {
            int high = i + 2 < s.len ? hex_value(s.at[i + 1]) : -1;
            int low = i + 2 < s.len ? hex_value(s.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return false;
        at[n++] = c;
    }
    *out = (str){at, n};
    return at != NULL;
}

static size_t query_count(str query, str name)
{
    size_t n = 0;
    while (query.at) {
        str pair = str_cut(&query, '&');
        n += str_eq(str_cut(&pair, '='), name);
    }
    return n;
}

static void take_pair(struct problems *problems, const struct field *fields, str all, str pair,
                      void *into)
{
    str name = str_cut(&pair, '='), value;
    struct place here = {NULL, str_c(problems->mem, name), -1};
    const struct field *field = field_named(fields, name);
    if (!field) {
        problem_add(problems, &here, STR("Is not a parameter of this request."));
        return;
    }
    if (!percent_decode(problems->mem, pair.at ? pair : STR(""), true, &value)) {
        problem_add(problems, &here, STR("Has a bad percent escape."));
        return;
    }
    mark_given(field, into);
    if (field->type != FIELD_STRS) {
        take_text(problems, &here, field, value, member(field, into));
        return;
    }
    struct strs *list = member(field, into);
    struct field item = {.type = FIELD_STR, .choices = field->choices};
    if (!list->at)
        list->at = arena_array(problems->mem, query_count(all, name), sizeof(str));
    if (list->at)
        take_text(problems, &here, &item, value, &list->at[list->n++]);
}

err fields_parse_query(struct arena *mem, const struct field *fields, str query, void *into)
{
    CLEANUP(problems_done) struct problems problems = {.mem = mem, .errors = {.max = ERRORS_MAX}};
    for (str rest = query; rest.at;) {
        str pair = str_cut(&rest, '&');
        if (pair.len)
            take_pair(&problems, fields, query, pair, into);
    }
    for (const struct field *field = fields; field->type != FIELD_END; field++) {
        struct place here = {NULL, field->name, -1};
        size_t n = query_count(query, str_of(field->name));
        if ((field->flags & FIELD_REQUIRED) && n == 0)
            problem_add(&problems, &here, STR("Is required."));
        if (n > 1 && field->type != FIELD_STRS)
            problem_add(&problems, &here, STR("Can be given once only."));
    }
    err e = problems_err(&problems);
    return arena_failed(mem) ? &err_no_memory : e;
}
