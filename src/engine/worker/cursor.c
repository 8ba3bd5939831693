/*
 * A cursor is 40 hexadecimal digits: version, position, and a sum over both and what they belong
 * to. The sum finds mistakes and meddling by hand; it guards no secret: a cursor gives nothing that
 * paging does not.
 */
#include "engine/worker/cursor.h"

#include <string.h>

#define CURSOR_LEN 40

/* FNV-1a. */
static uint32_t sum(str of, struct cursor cursor)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < of.len; i++)
        hash = (hash ^ (unsigned char)of.at[i]) * 16777619u;
    for (int shift = 0; shift < 64; shift += 8) {
        hash = (hash ^ (uint32_t)((uint64_t)cursor.version >> shift & 0xFF)) * 16777619u;
        hash = (hash ^ (uint32_t)((uint64_t)cursor.position >> shift & 0xFF)) * 16777619u;
    }
    return hash;
}

str cursor_text(struct arena *mem, str of, struct cursor cursor)
{
    return str_fmt(mem,
                   "%016llx%016llx%08x",
                   (unsigned long long)cursor.version,
                   (unsigned long long)cursor.position,
                   sum(of, cursor));
}

static bool hex(str s, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        const char *digit = memchr(digits, s.at[i], 16);
        if (!digit)
            return false;
        *out = *out << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

err cursor_read(struct arena *mem, str of, str text, struct cursor *out)
{
    uint64_t version, position, check;
    if (text.len == CURSOR_LEN && hex(str_sub(text, 0, 16), &version) &&
        hex(str_sub(text, 16, 16), &position) && hex(str_sub(text, 32, 8), &check) &&
        version <= INT64_MAX && position <= INT64_MAX) {
        *out = (struct cursor){(int64_t)version, (int64_t)position};
        if (check == sum(of, *out))
            return NULL;
    }
    return err_new(
        mem,
        400,
        "invalid_cursor",
        "The cursor is not one that was given for this: take it as it stands in links.next.");
}
