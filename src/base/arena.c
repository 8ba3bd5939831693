/* Arenas: blocks of growing size, freed together. */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(at, size) ASAN_POISON_MEMORY_REGION((at), (size))
#define UNPOISON(at, size) ASAN_UNPOISON_MEMORY_REGION((at), (size))
#else
#define POISON(at, size) ((void)(at), (void)(size))
#define UNPOISON(at, size) ((void)(at), (void)(size))
#endif

#define BLOCK_FIRST 4096
#define BLOCK_MOST (64 * 1024)
#define ALIGN 16

struct arena_block {
    struct arena_block *older;
    size_t size, taken; /* of `bytes` */
    _Alignas(ALIGN) char bytes[];
};

void arena_init(struct arena *mem, size_t cap)
{
    *mem = (struct arena){.cap = cap};
}

void arena_done(struct arena *mem)
{
    struct arena_block *block = mem->blocks;
    while (block) {
        struct arena_block *older = block->older;
        UNPOISON(block->bytes, block->size);
        free(block);
        block = older;
    }
    mem->blocks = NULL;
    mem->used = 0;
    mem->failed = false;
}

bool arena_failed(const struct arena *mem)
{
    return mem->failed;
}

/* The next block doubles the one before, so that the number of blocks stays small; a large piece
 * gets its own. */
static struct arena_block *block_add(struct arena *mem, size_t size)
{
    size_t want = mem->blocks ? mem->blocks->size * 2 : BLOCK_FIRST;
    if (want > BLOCK_MOST)
        want = BLOCK_MOST;
    if (want < size)
        want = size;
    if (want > mem->cap - mem->used)
        want = size;
    if (want > mem->cap - mem->used)
        return NULL;
    struct arena_block *block = malloc(sizeof(*block) + want);
    if (!block)
        return NULL;
    *block = (struct arena_block){.older = mem->blocks, .size = want};
    POISON(block->bytes, want);
    mem->blocks = block;
    mem->used += want;
    return block;
}

static void *arena_full(struct arena *mem)
{
    mem->failed = true;
    return NULL;
}

void *arena_alloc(struct arena *mem, size_t size)
{
    if (mem->failed || size > SIZE_MAX / 2)
        return arena_full(mem);
    struct arena_block *block = mem->blocks;
    /* At least one byte of gap, for ASan to watch. */
    size_t rounded = (size + ALIGN) & ~(size_t)(ALIGN - 1);
    if (!block || rounded > block->size - block->taken)
        block = block_add(mem, rounded);
    if (!block)
        return arena_full(mem);
    void *at = block->bytes + block->taken;
    block->taken += rounded;
    UNPOISON(at, size);
    return memset(at, 0, size);
}

void arena_forgive(struct arena *mem)
{
    mem->failed = false;
}

bool arena_reserve(struct arena *mem, size_t size)
{
    const struct arena_block *block = mem->blocks;
    return !mem->failed && ((block && block->size - block->taken >= size) || block_add(mem, size));
}

void *arena_array(struct arena *mem, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return arena_full(mem);
    return arena_alloc(mem, bytes);
}
