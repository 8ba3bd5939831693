/* Static files in order of path, each as it is and packed, with the tags that tell versions apart.
 */
#include "http/statics.h"

#include <stdlib.h>

#include "http/accept.h"
#include "http/gzip.h"

#define GZIP_BEST 9

struct static_entry {
    str path;
    const char *content_type;
    struct frame *plain, *packed; /* packed NULL: not worth it */
    str plain_tag, packed_tag;
    bool immutable;
};

struct statics {
    struct static_entry *at;
    size_t n;
};

/* FNV-1a: tells versions of a file apart, guards against nobody. */
static uint64_t hash(str bytes)
{
    uint64_t h = 14695981039346656037ULL;
    for (size_t i = 0; i < bytes.len; i++)
        h = (h ^ (unsigned char)bytes.at[i]) * 1099511628211ULL;
    return h;
}

static err entry_make(struct arena *mem, const struct static_file *file, struct static_entry *entry)
{
    unsigned long long tag = hash(file->body);
    *entry = (struct static_entry){.path = str_of(file->path),
                                   .content_type = file->content_type,
                                   .plain = frame_view(file->body),
                                   .plain_tag = str_fmt(mem, "\"%016llx\"", tag),
                                   .packed_tag = str_fmt(mem, "\"%016llx-gzip\"", tag),
                                   .immutable = file->immutable};
    if (file->packed.at) {
        entry->packed = frame_view(file->packed);
        return entry->plain && entry->packed && !arena_failed(mem) ? NULL : &err_no_memory;
    }
    CLEANUP(buf_done) struct buf packed;
    buf_init(&packed, file->body.len + GZIP_LEAST);
    if (file->body.len >= GZIP_LEAST && gzip_worth(file->content_type) &&
        gzip_pack(file->body, GZIP_BEST, &packed))
        entry->packed = frame_copy(buf_str(&packed));
    return entry->plain && !arena_failed(mem) ? NULL : &err_no_memory;
}

static int entry_order(const void *a, const void *b)
{
    return str_cmp(((const struct static_entry *)a)->path, ((const struct static_entry *)b)->path);
}

err statics_new(struct arena *mem, const struct static_file *files, size_t count,
                struct statics **out)
{
    struct statics *statics = *out = NEW(mem, struct statics);
    if (!statics || !(statics->at = arena_array(mem, count + 1, sizeof(*statics->at))))
        return &err_no_memory;
    for (size_t i = 0; i < count; i++) {
        statics->n++;
        TRY(entry_make(mem, &files[i], &statics->at[i]));
    }
    qsort(statics->at, statics->n, sizeof(*statics->at), entry_order);
    for (size_t i = 1; i < statics->n; i++) {
        if (str_eq(statics->at[i - 1].path, statics->at[i].path))
            return err_internal(mem, "two static files for %.*s", STR_ARGS(statics->at[i].path));
    }
    return NULL;
}

void statics_free(struct statics *statics)
{
    for (size_t i = 0; statics && i < statics->n; i++) {
        frame_unref(statics->at[i].plain);
        frame_unref(statics->at[i].packed);
    }
}

const struct static_entry *statics_find(const struct statics *statics, str path)
{
    struct static_entry key = {.path = path};
    return bsearch(&key, statics->at, statics->n, sizeof(key), entry_order);
}

/* RFC 9110 13.1.2: a list of tags or "*", compared without regard to weakness. */
static bool tag_matches(str list, str tag)
{
    while (list.at) {
        str one = str_trim(str_cut(&list, ','));
        if (str_starts(one, STR("W/")))
            one = str_sub(one, 2, one.len);
        if (str_eq(one, tag) || str_eq(one, STR("*")))
            return true;
    }
    return false;
}

void reply_static(struct asking *ask, const struct static_entry *entry)
{
    struct request *rq = &ask->rq;
    bool packed = entry->packed && accept_gzip(asking_header(ask, STR("accept-encoding")));
    str tag = packed ? entry->packed_tag : entry->plain_tag;
    reply_header(rq, "ETag", tag);
    reply_header(rq,
                 "Cache-Control",
                 entry->immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    if (entry->packed)
        reply_header(rq, "Vary", STR("Accept-Encoding"));
    str known = asking_header(ask, STR("if-none-match"));
    if (known.at && tag_matches(known, tag)) {
        /* With its type: a 304 brings the guards of what is kept up to date (RFC 9110 15.4.5). */
        struct frame *none = frame_view(STR(""));
        reply_frame(ask, 304, entry->content_type, none);
        frame_unref(none);
        return;
    }
    if (packed)
        reply_header(rq, "Content-Encoding", STR("gzip"));
    reply_frame(ask, 200, entry->content_type, packed ? entry->packed : entry->plain);
}
