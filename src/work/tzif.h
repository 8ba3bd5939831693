/*
 * A time zone as the system's database writes it (RFC 8536): the changes that are known, and the
 * rule for those after them. Seconds since 1970; offsets in seconds east of UTC.
 */
#ifndef WORK_TZIF_H
#define WORK_TZIF_H

#include "base/str.h"

struct tz_change {
    int64_t at;
    int32_t offset; /* from then on */
};

/* A day of each year and the wall time on it. */
struct tz_date {
    enum { TZ_WEEKDAY, TZ_JULIAN, TZ_ORDINAL } kind;
    int month, week, day; /* TZ_WEEKDAY: 1-12, 1-5 (5: the last), 0-6; else the day of the year */
    int32_t time;
};

struct tz_rule {
    int32_t offset, summer_offset;
    bool has_summer;
    struct tz_date summer_begin, summer_end;
};

struct tz {
    int32_t first_offset; /* before all changes */
    struct tz_rule rule;  /* after all changes */
    bool has_rule;
    size_t n;
    struct tz_change changes[]; /* in the order of time */
};

enum tz_state { TZ_READ, TZ_BAD, TZ_NO_MEMORY };

/* Of a file's bytes; free() it. */
enum tz_state tz_parse(str bytes, struct tz **out);
int32_t tz_offset(const struct tz *tz, int64_t at);
/* The first change after `after` and not after `until`, to whatever offset; INT64_MAX: none. */
int64_t tz_next(const struct tz *tz, int64_t after, int64_t until);

#endif
