/* Time: microseconds since 1970 in UTC for what is kept, a steady clock for what is measured. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/str.h"

#define US_PER_S ((int64_t)1000000)

int64_t time_now(void); /* wall clock, microseconds since 1970-01-01T00:00:00Z */
int64_t
time_steady(void); /* microseconds of a clock that never jumps; for durations and deadlines */
/* "2026-11-21T11:02:03.123456Z" (RFC 3339); `out` holds at least TIME_TEXT bytes. Returns the text
 * in `out`. */
#define TIME_TEXT 40
str time_text(int64_t us, char out[TIME_TEXT]);
/* RFC 3339 with Z or an offset, fraction of up to 9 digits, of a year that has four digits in UTC
 * as well; false when it is not one. */
bool time_parse(str s, int64_t *us);
/* "Sat, 21 Nov 2026 11:02:03 GMT" (RFC 9110 5.6.7). */
str time_http(int64_t us, char out[TIME_TEXT]);

#endif
