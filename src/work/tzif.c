/* Reads a file of the time zone database, and its rule (a TZ string of POSIX) by which it goes on.
 */
#include "work/tzif.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 44
#define DAY 86400
#define CHANGES_MOST 10000
#define HOURS_MOST 167
#define OFFSET_HOURS_MOST 24
#define OFFSET_LEAST (-25 * 3600 + 1) /* RFC 8536 3.2 */
#define OFFSET_MOST (26 * 3600 - 1)
#define YEAR_MOST 1000000
#define RULE_CHANGES 10 /* of five years */

struct counts {
    size_t utc, standard, leaps, times, types, chars;
};

static int64_t number(const char *at, size_t bytes)
{
    uint64_t n = (unsigned char)at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | (unsigned char)at[i];
    return (int64_t)n;
}

/* The counts of a block, which follows them; false when it is not all there. */
static bool block_counts(str bytes, size_t width, struct counts *out, size_t *size)
{
    if (bytes.len < HEAD || memcmp(bytes.at, "TZif", 4) != 0)
        return false;
    size_t n[6];
    for (size_t i = 0; i < LENGTH(n); i++) {
        int64_t count = number(bytes.at + 20 + 4 * i, 4);
        if (count < 0 || count > CHANGES_MOST)
            return false;
        n[i] = (size_t)count;
    }
    *out = (struct counts){n[0], n[1], n[2], n[3], n[4], n[5]};
    *size = out->times * (width + 1) + out->types * 6 + out->chars + out->leaps * (width + 4) +
            out->standard + out->utc;
    return out->types > 0 && *size <= bytes.len - HEAD;
}

static bool changes_take(struct tz *tz, const char *at, const struct counts *counts, size_t width)
{
    const char *kinds = at + counts->times * width, *types = kinds + counts->times;
    for (size_t i = 0; i < counts->types; i++) {
        int64_t offset = number(types + 6 * i, 4);
        if (offset < OFFSET_LEAST || offset > OFFSET_MOST)
            return false;
    }
    tz->first_offset = (int32_t)number(types, 4);
    for (size_t i = 0; i < counts->times; i++) {
        size_t kind = (unsigned char)kinds[i];
        int64_t when = number(at + i * width, width);
        if (kind >= counts->types || (i && when <= tz->changes[i - 1].at))
            return false;
        tz->changes[i] = (struct tz_change){when, (int32_t)number(types + 6 * kind, 4)};
    }
    tz->n = counts->times;
    return true;
}

/* Digits; -1 when there are none or they say too much. */
static int digits(str *s)
{
    int n = -1;
    while (s->len && s->at[0] >= '0' && s->at[0] <= '9' && n < 10000) {
        n = (n < 0 ? 0 : n * 10) + (s->at[0] - '0');
        *s = str_sub(*s, 1, s->len);
    }
    return n;
}

