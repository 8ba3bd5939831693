/*
 * Text as a pointer and a length, by value everywhere; NUL-terminated only at a library's edge.
 *
 * A str never owns its bytes: they live in an arena, in a buffer or in the program text. A str
 * whose `at` is NULL is the absent one (SQL NULL, JSON null or missing); STR("") is the empty one.
 * Functions that need memory take it from an arena; when the arena is full they return the absent
 * str, which is safe to go on with, and the arena stays marked (arena_failed), so that neither a
 * commit nor a reply can be made of it.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

typedef struct str {
    const char *at;
    size_t len;
} str;

#define STR(literal) ((str){"" literal, sizeof(literal) - 1})
/* For a printf format "%.*s". */
#define STR_ARGS(s) (int)(s).len, ((s).at ? (s).at : "")

/* A view of a C string; NULL gives the absent str. */
str str_of(const char *c);
bool str_eq(str a, str b);
bool str_eq_nocase(str a, str b); /* ASCII only */
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
int str_cmp(str a, str b);
/* The text up to the first `sep`, which is taken off `rest` with it; the last piece leaves `rest`
 * absent. */
str str_cut(str *rest, char sep);
str str_trim(str s); /* ASCII white space at both ends */
str str_sub(str s, size_t from, size_t len);
/* -1 where `c` does not occur. */
ptrdiff_t str_find(str s, char c);
/* A decimal integer and nothing else; false, and `out` untouched, on anything more, less or larger.
 */
bool str_i64(str s, int64_t *out);
/* The other way round; returns the text in `out`. */
#define I64_TEXT 24
str i64_text(int64_t n, char out[I64_TEXT]);
bool str_utf8_ok(str s); /* well-formed per RFC 3629, NUL refused */
/* Length of the well-formed UTF-8 sequence that begins at `at` (below s.len); 0: it is not one, or
 * a NUL. */
size_t str_utf8_next(str s, size_t at);

str str_copy(struct arena *mem, str s);
char *str_c(struct arena *mem,
            str s); /* NUL-terminated copy; never NULL: "" when the arena is full */
str str_lower(struct arena *mem, str s); /* ASCII only */
str str_fmt(struct arena *mem, const char *format, ...) __attribute__((format(printf, 2, 3)));
str str_fmt_list(struct arena *mem, const char *format, va_list args);

/*
 * A growing byte buffer on the heap with a stated maximum. Once an append fails (maximum or
 * memory), `failed` stays set, the contents keep what fitted, and later appends do nothing: check
 * once at the end.
 */
struct buf {
    char *at;
    size_t len, size, max;
    bool failed;
};

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);                 /* for CLEANUP; a zeroed buf is fine */
bool buf_reserve(struct buf *b, size_t more); /* room for `more` bytes at b->at + b->len */
void buf_add(struct buf *b, str s);
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_i64(struct buf *b, int64_t n);
str buf_str(const struct buf *b); /* a view, good until the next append */

/* Runs `done(&variable)` when the variable goes out of scope. */
#define CLEANUP(done) __attribute__((cleanup(done)))
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
