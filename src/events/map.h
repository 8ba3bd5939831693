/* A hash table by name of what carries its own entry: it holds no memory but its slots. */
#ifndef EVENTS_MAP_H
#define EVENTS_MAP_H

#include "base/str.h"

/* Embedded in what is found; `key` must live as long. */
struct entry {
    struct entry *next;
    str key;
    uint64_t hash;
};

struct map {
    struct entry **slots; /* a power of two of them; NULL: none yet */
    size_t size, n;
};

void map_done(struct map *map); /* the slots alone */
struct entry *map_find(const struct map *map, str key);
bool map_add(struct map *map, struct entry *entry); /* false: no memory */
void map_remove(struct map *map, struct entry *entry);
/* The entry after `entry`, of all in no order; NULL gives the first and ends. */
struct entry *map_next(const struct map *map, const struct entry *entry);

#endif
