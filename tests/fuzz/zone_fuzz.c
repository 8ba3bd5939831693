/*
 * Files of the time zone database: the first byte says whether the rest is a file, or the rule at
 * the end of one; the next eight are a moment.
 *
 * Of what is read the changes are in the order of time, and between one and the next the offset is
 * the same.
 */
#include "fuzz/fuzz.h"
#include "work/tzif.h"

#define YEAR ((int64_t)31556952)
#define FAR_MOST (8000 * YEAR)
#define STEPS 12

static int64_t moment(str s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 8; i++)
        n = n << 8 | (unsigned char)s.at[i];
    return (int64_t)(n % (uint64_t)FAR_MOST) - FAR_MOST / 2;
}

/* A file of version 2 with one type and no changes, and behind it the rule. */
static void file_print(struct buf *out, str rule)
{
    static const char zeroes[15];
    for (int i = 0; i < 2; i++) {
        buf_add(out, STR("TZif2"));
        buf_add(out, (str){zeroes, 15});
        buf_add(out, STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\1"));
        buf_add(out, STR("\0\0\x0E\x10\0\0\0"));
    }
    buf_char(out, '\n');
    buf_add(out, rule);
    buf_char(out, '\n');
}

static void changes_check(const struct tz *tz)
{
    for (size_t i = 1; i < tz->n; i++)
        CHECK(tz->changes[i - 1].at < tz->changes[i].at);
}

/* From change to change, and somewhere in between. */
static void walk(const struct tz *tz, int64_t at)
{
    for (int i = 0; i < STEPS; i++) {
        int64_t next = tz_next(tz, at, at + 3 * YEAR), offset = tz_offset(tz, at);
        if (next == INT64_MAX)
            next = at + 3 * YEAR + 1;
        CHECK(next > at);
        for (int part = 1; part < 8; part++)
            CHECK(tz_offset(tz, at + (next - 1 - at) / 8 * part) == offset);
        CHECK(tz_offset(tz, next - 1) == offset);
        CHECK(tz_next(tz, at, next - 1) == INT64_MAX);
        at = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 9)
        return 0;
    str all = {(const char *)data, size}, rest = str_sub(all, 9, size);
    CLEANUP(buf_done) struct buf file;
    buf_init(&file, (size_t)1 << 20);
    if (data[0] & 1)
        file_print(&file, rest);
    else
        buf_add(&file, rest);
    char *copy = exact_copy(buf_str(&file));
    struct tz *tz = NULL;
    if (tz_parse((str){copy, file.len}, &tz) == TZ_READ) {
        changes_check(tz);
        walk(tz, moment(str_sub(all, 1, 8)));
        if (tz->n)
            walk(tz, tz->changes[tz->n - 1].at % FAR_MOST - YEAR);
        tz_offset(tz, INT64_MAX);
        tz_offset(tz, INT64_MIN);
    }
    free(tz);
    free(copy);
    return 0;
}
