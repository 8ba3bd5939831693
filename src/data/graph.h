/* Who reads whom among a team's tables and views: order of refreshing, dependents, circles. */
#ifndef DATA_GRAPH_H
#define DATA_GRAPH_H

#include "base/fields.h"
#include "store/store.h"

struct edge {
    str view_key, view_name, reads_key, reads_name;
};

struct graph {
    struct arena *mem;
    struct edge *edges;
    size_t n;
};

MUST_CHECK err graph_load(struct tx *tx, str team, struct graph *out);
str graph_reads_json(const struct graph *graph, str key);   /* names that `key` reads */
str graph_readers_json(const struct graph *graph, str key); /* names of the views that read `key` */
/*
 * `key` and all that it reads, directly or not (reads: true), what is read before what reads it; or
 * `key` and all that read it, directly or not, readers before what they read.
 */
MUST_CHECK err graph_order(const struct graph *graph, str key, bool reads, struct strs *out);
/* Would `key` read itself if it read `reads_key`? */
bool graph_circle(const struct graph *graph, str key, str reads_key);

#endif
