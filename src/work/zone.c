/* Time zones: the system's IANA data, read by GLib. */
#include "work/zone.h"

#include <glib.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fields.h"

#define NAME_MAX_BYTES 64

struct zone {
    atomic_int refs;
    GTimeZone *data;
};

/*
 * GLib would also take offsets, POSIX rules and paths, so the name must look like one of the
 * database (a capital, then letters, digits, _ + - and single slashes) and be a file of it.
 */
static bool name_ok(str name)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES || !g_ascii_isupper(name.at[0]) ||
        name.at[name.len - 1] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool doubled = c == '/' && name.at[i - 1] == '/';
        if (doubled || !(g_ascii_isalnum(c) || c == '_' || c == '+' || c == '-' || c == '/'))
            return false;
    }
    return true;
}

static bool file_there(struct arena *mem, str name)
{
    const char *folder = getenv("TZDIR");
    str path = str_fmt(mem, "%s/%.*s", folder ? folder : "/usr/share/zoneinfo", STR_ARGS(name));
    return str_eq(name, STR("UTC")) || (path.at && access(path.at, R_OK) == 0);
}

err zone_load(struct arena *mem, str name, struct zone **out)
{
    GTimeZone *data = name_ok(name) && file_there(mem, name)
                          ? g_time_zone_new_identifier(str_c(mem, name))
                          : NULL;
    if (!data)
        return field_err(mem,
                         "timezone",
                         "\"%.*s\" is not a time zone; they are named as in Europe/Berlin or UTC.",
                         STR_ARGS(str_sub(name, 0, NAME_MAX_BYTES)));
    struct zone *zone = malloc(sizeof(*zone));
    if (!zone) {
        g_time_zone_unref(data);
        return &err_no_memory;
    }
    atomic_init(&zone->refs, 1);
    zone->data = data;
    *out = zone;
    return NULL;
}

struct zone *zone_ref(struct zone *zone)
{
    atomic_fetch_add(&zone->refs, 1);
    return zone;
}

void zone_unref(struct zone *zone)
{
    if (!zone || atomic_fetch_sub(&zone->refs, 1) > 1)
        return;
    g_time_zone_unref(zone->data);
    free(zone);
}

/* GLib numbers the stretches between the zone's changes in the order of time. */
static int stretch_at(const struct zone *zone, int64_t at)
{
    return g_time_zone_find_interval(zone->data, G_TIME_TYPE_UNIVERSAL, at);
}

int64_t zone_offset(const struct zone *zone, int64_t at)
{
    return g_time_zone_get_offset(zone->data, stretch_at(zone, at));
}

int64_t zone_change(const struct zone *zone, int64_t after, int64_t until)
{
    int before = stretch_at(zone, after);
    if (until <= after || stretch_at(zone, until) == before)
        return ZONE_NO_CHANGE;
    while (until - after > 1) {
        int64_t middle = after + (until - after) / 2;
        if (stretch_at(zone, middle) == before)
            after = middle;
        else
            until = middle;
    }
    return until;
}
