/* Memory that many requests share: so much, and not a byte more, however many they are. Any thread.
 */
#ifndef HTTP_BUDGET_H
#define HTTP_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Bodies that are held until their handlers have read them; of requests that nobody has signed a
 * quarter, so that strangers leave room for others. */
#define BUDGET_BODIES ((size_t)256 << 20)
#define BUDGET_STRANGERS (BUDGET_BODIES / 4)
/* Of each body, so that others can sign in when strangers have used their share up. */
#define BUDGET_BODY_FREE ((size_t)4 << 10)
/* Answers that wait for their clients to read them. One may always go beyond. */
#define BUDGET_ANSWERS ((size_t)512 << 20)

struct budget {
    atomic_size_t used;
};

/* False: `most` is reached, nothing is taken. */
static inline bool budget_take(struct budget *budget, size_t n, size_t most)
{
    if (atomic_fetch_add_explicit(&budget->used, n, memory_order_relaxed) < most)
        return true;
    atomic_fetch_sub_explicit(&budget->used, n, memory_order_relaxed);
    return false;
}

static inline void budget_give(struct budget *budget, size_t n)
{
    atomic_fetch_sub_explicit(&budget->used, n, memory_order_relaxed);
}

#endif