static bool take(str *s, char c)
{
    if (!s->len || s->at[0] != c)
        return false;
    *s = str_sub(*s, 1, s->len);
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool clock_time(str *s, int hours_most, int32_t *out)
{
    int sign = take(s, '-') ? -1 : 1;
    if (sign > 0)
        (void)take(s, '+');
    int hours = digits(s), minutes = 0, seconds = 0;
    if (hours < 0 || hours > hours_most)
        return false;
    if (take(s, ':')) {
        minutes = digits(s);
        seconds = take(s, ':') ? digits(s) : 0;
    }
    if (minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59)
        return false;
    *out = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

/* CET or <+01> */
static bool zone_name(str *s)
{
    size_t len = 0;
    if (take(s, '<')) {
        ptrdiff_t end = str_find(*s, '>');
        *s = str_sub(*s, end < 0 ? 0 : (size_t)end + 1, s->len);
        return end > 0;
    }
    while (len < s->len && ((s->at[len] | 0x20) >= 'a' && (s->at[len] | 0x20) <= 'z'))
        len++;
    *s = str_sub(*s, len, s->len);
    return len > 0;
}

/* M3.5.0, J60 or 59, and /2 */
static bool date(str *s, struct tz_date *out)
{
    *out = (struct tz_date){.time = 2 * 3600};
    if (take(s, 'M')) {
        out->kind = TZ_WEEKDAY;
        out->month = digits(s);
        out->week = take(s, '.') ? digits(s) : -1;
        out->day = take(s, '.') ? digits(s) : -1;
        if (out->month < 1 || out->month > 12 || out->week < 1 || out->week > 5 || out->day < 0 ||
            out->day > 6)
            return false;
    } else {
        out->kind = take(s, 'J') ? TZ_JULIAN : TZ_ORDINAL;
        out->day = digits(s);
        if (out->day < (out->kind == TZ_JULIAN) || out->day > 365)
            return false;
    }
    return !take(s, '/') || clock_time(s, HOURS_MOST, &out->time);
}

/* POSIX counts offsets to the west. */
static bool rule_parse(str s, struct tz_rule *out)
{
    int32_t west;
    *out = (struct tz_rule){0};
    if (!zone_name(&s) || !clock_time(&s, OFFSET_HOURS_MOST, &west))
        return false;
    out->offset = -west;
    if (!s.len)
        return true;
    out->has_summer = true;
    out->summer_offset = out->offset + 3600;
    if (!zone_name(&s))
        return false;
    if (s.len && s.at[0] != ',') {
        if (!clock_time(&s, OFFSET_HOURS_MOST, &west))
            return false;
        out->summer_offset = -west;
    }
    return take(&s, ',') && date(&s, &out->summer_begin) && take(&s, ',') &&
           date(&s, &out->summer_end) && !s.len;
}

/* "\n<rule>\n" at the end of the file; an empty rule is none. */
static bool footer_take(struct tz *tz, str rest)
{
    if (!take(&rest, '\n'))
        return false;
    str rule = str_cut(&rest, '\n');
    tz->has_rule = rule.len > 0;
    return rest.at && (!rule.len || rule_parse(rule, &tz->rule));
}

enum tz_state tz_parse(str bytes, struct tz **out)
{
    struct counts counts;
    size_t size, width = 4;
    if (!block_counts(bytes, width, &counts, &size))
        return TZ_BAD;
    bool wide = bytes.at[4] >= '2'; /* then the same follows in 64 bits */
    if (wide) {
        bytes = str_sub(bytes, HEAD + size, bytes.len);
        width = 8;
        if (!block_counts(bytes, width, &counts, &size))
            return TZ_BAD;
    }
    struct tz *tz = calloc(1, sizeof(*tz) + counts.times * sizeof(struct tz_change));
    if (!tz)
        return TZ_NO_MEMORY;
    bool good = changes_take(tz, bytes.at + HEAD, &counts, width) &&
                (!wide || footer_take(tz, str_sub(bytes, HEAD + size, bytes.len)));
    if (!good) {
        free(tz);
        return TZ_BAD;
    }
    *out = tz;
    return TZ_READ;
}

static int64_t floor_div(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}

static bool leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days from 1970-01-01 to January 1st of the year. */
static int64_t year_days(int64_t year)
{
    int64_t before = year - 1;
    return (year - 1970) * 365 + floor_div(before, 4) - floor_div(before, 100) +
           floor_div(before, 400) - 477;
}

static int64_t year_of(int64_t at)
{
    int64_t days = floor_div(at, DAY), year = 1970 + floor_div(days * 400, 146097);
    if (year > YEAR_MOST || year < -YEAR_MOST)
        return year > 0 ? YEAR_MOST : -YEAR_MOST;
    while (year_days(year) > days)
        year--;
    while (year_days(year + 1) <= days)
        year++;
    return year;
}

static int64_t month_days(int64_t year, int month)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    return year_days(year) + before[month - 1] + (month > 2 && leap(year));
}

/* The day of the date in that year, as days from 1970. */
static int64_t date_day(const struct tz_date *date, int64_t year)
{
    if (date->kind == TZ_ORDINAL)
        return year_days(year) + date->day;
    if (date->kind == TZ_JULIAN)
        return year_days(year) + date->day - 1 + (leap(year) && date->day >= 60);
    int64_t first = month_days(year, date->month);
    int64_t end = date->month == 12 ? year_days(year + 1) : month_days(year, date->month + 1);
    int64_t weekday = first + 4 - floor_div(first + 4, 7) * 7; /* 1970-01-01 was a Thursday */
    int64_t day = first + (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
    return day < end ? day : day - 7;
}

/*
 * The rule's changes of the years around, in pairs: the summer's begin, then its end. With its time
 * a change may lie in the next year or the one before, so that the latest one until a moment, or
 * the first one after it, can be that of two years away.
 */
static void rule_changes(const struct tz_rule *rule, int64_t year,
                         struct tz_change out[RULE_CHANGES])
{
    for (int64_t i = 0; i < RULE_CHANGES / 2; i++) {
        int64_t begin = date_day(&rule->summer_begin, year - 2 + i) * DAY + rule->summer_begin.time;
        int64_t end = date_day(&rule->summer_end, year - 2 + i) * DAY + rule->summer_end.time;
        out[2 * i] = (struct tz_change){begin - rule->offset, rule->summer_offset};
        out[2 * i + 1] = (struct tz_change){end - rule->summer_offset, rule->offset};
    }
}

/* The latest of the changes decides; of two at once the summer's begin does. */
static int32_t rule_offset(const struct tz_rule *rule, int64_t at)
{
    struct tz_change changes[RULE_CHANGES], latest = {INT64_MIN, rule->offset};
    if (!rule->has_summer)
        return rule->offset;
    rule_changes(rule, year_of(at), changes);
    for (size_t i = 0; i < LENGTH(changes); i++) {
        bool later = changes[i].at > latest.at || (changes[i].at == latest.at && i % 2 == 0);
        if (changes[i].at <= at && later)
            latest = changes[i];
    }
    return latest.offset;
}

static int64_t rule_next(const struct tz_rule *rule, int64_t after)
{
    struct tz_change changes[RULE_CHANGES];
    int64_t next = INT64_MAX;
    if (!rule->has_summer)
        return next;
    rule_changes(rule, year_of(after), changes);
    for (size_t i = 0; i < LENGTH(changes); i++) {
        if (changes[i].at > after && changes[i].at < next)
            next = changes[i].at;
    }
    return next;
}

/* How many of the changes are at or before `at`. */
static size_t changes_until(const struct tz *tz, int64_t at)
{
    size_t from = 0, to = tz->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (tz->changes[middle].at <= at)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

int32_t tz_offset(const struct tz *tz, int64_t at)
{
    size_t n = changes_until(tz, at);
    if (n == tz->n && tz->has_rule)
        return rule_offset(&tz->rule, at);
    return n ? tz->changes[n - 1].offset : tz->first_offset;
}

int64_t tz_next(const struct tz *tz, int64_t after, int64_t until)
{
    size_t n = changes_until(tz, after);
    int64_t next = n < tz->n      ? tz->changes[n].at
                   : tz->has_rule ? rule_next(&tz->rule, after)
                                  : INT64_MAX;
    return next <= until ? next : INT64_MAX;
}
