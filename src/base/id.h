/* Identifiers and random bytes (RFC 9562; the kernel's generator). */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/str.h"

void random_bytes(void *into, size_t n); /* aborts the process when the kernel has none to give */
str id_new(struct arena *mem);           /* UUID version 7, ordered by time: for records */
str id_random(
    struct arena *mem); /* UUID version 4, not to be guessed: for what is public or secret */
bool id_ok(str s);      /* 8-4-4-4-12 lower or upper case hex */

#endif
