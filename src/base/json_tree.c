/* jansson, with an arena for each text that it parses. */
#include "base/json_tree.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>

#define TREE_MEMORY_MAX ((size_t)2 << 30)

struct parse {
    struct arena *mem;
    jmp_buf no_memory;
};

/* What this thread is parsing now. */
static _Thread_local struct parse *parse_now;

static void *tree_alloc(size_t size)
{
    if (!parse_now)
        return malloc(size);
    void *at = arena_alloc(parse_now->mem, size);
    if (!at)
        longjmp(parse_now->no_memory, 1);
    return at;
}

static void tree_free(void *at)
{
    if (!parse_now)
        free(at);
}

/* The seed of its tables is made now: who waits for another thread to make it must not be left. */
static void tree_set_up(void)
{
    json_object_seed(0);
    json_set_alloc_funcs(tree_alloc, tree_free);
}

/* jansson holds nothing but memory while it parses, so that it can be left from within. */
static bool parse_run(struct json_tree *tree, str json, size_t flags, json_error_t *error)
{
    struct parse parse = {.mem = &tree->mem};
    parse_now = &parse;
    bool whole = setjmp(parse.no_memory) == 0;
    if (whole)
        tree->root = json_loadb(json.at ? json.at : "", json.len, flags, error);
    parse_now = NULL;
    return whole;
}

err json_tree_parse(struct json_tree *tree, struct arena *mem, str json, size_t flags)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, tree_set_up);
    json_error_t error;
    *tree = (struct json_tree){0};
    arena_init(&tree->mem, TREE_MEMORY_MAX);
    if (!parse_run(tree, json, flags, &error)) {
        tree->root = NULL;
        return &err_no_memory;
    }
    if (tree->root)
        return NULL;
    return err_new(mem,
                   400,
                   "malformed_json",
                   "The JSON is malformed at line %d, column %d: %s.",
                   error.line,
                   error.column,
                   error.text);
}

void json_tree_done(struct json_tree *tree)
{
    tree->root = NULL;
    arena_done(&tree->mem);
}
