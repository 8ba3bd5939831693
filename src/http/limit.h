/*
 * How often someone may ask: token buckets, by client address or by account.
 *
 * A bucket holds `per_minute` tokens and is refilled evenly. Memory is fixed: when there are more
 * keys than places the fullest bucket of a few is given up, which is the one that has least to
 * remember. Any thread; never blocks for long.
 */
#ifndef HTTP_LIMIT_H
#define HTTP_LIMIT_H

#include "base/str.h"

struct limit;

struct limit *limit_new(size_t keys_max); /* 16 bytes a key; NULL: no memory */
void limit_free(struct limit *limit);

/*
 * Takes one token of `key` (any bytes); false when there is none, then *retry_after_s says when
 * there will be one (at least 1). `per_minute` of 0 or less: no limit. `now_us` is time_steady's,
 * the same clock in every call.
 */
bool limit_take(struct limit *limit, str key, int64_t per_minute, int64_t now_us,
                int *retry_after_s) __attribute__((warn_unused_result));

/*
 * The key of a client's address given as text: of IPv6 only the first 64 bits count, since one
 * client commonly has them all; an IPv4 address mapped into IPv6 is the IPv4 one. What is no
 * address is its own key. Returns a view of `out` or `address`.
 */
#define LIMIT_ADDRESS 16
str limit_address(str address, char out[LIMIT_ADDRESS]);

#endif
