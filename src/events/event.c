/* Events on the heap, shared by reference count, and how they are printed. */
#include <stdlib.h>
#include <string.h>

#include "events/feeds.h"

const struct field event_fields[] = {
    FIELD(struct event, n, FIELD_INT, .help = "Its number in the team's log"),
    FIELD(struct event, at, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct event, type, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "What happened: table.created, view.refreshed ..."),
    FIELD(struct event, subject, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "To what: a name or an id"),
    FIELD(struct event, actor, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "By whom: an account, a job, or system"),
    FIELD(struct event, data, FIELD_JSON, .help = "What it was like afterwards"),
    FIELD_LAST,
};

void event_print(struct buf *out, const struct event *event)
{
    fields_print(out, event_fields, event);
}

static str text_take(char **at, str text)
{
    if (!text.at)
        return text;
    char *to = *at;
    if (text.len)
        memcpy(to, text.at, text.len);
    *at += text.len;
    return (str){to, text.len};
}

struct shared *shared_new(const struct event *event)
{
    size_t size =
        event->team.len + event->type.len + event->subject.len + event->actor.len + event->data.len;
    struct shared *shared = malloc(sizeof(*shared) + size + 1);
    if (!shared)
        return NULL;
    char *at = shared->bytes;
    atomic_init(&shared->refs, 1);
    shared->size = sizeof(*shared) + size;
    shared->event = (struct event){.n = event->n,
                                   .at = event->at,
                                   .team = text_take(&at, event->team),
                                   .type = text_take(&at, event->type),
                                   .subject = text_take(&at, event->subject),
                                   .actor = text_take(&at, event->actor),
                                   .data = text_take(&at, event->data)};
    return shared;
}

struct shared *shared_ref(struct shared *shared)
{
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void shared_unref(struct shared *shared)
{
    if (shared && atomic_fetch_sub_explicit(&shared->refs, 1, memory_order_acq_rel) == 1)
        free(shared);
}
