/* From route to route. A table without a tag has its routes under the first names of their paths.
 */
#include "http/walk.h"

static str path_tag(const char *path)
{
    str rest = str_of(path + 1);
    return rest.len ? str_cut(&rest, '/') : STR("service");
}

bool walk_on(struct walk *walk)
{
    while (walk->table < walk->count && walk->next == walk->tables[walk->table].count) {
        walk->table++;
        walk->next = 0;
    }
    if (walk->table == walk->count)
        return false;
    const struct route_table *table = &walk->tables[walk->table];
    walk->route = &table->routes[walk->next++];
    walk->tag = table->tag ? str_of(table->tag) : path_tag(walk->route->path);
    return true;
}

bool walk_tag_is_new(const struct walk *walk)
{
    for (struct walk before = WALK(walk->tables, walk->count);
         walk_on(&before) && before.route != walk->route;) {
        if (str_eq(before.tag, walk->tag))
            return false;
    }
    return true;
}

void walk_tag_print(struct buf *out, str tag, void (*print)(struct buf *, str))
{
    CLEANUP(buf_done) struct buf name = {.max = 1000};
    buf_add(&name, tag);
    if (name.len && name.at[0] >= 'a' && name.at[0] <= 'z')
        name.at[0] = (char)(name.at[0] - 'a' + 'A');
    print(out, buf_str(&name));
}
