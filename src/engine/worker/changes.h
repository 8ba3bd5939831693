/*
 * The differences between the versions of a view: computed, kept for a while, paged through.
 *
 * They are rows of a table of the view's own: version, n (how often the row was added; below 0:
 * removed), and the view's columns as c0, c1, ... The view's `floor` is the version after which all
 * are there.
 */
#ifndef ENGINE_WORKER_CHANGES_H
#define ENGINE_WORKER_CHANGES_H

#include "engine/worker/meta.h"

/* The rows before and after a refresh. */
struct versions {
    str old, new; /* SQL names of tables with the same columns; no old one without old_rows */
    int64_t old_rows, new_rows;
    const struct columns *types; /* of both (meta_types) */
};

struct difference {
    int64_t added, removed; /* rows */
    int64_t stored;         /* rows of the table of differences */
};

/* Makes the table for a view of the columns of `versions`, in place of one that is there; nothing
 * is kept in it yet. */
MUST_CHECK err changes_reset(struct call *call, struct meta *view, const struct versions *versions);
MUST_CHECK err changes_drop(struct call *call, const struct meta *view);
/* Stores what turns the old rows into the new ones, as the difference of version
 * view->object.version. */
MUST_CHECK err changes_store(struct call *call, const struct meta *view,
                             const struct versions *versions, struct difference *out);
/* Forgets what is older than keep_us, and the oldest while there are too many; moves view->floor.
 */
MUST_CHECK err changes_prune(struct call *call, struct meta *view);
/* [{"change", "row"}] of one version when there are at most `rows_max` in `bytes_max` bytes, else
 * absent. */
MUST_CHECK err changes_inline(struct call *call, const struct meta *view, int64_t rows_max,
                              size_t bytes_max, str *out);

#endif
