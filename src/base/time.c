/* Clocks, and time as text. */
#include "base/time.h"

#include <stdio.h>
#include <time.h>

/* The years 0 to 9999 in UTC: of others there is no text. */
#define SECONDS_LEAST (-62167219200)
#define SECONDS_MOST 253402300799

static int64_t clock_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int64_t time_now(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t time_steady(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

/* Seconds and the microseconds above them, also before 1970. */
static int64_t split(int64_t us, int64_t *fraction)
{
    int64_t seconds = us / US_PER_S;
    *fraction = us % US_PER_S;
    if (*fraction < 0) {
        *fraction += US_PER_S;
        seconds--;
    }
    return seconds;
}

/* The last `width` digits of `n`, and what ends them; where that ends. */
static char *digits_put(char *at, size_t width, int64_t n, char end)
{
    for (size_t i = width; i > 0; i--) {
        at[i - 1] = (char)('0' + n % 10);
        n /= 10;
    }
    at[width] = end;
    return at + width + 1;
}

str time_text(int64_t us, char out[TIME_TEXT])
{
    int64_t fraction;
    time_t seconds = (time_t)split(us, &fraction);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    char *at = digits_put(out, 4, tm.tm_year + 1900, '-');
    at = digits_put(at, 2, tm.tm_mon + 1, '-');
    at = digits_put(at, 2, tm.tm_mday, 'T');
    at = digits_put(at, 2, tm.tm_hour, ':');
    at = digits_put(at, 2, tm.tm_min, ':');
    at = digits_put(at, 2, tm.tm_sec, '.');
    at = digits_put(at, 6, fraction, 'Z');
    *at = '\0';
    return (str){out, (size_t)(at - out)};
}

str time_http(int64_t us, char out[TIME_TEXT])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t fraction;
    time_t seconds = (time_t)split(us, &fraction);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    int len = snprintf(out,
                       TIME_TEXT,
                       "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
                       days + 3 * tm.tm_wday,
                       tm.tm_mday,
                       months + 3 * tm.tm_mon,
                       tm.tm_year + 1900,
                       tm.tm_hour,
                       tm.tm_min,
                       tm.tm_sec);
    return (str){out, len < TIME_TEXT ? (size_t)len : TIME_TEXT - 1};
}

/* Reads exactly `n` digits off the front of `s`. */
static bool take_digits(str *s, size_t n, int *out)
{
    int64_t value;
    if (s->len < n || s->at[0] == '-' || !str_i64(str_sub(*s, 0, n), &value))
        return false;
    *out = (int)value;
    *s = str_sub(*s, n, s->len);
    return true;
}

static bool take_char(str *s, const char *any_of)
{
    if (s->len == 0)
        return false;
    for (; *any_of; any_of++) {
        if (s->at[0] == *any_of) {
            *s = str_sub(*s, 1, s->len);
            return true;
        }
    }
    return false;
}

static bool take_fraction(str *s, int64_t *us)
{
    *us = 0;
    if (!take_char(s, "."))
        return true;
    int digits = 0;
    int64_t scale = US_PER_S;
    while (s->len && s->at[0] >= '0' && s->at[0] <= '9') {
        scale /= 10;
        *us += (s->at[0] - '0') * scale;
        *s = str_sub(*s, 1, s->len);
        digits++;
    }
    return digits >= 1 && digits <= 9;
}

static bool take_offset(str *s, int64_t *seconds)
{
    *seconds = 0;
    if (take_char(s, "Zz"))
        return true;
    int sign = s->len && s->at[0] == '-' ? -1 : 1;
    int hours, minutes;
    if (!take_char(s, "+-") || !take_digits(s, 2, &hours) || !take_char(s, ":") ||
        !take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (int64_t)sign * (hours * 3600 + minutes * 60);
    return true;
}

bool time_parse(str s, int64_t *us)
{
    struct tm tm = {0}, check;
    int64_t fraction, offset;
    if (!take_digits(&s, 4, &tm.tm_year) || !take_char(&s, "-") ||
        !take_digits(&s, 2, &tm.tm_mon) || !take_char(&s, "-") ||
        !take_digits(&s, 2, &tm.tm_mday) || !take_char(&s, "Tt ") ||
        !take_digits(&s, 2, &tm.tm_hour) || !take_char(&s, ":") ||
        !take_digits(&s, 2, &tm.tm_min) || !take_char(&s, ":") || !take_digits(&s, 2, &tm.tm_sec) ||
        !take_fraction(&s, &fraction) || !take_offset(&s, &offset) || s.len)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    check = tm;
    int64_t seconds = (int64_t)timegm(&check);
    if (check.tm_mday != tm.tm_mday || check.tm_mon != tm.tm_mon || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    seconds -= offset;
    if (seconds < SECONDS_LEAST || seconds > SECONDS_MOST)
        return false;
    *us = seconds * US_PER_S + fraction;
    return true;
}
