/* What cron needs of a time zone: its offset from UTC, and where the offset changes. In seconds
 * since 1970. */
#ifndef WORK_ZONE_H
#define WORK_ZONE_H

#include "work/cron.h"

#define ZONE_NO_CHANGE INT64_MAX
/* No zone is, or was, further from UTC, and no change of one is larger. */
#define ZONE_OFFSET_MAX (26 * 3600)

/* Seconds to add to UTC at the instant `at`. */
int64_t zone_offset(const struct zone *zone, int64_t at);
/* The first instant after `after` and not after `until` at which another offset begins. */
int64_t zone_change(const struct zone *zone, int64_t after, int64_t until);

#endif
