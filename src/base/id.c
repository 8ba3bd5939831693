/* UUIDs of version 4 and 7, from the kernel's random bytes. */
#include "base/id.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/time.h"

void random_bytes(void *into, size_t n)
{
    unsigned char *at = into;
    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno != EINTR)
            abort();
        if (got > 0) {
            at += got;
            n -= (size_t)got;
        }
    }
}

static str uuid_print(struct arena *mem, unsigned char bytes[16], unsigned version)
{
    static const char hex[] = "0123456789abcdef";
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | version << 4);
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
    char *text = arena_alloc(mem, 37);
    if (!text)
        return (str){0};
    char *to = text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = hex[bytes[i] >> 4];
        *to++ = hex[bytes[i] & 15];
    }
    return (str){text, 36};
}

str id_new(struct arena *mem)
{
    unsigned char bytes[16];
    random_bytes(bytes, sizeof(bytes));
    uint64_t ms = (uint64_t)(time_now() / 1000);
    for (int i = 0; i < 6; i++)
        bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
    return uuid_print(mem, bytes, 7);
}

str id_random(struct arena *mem)
{
    unsigned char bytes[16];
    random_bytes(bytes, sizeof(bytes));
    return uuid_print(mem, bytes, 4);
}

bool id_ok(str s)
{
    if (s.len != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        char c = s.at[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !digit)
            return false;
    }
    return true;
}
