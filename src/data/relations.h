/* Tables and views as the store knows them: one struct, two faces. */
#ifndef DATA_RELATIONS_H
#define DATA_RELATIONS_H

#include "data/state.h"
#include "http/page.h"

#define RELATIONS_MAX 2000 /* of one team */

struct relation {
    str team, key, name, kind;
    int64_t version, row_count, bytes, created, updated;
    str columns; /* JSON: [{column_name, column_type}] */
    str sql_query, inputs, error;
    str chart;    /* JSON: an object, or absent */
    str next_sql; /* of a view that is being given another query */
    bool is_volatile;
    int64_t refreshed_at, duration_us, added, removed;
    double duration_ms;
    str depends_on, dependents; /* JSON: lists of names */
    struct strs reads;          /* keys of what a new query reads; not kept here */
};

extern const struct field table_fields[], view_fields[]; /* what a client sees */

/* JSON Schema: rows as objects by column name, and how a view is drawn. */
#define ROWS_SCHEMA "\"type\":\"array\",\"items\":{\"type\":\"object\"}"
#define CHART_SCHEMA "\"type\":[\"object\",\"null\"],\"additionalProperties\":true"

/* 404 when the team has no such table (kind "table"), view ("view") or either (NULL). */
MUST_CHECK err relation_load(struct tx *tx, str team, str name, const char *kind,
                             struct relation *out);
MUST_CHECK err relation_find(struct tx *tx, str team, str name, struct relation *out, bool *found);
/* All of a team, by name; or a page of one kind. `depends_on` and `dependents` are filled by
 * relation_link. */
MUST_CHECK err relation_list(struct tx *tx, str team, struct list *out);
MUST_CHECK err relation_page(struct tx *tx, str team, const char *kind, const struct page *page,
                             struct list *out);
/* Fills depends_on and dependents of `n` relations. */
MUST_CHECK err relation_link(struct tx *tx, str team, struct relation *relations, size_t n);
/* 409 name_taken naming `field`. */
MUST_CHECK err relation_name_free(struct tx *tx, str team, const char *field, str name);
MUST_CHECK err relation_insert(struct tx *tx, const struct relation *relation);
/* Takes over what the engine says after a load or a refresh; no other query is under way then. */
MUST_CHECK err relation_update(struct tx *tx, const struct relation *relation);
MUST_CHECK err relation_set_reads(struct tx *tx, str team, str view_key, const str *keys, size_t n);

/* With `updated`. Nothing else is touched. */
MUST_CHECK err relation_set_chart(struct tx *tx, const struct relation *view);
/* The query that the view is about to get, or with an absent text that it gets none. */
MUST_CHECK err relation_set_next(struct tx *tx, const struct relation *view, str next_sql);

/* What the engine found a query to be: what it reads, and whether it has a clock or chance in it.
 */
MUST_CHECK err relation_take_checked(struct arena *mem, struct relation *view,
                                     const struct checked *checked);
/* What the engine said, as the store keeps it. */
void relation_take(struct arena *mem, struct relation *relation, const struct object *object);
str relation_key(struct arena *mem, str name);
str columns_print(struct arena *mem, const struct columns *columns);
/* From the JSON of a form field or of the store. */
MUST_CHECK err columns_parse(struct arena *mem, str json, struct columns *out);
extern const struct field column_fields[];

#endif
