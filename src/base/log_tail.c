/* The last lines of the log: a ring of places of equal size. */
#include "base/log_tail.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX (8 * LOG_TAIL_BYTES)

/* Its texts stand one behind another, each with its NUL: level, area, message, name, value ... */
struct place {
    int64_t n, at; /* n 0: free */
    size_t len;
    char texts[LOG_TAIL_BYTES];
};

struct log_tail {
    pthread_mutex_t lock;
    int64_t last;
    struct place places[LOG_TAIL_LINES];
};

static const char *const levels[] = {"debug", "info", "warning", "error", NULL};

const struct field log_entry_fields[] = {
    FIELD(struct log_entry, n, FIELD_INT, .help = "Number of the line since the server's start"),
    FIELD(struct log_entry, at, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct log_entry, level, FIELD_STR, .flags = FIELD_REQUIRED, .choices = levels),
    FIELD(struct log_entry, area, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "The part of the server that speaks"),
    FIELD(struct log_entry, message, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct log_entry, fields, FIELD_JSON,
          .schema = "\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}",
          .help = "The named values of the line"),
    FIELD_LAST,
};

struct log_tail *log_tail_new(void)
{
    struct log_tail *tail = calloc(1, sizeof(*tail));
    if (tail)
        pthread_mutex_init(&tail->lock, NULL);
    return tail;
}

void log_tail_free(struct log_tail *tail)
{
    if (!tail)
        return;
    pthread_mutex_destroy(&tail->lock);
    free(tail);
}

/* False: it was cut. */
static bool text_add(struct place *place, const char *text)
{
    size_t len = strlen(text), room = sizeof(place->texts) - place->len;
    size_t kept = len < room ? len : room ? room - 1 : 0;
    if (room == 0)
        return false;
    memcpy(place->texts + place->len, text, kept);
    place->texts[place->len + kept] = '\0';
    place->len += kept + 1;
    return kept == len;
}

void log_tail_add(struct log_tail *tail, int64_t at, const char *level, const char *area,
                  const char *message, const char *const *pairs)
{
    pthread_mutex_lock(&tail->lock);
    int64_t n = ++tail->last;
    struct place *place = &tail->places[n % LOG_TAIL_LINES];
    place->n = n;
    place->at = at;
    place->len = 0;
    bool room = text_add(place, level) && text_add(place, area) && text_add(place, message);
    for (; room && pairs && pairs[0]; pairs += 2)
        room = text_add(place, pairs[0]) && text_add(place, pairs[1]);
    pthread_mutex_unlock(&tail->lock);
}

int64_t log_tail_last(struct log_tail *tail)
{
    pthread_mutex_lock(&tail->lock);
    int64_t last = tail->last;
    pthread_mutex_unlock(&tail->lock);
    return last;
}

static str text_take(str *texts)
{
    return texts->len ? str_cut(texts, '\0') : (str){0};
}

/* A name that was cut off from its value is left out. */
static err fields_copy(struct arena *mem, str texts, str *out)
{
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, FIELDS_MAX);
    buf_char(&json, '{');
    while (texts.len) {
        str name = text_take(&texts);
        if (!texts.len)
            break;
        if (json.len > 1)
            buf_add(&json, STR(", "));
        json_print_str(&json, name);
        buf_add(&json, STR(": "));
        json_print_str(&json, text_take(&texts));
    }
    buf_char(&json, '}');
    *out = str_copy(mem, buf_str(&json));
    return json.failed ? &err_no_memory : NULL;
}

static err entry_copy(struct arena *mem, const struct place *place, struct log_entry *out)
{
    str texts = {place->texts, place->len};
    *out = (struct log_entry){.n = place->n, .at = place->at};
    out->level = str_copy(mem, text_take(&texts));
    out->area = str_copy(mem, text_take(&texts));
    out->message = str_copy(mem, text_take(&texts));
    return fields_copy(mem, texts, &out->fields);
}

/* What is there of it now: a line a lock, so that who logs never waits for long. */
static bool place_copy(struct log_tail *tail, int64_t n, struct place *out)
{
    const struct place *place = &tail->places[n % LOG_TAIL_LINES];
    pthread_mutex_lock(&tail->lock);
    bool there = place->n == n;
    if (there)
        *out = *place;
    pthread_mutex_unlock(&tail->lock);
    return there;
}

err log_tail_read(struct log_tail *tail, struct arena *mem, int64_t after, size_t limit,
                  struct list *out)
{
    int64_t last = log_tail_last(tail), first = after + 1;
    int64_t most = limit < LOG_TAIL_LINES ? (int64_t)limit : LOG_TAIL_LINES;
    if (first < last + 1 - most)
        first = last + 1 - most;
    if (first < 1)
        first = 1;
    struct place *place = NEW(mem, struct place);
    struct log_entry *entries =
        arena_array(mem, first <= last ? (size_t)(last - first + 1) : 0, sizeof(*entries));
    if (!place || !entries)
        return &err_no_memory;
    *out = (struct list){.at = entries};
    for (int64_t n = first; n <= last; n++) {
        if (place_copy(tail, n, place))
            TRY(entry_copy(mem, place, &entries[out->n++]));
    }
    return arena_failed(mem) ? &err_no_memory : NULL;
}
