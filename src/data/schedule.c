/* GET /jobs/preview: when a schedule would be due, before there is a job of it. */
#include "base/time.h"
#include "data/jobs.h"

#define PREVIEW_MAX 20

struct preview {
    str crontab_def, timezone;
    int64_t count;
    struct strs next;
};

const struct field preview_query_fields[] = {
    FIELD(struct preview, crontab_def, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 200,
          .help = "As of a job"),
    FIELD(struct preview, timezone, FIELD_STR, .min = 1, .max = 100,
          .help = "IANA name; UTC when not given"),
    FIELD(struct preview, count, FIELD_INT, .min = 1, .max = PREVIEW_MAX,
          .help = "How many; 5 when not given"),
    FIELD_LAST,
};

const struct field preview_fields[] = {
    FIELD(struct preview, crontab_def, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct preview, timezone, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct preview, next, FIELD_STRS, .help = "Times, ISO 8601 in UTC"),
    FIELD_LAST,
};

static err preview_fill(struct arena *mem, const struct cron *cron, struct zone *zone,
                        int64_t after, struct preview *out)
{
    out->next.at = arena_array(mem, (size_t)out->count, sizeof(str));
    for (int64_t i = 0; out->next.at && i < out->count; i++) {
        char text[TIME_TEXT];
        after = cron_next(cron, zone, after);
        if (!after)
            return NULL;
        out->next.at[out->next.n++] = str_copy(mem, time_text(after, text));
    }
    return arena_failed(mem) ? &err_no_memory : NULL;
}

err job_preview(struct request *rq)
{
    struct preview preview = {.timezone = STR("UTC"), .count = 5};
    struct cron cron;
    struct zone *zone;
    TRY(request_query(rq, preview_query_fields, &preview));
    preview.crontab_def = str_trim(preview.crontab_def);
    TRY(schedule_check(rq->mem,
                       &(struct job){.crontab_def = preview.crontab_def,
                                     .timezone = preview.timezone,
                                     .last_due = rq->now}));
    TRY(cron_parse(rq->mem, preview.crontab_def, &cron));
    TRY(zone_load(rq->mem, preview.timezone, &zone));
    err e = preview_fill(rq->mem, &cron, zone, rq->now, &preview);
    zone_unref(zone);
    TRY(e);
    return reply_json(rq, 200, preview_fields, &preview);
}
