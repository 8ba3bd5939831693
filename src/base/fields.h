/*
 * Field tables: one description of a struct that parses it from JSON or a query string, validates
 * it, prints it as JSON, reads it from a row of the store, and describes it in OpenAPI.
 *
 *     static const struct field channel_fields[] = {
 *         FIELD(struct channel, id, FIELD_STR, .help = "Public identifier"),
 *         FIELD(struct channel, job, FIELD_INT, .flags = FIELD_REQUIRED | FIELD_LENIENT, .min = 1),
 *         FIELD_LAST,
 *     };
 */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum field_type {
    FIELD_END,
    FIELD_STR,    /* str; min and max count bytes (max 0: 10,000), must be UTF-8 */
    FIELD_INT,    /* int64_t; min and max when they differ */
    FIELD_REAL,   /* double */
    FIELD_BOOL,   /* bool */
    FIELD_TIME,   /* int64_t microseconds since 1970 UTC, 0 is none; ISO 8601 outside */
    FIELD_JSON,   /* str holding JSON text, printed as it is */
    FIELD_STRS,   /* struct strs */
    FIELD_INTS,   /* struct ints */
    FIELD_OBJECT, /* a struct in place, described by `of` */
    FIELD_LIST,   /* struct list of structs of `of_size` bytes, described by `of` */
};

enum field_flag {
    FIELD_REQUIRED = 1, /* in input: missing or null is an error */
    FIELD_HIDDEN = 2,   /* read from rows, never printed */
    FIELD_OMIT =
        4, /* not printed when absent (str NULL, list empty, number 0, false) instead of null */
    FIELD_LENIENT = 8,   /* an INT, INTS or BOOL that may also come as text: "1", "true" */
    FIELD_NULLABLE = 16, /* INT that prints null when it is 0; in input null is allowed */
    FIELD_SECRET = 32,   /* never echoed in an error */
};

struct strs {
    str *at;
    size_t n;
};

struct ints {
    int64_t *at;
    size_t n;
};

struct list {
    void *at;
    size_t n;
};

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    size_t offset;
    int64_t min,
        max; /* of a number, of a text's bytes, of a list's length; 0 and 0: no own limit */
    const char *const *choices; /* NULL-ended, for STR */
    const struct field *of;     /* for OBJECT and LIST */
    size_t of_size;             /* for LIST */
    size_t given;               /* offset of a bool set when the input named the field (0: none) */
    const char *schema;         /* for JSON: the members of its JSON Schema; NULL: anything */
    const char *help;
};

#define FIELD(type_, member, kind, ...)                                                 \
    {                                                                                   \
        .name = #member, .type = (kind), .offset = offsetof(type_, member), __VA_ARGS__ \
    }
#define FIELD_LAST        \
    {                     \
        .type = FIELD_END \
    }

/*
 * Fills `into` (whose other members keep their values: set defaults first) from a JSON object.
 * Malformed JSON is 400 malformed_json with line and column; wrong, missing and unknown fields are
 * all named at once in 422 invalid_fields. Duplicate keys are refused. Depth and size are bounded.
 * Texts are copied to `mem`.
 */
MUST_CHECK err fields_parse(struct arena *mem, const struct field *fields, str json, void *into);
/* The same from "a=1&b=x" (percent-encoded; STR, INT, REAL, BOOL, TIME once, and STRS by
 * repetition): 422 invalid_fields. */
MUST_CHECK err fields_parse_query(struct arena *mem, const struct field *fields, str query,
                                  void *into);
/* Appends {"name": value, ...}. */
void fields_print(struct buf *out, const struct field *fields, const void *from);
/* Appends [{...}, ...]. */
void fields_print_list(struct buf *out, const struct field *fields, size_t size, struct list list);
/* Appends a JSON string with its quotes, escaped per RFC 8259; ill-formed UTF-8 becomes U+FFFD. */
void json_print_str(struct buf *out, str s);
/* One field's error: 422 invalid_fields with errors {field: [text]}. */
MUST_CHECK err field_err(struct arena *mem, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Percent-decoding of a path segment or a query value (`plus`: '+' is a space); false on a bad
 * escape or a NUL. */
bool percent_decode(struct arena *mem, str s, bool plus, str *out);

#endif
