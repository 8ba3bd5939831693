/*
 * What the targets share: the call that a fuzzer makes, checks, and choices that the input makes.
 *
 * A target is fed bytes by libFuzzer (scripts/fuzz), or its kept inputs by replay.c. It must not
 * remember anything from one input to the next.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)                                                            \
    do {                                                                       \
        if (!(what)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                           \
        }                                                                      \
    } while (0)

/* Bytes of the input that decide things, used again and again, each round a little differently. */
struct choices {
    const uint8_t *at;
    size_t n, next;
};

static inline unsigned choose(struct choices *choices, unsigned n)
{
    if (choices->n == 0)
        return 0;
    size_t i = choices->next++;
    return (choices->at[i % choices->n] + (unsigned)(i / choices->n)) % n;
}

/* Takes the first `n` bytes off the input for choices; what is left of it. */
static inline str choices_take(struct choices *choices, size_t n, const uint8_t *data, size_t size)
{
    size_t taken = size < n ? size : n;
    *choices = (struct choices){.at = data, .n = taken};
    return (str){(const char *)data + taken, size - taken};
}

/* A copy of its own size, so that a read past its end is seen. */
static inline char *exact_copy(str s)
{
    char *copy = malloc(s.len ? s.len : 1);
    CHECK(copy);
    if (s.len)
        memcpy(copy, s.at, s.len);
    return copy;
}

#endif
