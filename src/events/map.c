/* A hash table with chains through its entries; it doubles when it is full and never shrinks. */
#include "events/map.h"

#include <stdlib.h>

#define FIRST_SIZE 8

static uint64_t hash_of(str key)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.at[i]) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

void map_done(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}

struct entry *map_find(const struct map *map, str key)
{
    uint64_t hash = hash_of(key);
    struct entry *entry = map->size ? map->slots[hash & (map->size - 1)] : NULL;
    while (entry && (entry->hash != hash || !str_eq(entry->key, key)))
        entry = entry->next;
    return entry;
}

static void place(struct map *map, struct entry *entry)
{
    struct entry **slot = &map->slots[entry->hash & (map->size - 1)];
    entry->next = *slot;
    *slot = entry;
}

static bool grow(struct map *map)
{
    struct map larger = {.size = map->size ? map->size * 2 : FIRST_SIZE, .n = map->n};
    larger.slots = calloc(larger.size, sizeof(*larger.slots));
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < map->size; i++) {
        for (struct entry *entry = map->slots[i]; entry;) {
            struct entry *next = entry->next;
            place(&larger, entry);
            entry = next;
        }
    }
    free(map->slots);
    *map = larger;
    return true;
}

bool map_add(struct map *map, struct entry *entry)
{
    /* A full table is slower, not wrong. */
    if (map->n >= map->size && !grow(map) && map->size == 0)
        return false;
    entry->hash = hash_of(entry->key);
    place(map, entry);
    map->n++;
    return true;
}

void map_remove(struct map *map, struct entry *entry)
{
    struct entry **at = &map->slots[entry->hash & (map->size - 1)];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    map->n--;
}

struct entry *map_next(const struct map *map, const struct entry *entry)
{
    if (entry && entry->next)
        return entry->next;
    for (size_t i = entry ? (entry->hash & (map->size - 1)) + 1 : 0; i < map->size; i++) {
        if (map->slots[i])
            return map->slots[i];
    }
    return NULL;
}
