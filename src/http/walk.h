/* All routes of the tables in their order, each with the tag that it stands under. For what is
 * printed of them. */
#ifndef HTTP_WALK_H
#define HTTP_WALK_H

#include "http/route.h"

/* Starts as WALK(tables, count). */
struct walk {
    const struct route_table *tables;
    size_t count, table, next;
    const struct route *route; /* where it stands, after walk_on */
    str tag;
};

#define WALK(tables_, count_) ((struct walk){.tables = (tables_), .count = (count_)})

bool walk_on(struct walk *walk); /* false: there are no more */
/* No route before has this tag. */
bool walk_tag_is_new(const struct walk *walk);
/* "Tables", also when the tag is the path's own "tables". */
void walk_tag_print(struct buf *out, str tag, void (*print)(struct buf *, str));

#endif
