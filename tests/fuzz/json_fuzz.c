/*
 * JSON bodies: the first byte picks a field table that a route has for its input, what follows is
 * the body.
 *
 * What is taken is printed and taken again with the same outcome; what is refused is refused with
 * errors that are JSON; a member as it was written is the member as it was read.
 */
#include <jansson.h>

#include "accounts/account.h"
#include "accounts/address.h"
#include "accounts/sessions.h"
#include "base/fields.h"
#include "base/json.h"
#include "data/channels.h"
#include "data/jobs.h"
#include "data/load_input.h"
#include "data/rows.h"
#include "data/tables.h"
#include "data/views.h"
#include "engine/worker/json_text.h"
#include "fuzz/fuzz.h"

#define MEMORY ((size_t)16 << 20)
#define INTO_MAX 1024 /* bytes of the largest struct that a table fills */
#define FIELDS_MAX 32

struct item {
    str name;
    int64_t n;
};

struct every {
    int64_t whole, lenient;
    double real;
    bool flag, given;
    int64_t at;
    str json, word;
    struct strs words;
    struct ints numbers;
    struct list list;
    struct item object;
};

static const struct field item_fields[] = {
    FIELD(struct item, name, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 20),
    FIELD(struct item, n, FIELD_INT, .flags = FIELD_NULLABLE, .min = -5, .max = 5),
    FIELD_LAST,
};

/* An object in place is printed whether it was given or not: it may have nothing that is required.
 */
static const struct field object_fields[] = {
    FIELD(struct item, name, FIELD_STR, .max = 20),
    FIELD(struct item, n, FIELD_INT),
    FIELD_LAST,
};

static const char *const words[] = {"alfa", "bravo", NULL};

/* Types and flags that the routes' own tables leave out. */
static const struct field every_fields[] = {
    FIELD(struct every, whole, FIELD_INT),
    FIELD(struct every, lenient, FIELD_INT, .flags = FIELD_LENIENT, .min = 1, .max = 0),
    FIELD(struct every, real, FIELD_REAL),
    FIELD(struct every, flag, FIELD_BOOL, .flags = FIELD_LENIENT,
          .given = offsetof(struct every, given)),
    FIELD(struct every, at, FIELD_TIME),
    FIELD(struct every, json, FIELD_JSON),
    FIELD(struct every, word, FIELD_STR, .choices = words),
    FIELD(struct every, words, FIELD_STRS, .min = 1, .max = 3),
    FIELD(struct every, numbers, FIELD_INTS, .flags = FIELD_LENIENT),
    FIELD(struct every, list, FIELD_LIST, .of = item_fields, .of_size = sizeof(struct item)),
    FIELD(struct every, object, FIELD_OBJECT, .of = object_fields),
    FIELD_LAST,
};

static const struct field *const tables[] = {
    every_fields,
    registration_fields,
    credentials_fields,
    refresh_fields,
    input_create_fields,
    input_rows_fields,
    fork_fields,
    view_input_fields,
    view_patch_fields,
    query_input_fields,
    job_input_fields,
    job_patch_fields,
    channel_input_fields,
};

/* The same table for printing: without what is absent, so that no default of ours is given back as
 * if a client had said it. `room` is at least FIELDS_MAX of them for each level. */
static const struct field *table_sparing(struct arena *mem, const struct field *fields)
{
    struct field *sparing = arena_array(mem, FIELDS_MAX, sizeof(*sparing));
    CHECK(sparing);
    for (size_t i = 0;; i++) {
        CHECK(i < FIELDS_MAX);
        sparing[i] = fields[i];
        if (fields[i].type == FIELD_END)
            return sparing;
        CHECK(fields[i].offset < INTO_MAX - sizeof(struct list));
        sparing[i].flags &= ~(unsigned)FIELD_HIDDEN;
        if (!(fields[i].flags & FIELD_REQUIRED))
            sparing[i].flags |= FIELD_OMIT;
        if (fields[i].of)
            sparing[i].of = table_sparing(mem, fields[i].of);
    }
}

