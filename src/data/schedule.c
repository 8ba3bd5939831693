/* GET /jobs/preview: when a schedule would be due, before there is a job of it. */
#include "base/time.h"
#include "data/jobs.h"

#define COUNT_MAX 20

struct foreseen {
    str crontab_def, timezone;
    int64_t count;
    struct strs next;
};

const struct field schedule_query_fields[] = {
    FIELD(struct foreseen, crontab_def, FIELD_STR, .flags = FIELD_REQUIRED, .min = 1, .max = 200,
          .help = "As of a job"),
    FIELD(struct foreseen, timezone, FIELD_STR, .min = 1, .max = 100,
          .help = "IANA name; UTC when not given"),
    FIELD(struct foreseen, count, FIELD_INT, .min = 1, .max = COUNT_MAX,
          .help = "How many; 5 when not given"),
    FIELD_LAST,
};

const struct field schedule_fields[] = {
    FIELD(struct foreseen, crontab_def, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct foreseen, timezone, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct foreseen, next, FIELD_STRS, .help = "Times, ISO 8601 in UTC"),
    FIELD_LAST,
};

static err schedule_fill(struct arena *mem, const struct cron *cron, struct zone *zone,
                         int64_t after, struct foreseen *out)
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
    struct foreseen ahead = {.timezone = STR("UTC"), .count = 5};
    struct cron cron;
    struct zone *zone;
    TRY(request_query(rq, schedule_query_fields, &ahead));
    ahead.crontab_def = str_trim(ahead.crontab_def);
    TRY(schedule_check(rq->mem,
                       &(struct job){.crontab_def = ahead.crontab_def,
                                     .timezone = ahead.timezone,
                                     .last_due = rq->now}));
    TRY(cron_parse(rq->mem, ahead.crontab_def, &cron));
    TRY(zone_load(rq->mem, ahead.timezone, &zone));
    err e = schedule_fill(rq->mem, &cron, zone, rq->now, &ahead);
    zone_unref(zone);
    TRY(e);
    return reply_json(rq, 200, schedule_fields, &ahead);
}
