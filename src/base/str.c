/* Text by pointer and length, and the growing buffer. */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

str str_of(const char *c)
{
    return (str){c, c ? strlen(c) : 0};
}

bool str_eq(str a, str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool str_eq_nocase(str a, str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    }
    return true;
}

bool str_starts(str s, str prefix)
{
    return s.len >= prefix.len && str_eq((str){s.at, prefix.len}, prefix);
}

bool str_ends(str s, str suffix)
{
    return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

int str_cmp(str a, str b)
{
    size_t least = a.len < b.len ? a.len : b.len;
    int order = least ? memcmp(a.at, b.at, least) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

str str_cut(str *rest, char sep)
{
    ptrdiff_t at = str_find(*rest, sep);
    if (at < 0) {
        str last = *rest;
        *rest = (str){0};
        return last;
    }
    str piece = {rest->at, (size_t)at};
    *rest = (str){rest->at + at + 1, rest->len - (size_t)at - 1};
    return piece;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str s)
{
    while (s.len && is_space(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len && is_space(s.at[s.len - 1]))
        s.len--;
    return s;
}

str str_sub(str s, size_t from, size_t len)
{
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    return (str){s.at ? s.at + from : NULL, len};
}

ptrdiff_t str_find(str s, char c)
{
    const char *hit = s.len ? memchr(s.at, c, s.len) : NULL;
    return hit ? hit - s.at : -1;
}

bool str_i64(str s, int64_t *out)
{
    bool negative = s.len && s.at[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == s.len)
        return false;
    int64_t n = 0;
    for (; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        int digit = s.at[i] - '0';
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, negative ? -digit : digit, &n))
            return false;
    }
    *out = n;
    return true;
}

str i64_text(int64_t n, char out[I64_TEXT])
{
    uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;
    char *at = out + I64_TEXT;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (n < 0)
        *--at = '-';
    return (str){at, (size_t)(out + I64_TEXT - at)};
}

/* Length of the well-formed sequence at `at` (RFC 3629, table 3-7 of Unicode), or 0. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    unsigned char c = at[0];
    size_t n = c < 0x80                 ? 1
               : c >= 0xC2 && c <= 0xDF ? 2
               : (c & 0xF0) == 0xE0     ? 3
               : c >= 0xF0 && c <= 0xF4 ? 4
                                        : 0;
    if (n == 0 || n > left || c == 0)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    }
    bool overlong = (c == 0xE0 && at[1] < 0xA0) || (c == 0xF0 && at[1] < 0x90);
    bool outside = (c == 0xED && at[1] > 0x9F) || (c == 0xF4 && at[1] > 0x8F);
    return overlong || outside ? 0 : n;
}

size_t str_utf8_next(str s, size_t at)
{
    return utf8_length((const unsigned char *)s.at + at, s.len - at);
}

bool str_utf8_ok(str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t n = str_utf8_next(s, i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

str str_copy(struct arena *mem, str s)
{
    if (!s.at)
        return s;
    char *at = arena_alloc(mem, s.len + 1);
    if (!at)
        return (str){0};
    memcpy(at, s.at, s.len);
    return (str){at, s.len};
}

char *str_c(struct arena *mem, str s)
{
    static char empty[1];
    char *at = arena_alloc(mem, s.len + 1);
    if (!at)
        return empty;
    if (s.len)
        memcpy(at, s.at, s.len);
    return at;
}

str str_lower(struct arena *mem, str s)
{
    char *at = arena_alloc(mem, s.len + 1);
    if (!at)
        return (str){0};
    for (size_t i = 0; i < s.len; i++)
        at[i] = lower(s.at[i]);
    return (str){at, s.len};
}

str str_fmt_list(struct arena *mem, const char *format, va_list args)
{
    char few[256]; /* enough for most */
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(few, sizeof(few), format, again);
    va_end(again);
    char *at = len < 0 ? NULL : arena_alloc(mem, (size_t)len + 1);
    if (!at)
        return (str){0};
    if ((size_t)len < sizeof(few))
        memcpy(at, few, (size_t)len);
    else
        vsnprintf(at, (size_t)len + 1, format, args);
    return (str){at, (size_t)len};
}

str str_fmt(struct arena *mem, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str s = str_fmt_list(mem, format, args);
    va_end(args);
    return s;
}

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_done(struct buf *b)
{
    free(b->at);
    *b = (struct buf){0};
}

bool buf_reserve(struct buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more <= b->size - b->len)
        return true;
    if (more > b->max - b->len) {
        b->failed = true;
        return false;
    }
    size_t size = b->size < 256 ? 256 : b->size;
    while (size < b->len + more)
        size = size > b->max / 2 ? b->max : size * 2;
    if (size > b->max)
        size = b->max;
    char *at = realloc(b->at, size);
    if (!at) {
        b->failed = true;
        return false;
    }
    b->at = at;
    b->size = size;
    return true;
}

void buf_add(struct buf *b, str s)
{
    if (s.len == 0 || !buf_reserve(b, s.len))
        return;
    memcpy(b->at + b->len, s.at, s.len);
    b->len += s.len;
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, (str){&c, 1});
}

void buf_fmt(struct buf *b, const char *format, ...)
{
    if (b->failed)
        return;
    size_t room = b->size - b->len;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(room ? b->at + b->len : NULL, room, format, args);
    va_end(args);
    /* vsnprintf ends with a NUL that is not counted but needs its place. */
    if (len < 0 || !buf_reserve(b, (size_t)len + 1)) {
        b->failed = true;
        return;
    }
    if ((size_t)len >= room) {
        va_start(args, format);
        vsnprintf(b->at + b->len, (size_t)len + 1, format, args);
        va_end(args);
    }
    b->len += (size_t)len;
}

void buf_i64(struct buf *b, int64_t n)
{
    char text[I64_TEXT];
    buf_add(b, i64_text(n, text));
}

str buf_str(const struct buf *b)
{
    return (str){b->at, b->len};
}