static void json_check(str text)
{
    json_t *value = json_loadb(
        text.at, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    CHECK(value);
    json_decref(value);
}

static void taken_again(struct arena *mem, const struct field *fields, const void *into)
{
    char again[INTO_MAX] = {0};
    CLEANUP(buf_done) struct buf first;
    CLEANUP(buf_done) struct buf second;
    buf_init(&first, MEMORY);
    buf_init(&second, MEMORY);
    const struct field *sparing = table_sparing(mem, fields);
    fields_print(&first, sparing, into);
    json_check(buf_str(&first));
    err e = fields_parse(mem, fields, buf_str(&first), again);
    if (e)
        fprintf(stderr, "%.*s\n%.*s\n", STR_ARGS(buf_str(&first)), STR_ARGS(e->errors));
    CHECK(!e);
    fields_print(&second, sparing, again);
    CHECK(str_eq(buf_str(&first), buf_str(&second)));
}

static void refused(err e)
{
    CHECK(e->status == 400 || e->status == 422);
    CHECK(e->detail.len);
    CHECK(e->status == 400 || e->errors.at);
    if (e->errors.at)
        json_check(e->errors);
}

/* Each member of an object in which no name is written with an escape. */
static void members_check(str text, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        str sent = json_member(text, str_of(key));
        if (!sent.at) {
            CHECK(str_find(text, '\\') >= 0);
            continue;
        }
        json_t *read = json_loadb(sent.at, sent.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        CHECK(read && json_equal(read, value));
        json_decref(read);
    }
}

/* JSON as jansson reads it, as it is found without reading, and as the engine checks it. */
static void text_check(str text)
{
    CLEANUP(buf_done) struct buf line;
    CLEANUP(buf_done) struct buf again;
    buf_init(&line, MEMORY);
    buf_init(&again, MEMORY);
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;
    json_t *value = json_loadb(text.at, text.len, flags, NULL);
    bool ok = json_text_add(&line, text);
    if (json_is_object(value))
        members_check(text, value);
    CHECK(ok || line.len == 0);
    if (ok) {
        CHECK(json_text_add(&again, buf_str(&line)));
        CHECK(str_eq(buf_str(&line), buf_str(&again)));
        json_t *lined = json_loadb(line.at, line.len, flags, NULL);
        CHECK(!value == !lined && (!value || json_equal(value, lined)));
        json_decref(lined);
    }
    json_decref(value);
}

static void string_check(str text)
{
    CLEANUP(buf_done) struct buf printed;
    buf_init(&printed, MEMORY);
    json_print_str(&printed, text);
    json_t *read = json_loadb(printed.at, printed.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    CHECK(json_is_string(read));
    str got = {json_string_value(read), json_string_length(read)};
    CHECK(!str_utf8_ok(text) || str_eq(got, text));
    json_decref(read);
}

/* Texts inside of bodies that have a grammar of their own: a type, once made normal, is. */
static void words_check(struct arena *mem, str text)
{
    struct columns columns;
    str normal = {0}, again = {0};
    err e = columns_parse(mem, text, &columns);
    if (e)
        refused(e);
    for (size_t i = 0; !e && i < columns.n; i++)
        CHECK(columns.at[i].column_name.at && columns.at[i].column_type.at);
    e = engine_type_check(mem, "x", text, &normal);
    if (!e)
        e = engine_type_check(mem, "x", normal, &again);
    CHECK(!normal.at || (!e && str_eq(normal, again)));
    e = engine_name_check(mem, "x", text);
    CHECK(!e || e->status == 422);
    const char *problem = address_problem(text);
    CHECK(problem || str_eq(address_key(mem, text), address_key(mem, address_key(mem, text))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *copy = exact_copy((str){(const char *)data + 1, size - 1});
    str text = {copy, size - 1};
    char into[INTO_MAX] = {0};
    const struct field *fields = tables[data[0] % LENGTH(tables)];
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    err e = fields_parse(&mem, fields, text, into);
    if (e)
        refused(e);
    else
        taken_again(&mem, fields, into);
    text_check(text);
    string_check(text);
    words_check(&mem, text);
    free(copy);
    return 0;
}
