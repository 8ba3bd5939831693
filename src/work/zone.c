/* Time zones: those in use, each read once from the system's IANA data. */
#include "work/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fields.h"
#include "work/tzif.h"

#define NAME_MAX_BYTES 64
#define FILE_MAX_BYTES 65536

struct zone {
    struct zone *next;
    size_t refs; /* with the lock */
    struct tz *tz;
    char name[NAME_MAX_BYTES + 1];
};

static struct {
    pthread_mutex_t lock;
    struct zone *first; /* as many as the database has names, at most */
} zones = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The name must look like one of the database (a capital, then letters, digits, _ + - and single
 * slashes), so that it can't lead out of it. */
static bool name_ok(str name)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES || name.at[0] < 'A' || name.at[0] > 'Z' ||
        name.at[name.len - 1] == '/')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool doubled = c == '/' && name.at[i - 1] == '/';
        bool other = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' || c == '/';
        if (doubled || (!letter(c) && !other))
            return false;
    }
    return true;
}

static ssize_t bytes_read(int fd, char *into, size_t size)
{
    size_t len = 0;
    ssize_t n = 1;
    while (n > 0 && len < size) {
        n = read(fd, into + len, size - len);
        len += n > 0 ? (size_t)n : 0;
    }
    return n < 0 ? -1 : n > 0 ? 0 : (ssize_t)len;
}

/* Up to `size` bytes of it; 0: no such file, or a longer one. */
static err file_read(struct arena *mem, const char *path, char *bytes, size_t size, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? bytes_read(fd, bytes, size) : -1;
    int why = errno;
    if (fd >= 0)
        close(fd);
    *len = n < 0 ? 0 : (size_t)n;
    if (n >= 0 || why == ENOENT || why == ENOTDIR || why == EISDIR)
        return NULL;
    return err_internal(mem, "the time zone %s can't be read: %s", path, strerror(why));
}

static err not_a_zone(struct arena *mem, str name)
{
    return field_err(mem,
                     "timezone",
                     "\"%.*s\" is not a time zone; they are named as in Europe/Berlin or UTC.",
                     STR_ARGS(str_sub(name, 0, NAME_MAX_BYTES)));
}

static void bytes_done(char **bytes)
{
    free(*bytes);
}

static err tz_load(struct arena *mem, str name, struct tz **out)
{
    const char *folder = getenv("TZDIR");
    str path = str_fmt(mem, "%s/%.*s", folder ? folder : "/usr/share/zoneinfo", STR_ARGS(name));
    CLEANUP(bytes_done) char *bytes = malloc(FILE_MAX_BYTES);
    if (!path.at || !bytes)
        return &err_no_memory;
    size_t len;
    TRY(file_read(mem, path.at, bytes, FILE_MAX_BYTES, &len));
    enum tz_state state = tz_parse((str){bytes, len}, out);
    if (state == TZ_BAD && str_eq(name, STR("UTC"))) { /* also where there is no database */
        *out = calloc(1, sizeof(**out));
        state = *out ? TZ_READ : TZ_NO_MEMORY;
    }
    if (state == TZ_NO_MEMORY)
        return &err_no_memory;
    return state == TZ_BAD ? not_a_zone(mem, name) : NULL;
}

/* With the lock. */
static err zone_make(struct arena *mem, str name, struct zone **out)
{
    struct tz *tz = NULL;
    TRY(tz_load(mem, name, &tz));
    struct zone *zone = calloc(1, sizeof(*zone));
    if (!zone) {
        free(tz);
        return &err_no_memory;
    }
    *zone = (struct zone){.next = zones.first, .tz = tz};
    memcpy(zone->name, name.at, name.len);
    zones.first = *out = zone;
    return NULL;
}

err zone_load(struct arena *mem, str name, struct zone **out)
{
    if (!name_ok(name))
        return not_a_zone(mem, name);
    pthread_mutex_lock(&zones.lock);
    struct zone *zone = zones.first;
    while (zone && !str_eq(str_of(zone->name), name))
        zone = zone->next;
    err e = zone ? NULL : zone_make(mem, name, &zone);
    if (!e)
        zone->refs++;
    pthread_mutex_unlock(&zones.lock);
    if (!e)
        *out = zone;
    return e;
}

struct zone *zone_ref(struct zone *zone)
{
    pthread_mutex_lock(&zones.lock);
    zone->refs++;
    pthread_mutex_unlock(&zones.lock);
    return zone;
}

void zone_unref(struct zone *zone)
{
    if (!zone)
        return;
    pthread_mutex_lock(&zones.lock);
    bool last = --zone->refs == 0;
    struct zone **at = &zones.first;
    while (last && *at != zone)
        at = &(*at)->next;
    if (last)
        *at = zone->next;
    pthread_mutex_unlock(&zones.lock);
    if (!last)
        return;
    free(zone->tz);
    free(zone);
}

int64_t zone_offset(const struct zone *zone, int64_t at)
{
    return tz_offset(zone->tz, at);
}

int64_t zone_change(const struct zone *zone, int64_t after, int64_t until)
{
    int64_t change = after;
    do
        change = tz_next(zone->tz, change, until);
    while (change != INT64_MAX && tz_offset(zone->tz, change) == tz_offset(zone->tz, change - 1));
    return change == INT64_MAX ? ZONE_NO_CHANGE : change;
}
