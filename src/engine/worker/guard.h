/*
 * The guard: is an SQL text one statement that only reads the team's own tables and views?
 *
 * DuckDB's parser makes a tree of it, the tree is walked here, and everything in it must be on a
 * list of what is allowed: kinds of nodes, functions, types, tables. Then DuckDB binds it (it is
 * not run, nor are its constants folded), and the tables and functions that it was bound to are
 * held against the same lists once more.
 */
#ifndef ENGINE_WORKER_GUARD_H
#define ENGINE_WORKER_GUARD_H

#include "engine/worker/sql.h"

#define SQL_TEXT_MAX (64 * 1024)

struct guarded {
    str sql; /* to run: as given, but for EXTRACT(SECOND ...) which keeps its fraction as in
                PostgreSQL */
    struct checked checked;
    bool collates; /* has a COLLATE in it, which its columns may inherit */
    bool steady;   /* the same rows give the same answer in whatever order they come: may run on all
                      cores */
};

/* 422 invalid_query, with the place or the name in its detail. */
MUST_CHECK err guard_check(struct call *call, str sql, struct guarded *out);
/* What a statement that the guard passed failed with, in plain words. */
MUST_CHECK err guard_failure(struct call *call, str sql, const struct sql_failure *failure);

/* For the parts of the guard. */
MUST_CHECK err guard_refuse(struct call *call, str sql, int64_t position, str text);

struct json_t;
/* A text member of what DuckDB serialised; "" when there is none. */
str guard_member(const struct json_t *object, const char *key);

/* The tree (tree.c): fills depends and is_volatile; the places where the seconds of a time are
 * taken. */
struct tree {
    struct call *call;
    str sql;
    const struct objects *own;
    struct checked *out;
    size_t *seconds, seconds_n;
    bool collates;
    size_t rewritten; /* calls of our own function that the text has, by us */
};

MUST_CHECK err tree_check(struct tree *tree, str json);
/* The bound plan (plan.c): `steady`. */
MUST_CHECK err plan_check(struct call *call, str sql, bool *steady);

#endif
