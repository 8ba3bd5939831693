/* Walks over the dependencies of a team; their number is small, so that lists are searched as they
 * stand. */
#include "data/graph.h"

#define EDGES_MAX 100000

static const struct field edge_row[] = {
    FIELD(struct edge, view_key, FIELD_STR),
    FIELD(struct edge, view_name, FIELD_STR),
    FIELD(struct edge, reads_key, FIELD_STR),
    FIELD(struct edge, reads_name, FIELD_STR),
    FIELD_LAST,
};

err graph_load(struct tx *tx, str team, struct graph *out)
{
    struct list list;
    TRY(tx_list(tx,
                edge_row,
                sizeof(struct edge),
                EDGES_MAX,
                &list,
                "SELECT d.view_key, v.name AS view_name, d.reads_key, r.name AS reads_name FROM "
                "dependencies d"
                " JOIN relations v ON v.team = d.team AND v.name_key = d.view_key"
                " JOIN relations r ON r.team = d.team AND r.name_key = d.reads_key"
                " WHERE d.team = $1 ORDER BY d.view_key, d.reads_key",
                A(team)));
    *out = (struct graph){tx->db->mem, list.at, list.n};
    return NULL;
}

static str names_json(const struct graph *graph, str key, bool reads)
{
    CLEANUP(buf_done) struct buf out;
    buf_init(&out, 4 << 20);
    buf_char(&out, '[');
    size_t n = 0;
    for (size_t i = 0; i < graph->n; i++) {
        const struct edge *edge = &graph->edges[i];
        if (!str_eq(reads ? edge->view_key : edge->reads_key, key))
            continue;
        buf_add(&out, n++ ? STR(", ") : STR(""));
        json_print_str(&out, reads ? edge->reads_name : edge->view_name);
    }
    buf_char(&out, ']');
    if (out.failed)
        graph->mem->failed = true;
    return str_copy(graph->mem, buf_str(&out));
}

str graph_reads_json(const struct graph *graph, str key)
{
    return names_json(graph, key, true);
}

str graph_readers_json(const struct graph *graph, str key)
{
    return names_json(graph, key, false);
}

static bool among(const struct strs *list, str key)
{
    for (size_t i = 0; i < list->n; i++) {
        if (str_eq(list->at[i], key))
            return true;
    }
    return false;
}

/* Depth first; a key is written down after all that it leads to. */
static void visit(const struct graph *graph, str key, bool reads, struct strs *seen,
                  struct strs *out)
{
    if (among(seen, key))
        return;
    seen->at[seen->n++] = key;
    for (size_t i = 0; i < graph->n; i++) {
        const struct edge *edge = &graph->edges[i];
        if (str_eq(reads ? edge->view_key : edge->reads_key, key))
            visit(graph, reads ? edge->reads_key : edge->view_key, reads, seen, out);
    }
    out->at[out->n++] = key;
}

err graph_order(const struct graph *graph, str key, bool reads, struct strs *out)
{
    size_t most = 2 * graph->n + 1; /* each edge names two */
    struct strs seen = {.at = arena_array(graph->mem, most, sizeof(str))};
    *out = (struct strs){.at = arena_array(graph->mem, most, sizeof(str))};
    if (!seen.at || !out->at)
        return &err_no_memory;
    visit(graph, key, reads, &seen, out);
    return NULL;
}

bool graph_circle(const struct graph *graph, str key, str reads_key)
{
    struct strs reached = {0};
    err e = graph_order(graph, reads_key, true, &reached);
    return e || among(&reached, key);
}
