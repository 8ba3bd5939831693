/*
 * JSON text as a tree of values, in memory of its own.
 *
 * jansson does not survive an allocation that fails: it goes on with what it has not got. So all
 * that it takes while it parses comes from an arena, and when there is no more the parse is left at
 * once. A tree is read, never changed, and freed as a whole.
 */
#ifndef BASE_JSON_TREE_H
#define BASE_JSON_TREE_H

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

struct json_tree {
    struct arena mem;
    json_t *root;
};

/* 400 malformed_json (in `mem`), saying where, or out_of_memory. `flags` are jansson's. The tree is
 * to be done with either way. */
MUST_CHECK err json_tree_parse(struct json_tree *tree, struct arena *mem, str json, size_t flags);
void json_tree_done(struct json_tree *tree); /* a zeroed tree is fine */

#endif
