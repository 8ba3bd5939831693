/* The n-th allocation fails. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "control.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *at, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __asan_init(void) __attribute__((weak));

/* A sanitizer has its own. The C library's are not looked up, since looking up may allocate. */
#define NEXT(name, own) (__asan_init ? real_function(name) : (void *)(own))

void *malloc(size_t size)
{
    static void *(*next)(size_t);
    if (!next)
        next = NEXT("malloc", __libc_malloc);
    return FAULT(FAULT_MEMORY) ? NULL : next(size);
}

void *calloc(size_t n, size_t size)
{
    static void *(*next)(size_t, size_t);
    if (!next)
        next = NEXT("calloc", __libc_calloc);
    return FAULT(FAULT_MEMORY) ? NULL : next(n, size);
}

static void *(*realloc_next(void))(void *, size_t)
{
    static void *(*next)(void *, size_t);
    if (!next)
        next = NEXT("realloc", __libc_realloc);
    return next;
}

/* Giving memory back can't fail. */
void *realloc(void *at, size_t size)
{
    return size && FAULT(FAULT_MEMORY) ? NULL : realloc_next()(at, size);
}

void *reallocarray(void *at, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return bytes && FAULT(FAULT_MEMORY) ? NULL : realloc_next()(at, bytes);
}

static void *aligned(size_t align, size_t size)
{
    static void *(*next)(size_t, size_t);
    if (!next)
        next = NEXT("memalign", __libc_memalign);
    return next(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    return FAULT(FAULT_MEMORY) ? NULL : aligned(align, size);
}

void *memalign(size_t align, size_t size);
void *memalign(size_t align, size_t size)
{
    return FAULT(FAULT_MEMORY) ? NULL : aligned(align, size);
}

int posix_memalign(void **out, size_t align, size_t size)
{
    int error = fault_of(FAULT_MEMORY, __builtin_return_address(0));
    void *at = error ? NULL : aligned(align, size);
    if (!at)
        return ENOMEM;
    *out = at;
    return 0;
}
