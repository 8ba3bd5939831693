/* Cron: what parses, how wrong lines are refused, and when schedules are due, also where clocks
 * change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "work/cron.h"

static struct arena mem;

static int setup(void **state)
{
    (void)state;
    arena_init(&mem, 8 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&mem);
    return 0;
}

static struct cron parsed(const char *text)
{
    struct cron cron = {0};
    err e = cron_parse(&mem, str_of(text), &cron);
    if (e)
        fail_msg("%s: %.*s", text, STR_ARGS(e->detail));
    return cron;
}

static struct zone *loaded(const char *name)
{
    struct zone *zone = NULL;
    err e = zone_load(&mem, str_of(name), &zone);
    if (e)
        fail_msg("%.*s", STR_ARGS(e->detail));
    return zone;
}

static int64_t instant(const char *text)
{
    int64_t us;
    if (!time_parse(str_of(text), &us))
        fail_msg("not a time: %s", text);
    return us;
}

/* The due times in a row after `after`; an empty text: there is none. */
static const struct due {
    const char *schedule, *zone, *after, *dues[4];
} dues[] = {
    /* ordinary days */
    {"* * * * *", "UTC", "2026-11-21T11:02:03Z", {"2026-11-21T11:03:00Z", "2026-11-21T11:04:00Z"}},
    {"* * * * *", "UTC", "2026-11-21T11:02:00Z", {"2026-11-21T11:03:00Z"}},
    {"* * * * *", "UTC", "2026-11-21T11:01:59.999999Z", {"2026-11-21T11:02:00Z"}},
    {"*/20 9-10 * * *",
     "UTC",
     "2026-11-21T09:50:00Z",
     {"2026-11-21T10:00:00Z",
      "2026-11-21T10:20:00Z",
      "2026-11-21T10:40:00Z",
      "2026-11-22T09:00:00Z"}},
    {"5,50-59/5 * * * *",
     "UTC",
     "2026-11-21T09:51:00Z",
     {"2026-11-21T09:55:00Z", "2026-11-21T10:05:00Z", "2026-11-21T10:50:00Z"}},
    {"0 0 1 JAN,jul *",
     "UTC",
     "2026-11-21T00:00:00Z",
     {"2027-01-01T00:00:00Z", "2027-07-01T00:00:00Z"}},
    {"59 23 31 12 *", "UTC", "2026-12-31T23:59:00Z", {"2027-12-31T23:59:00Z"}},
    /* either day matches when both are restricted; a star decides together with the other */
    {"0 12 13 * fri",
     "UTC",
     "2026-11-10T00:00:00Z",
     {"2026-11-13T12:00:00Z",
      "2026-11-20T12:00:00Z",
      "2026-11-27T12:00:00Z",
      "2026-12-04T12:00:00Z"}},
    {"0 0 */10 * mon",
     "UTC",
     "2026-11-12T00:00:00Z",
     {"2026-12-21T00:00:00Z", "2027-01-11T00:00:00Z"}},
    {"0 0 * * 7", "UTC", "2026-11-21T00:00:00Z", {"2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"}},
    {"0 0 * * 5-7",
     "UTC",
     "2026-11-20T00:00:00Z",
     {"2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-27T00:00:00Z"}},
    {"0 0 * * sat-sun",
     "UTC",
     "2026-11-20T00:00:00Z",
     {"2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z", "2026-11-28T00:00:00Z"}},
    /* leap days, and days that never come */
    {"0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
    {"0 0 29 2 *", "Europe/Berlin", "2096-03-01T00:00:00Z", {"2104-02-28T23:00:00Z"}},
    {"30 6 31 * *",
     "UTC",
     "2026-02-01T00:00:00Z",
     {"2026-03-31T06:30:00Z", "2026-05-31T06:30:00Z"}},
    {"0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", {""}},
    {"0 * 31 4,6,9,11 *", "America/New_York", "2026-01-01T00:00:00Z", {""}},
    {"0 0 30 2 mon", "UTC", "2026-01-01T00:00:00Z", {"2026-02-02T00:00:00Z"}},
    /* nicknames */
    {"@hourly", "UTC", "2026-11-21T11:02:03Z", {"2026-11-21T12:00:00Z"}},
    {"@daily", "UTC", "2026-11-21T11:02:03Z", {"2026-11-22T00:00:00Z"}},
    {"@Midnight", "Asia/Kathmandu", "2026-11-21T11:02:03Z", {"2026-11-21T18:15:00Z"}},
    {"@weekly", "UTC", "2026-11-21T11:02:03Z", {"2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"}},
    {"@monthly", "UTC", "2026-11-21T11:02:03Z", {"2026-12-01T00:00:00Z"}},
    {"@yearly", "UTC", "2026-11-21T11:02:03Z", {"2027-01-01T00:00:00Z"}},
    {"@annually", "UTC", "2026-11-21T11:02:03Z", {"2027-01-01T00:00:00Z"}},
    /* seconds */
    {"10 seconds", "UTC", "2026-11-21T11:02:03Z", {"2026-11-21T11:02:10Z", "2026-11-21T11:02:20Z"}},
    {"1 second", "UTC", "2026-11-21T11:02:03.5Z", {"2026-11-21T11:02:04Z", "2026-11-21T11:02:05Z"}},
    {" 59  Seconds ",
     "UTC",
     "1970-01-01T00:00:00Z",
     {"1970-01-01T00:00:59Z", "1970-01-01T00:01:58Z"}},
    /* Berlin skips 02:00-03:00 on 2026-03-29 and repeats it on 2026-10-25 */
    {"30 2 * * *",
     "Europe/Berlin",
     "2026-03-28T00:00:00Z",
     {"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"}},
    {"*/10 2 * * *",
     "Europe/Berlin",
     "2026-03-28T01:49:00Z",
     {"2026-03-28T01:50:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"}},
    {"0 2-3 * * *",
     "Europe/Berlin",
     "2026-03-28T03:00:00Z",
     {"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T01:00:00Z"}},
    {"30 2 * * *",
     "Europe/Berlin",
     "2026-10-24T00:00:00Z",
     {"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
    {"0,30 1-3 25 10 *",
     "Europe/Berlin",
     "2026-10-25T00:00:00Z",
     {"2026-10-25T00:30:00Z",
      "2026-10-25T02:00:00Z",
      "2026-10-25T02:30:00Z",
      "2027-10-24T23:00:00Z"}},
    /* asked in the repeated hour, also in its second turn */
    {"30 2 * * *", "Europe/Berlin", "2026-10-25T00:45:00Z", {"2026-10-26T01:30:00Z"}},
    {"30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", {"2026-10-26T01:30:00Z"}},
    {"15 3 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", {"2026-10-25T02:15:00Z"}},
    /* every hour keeps its pace */
    {"30 * * * *",
     "Europe/Berlin",
     "2026-03-29T00:00:00Z",
     {"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"}},
    {"30 * * * *",
     "Europe/Berlin",
     "2026-10-25T00:00:00Z",
     {"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"}},
    {"* * * * *",
     "Europe/Berlin",
     "2026-10-25T00:59:30Z",
     {"2026-10-25T01:00:00Z", "2026-10-25T01:01:00Z"}},
    {"0 */1 * * *",
     "Europe/Berlin",
     "2026-10-24T23:30:00Z",
     {"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"}},
    /* New York, in the other direction */
    {"15 2 * * *",
     "America/New_York",
     "2026-03-07T12:00:00Z",
     {"2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"}},
    {"15 1 * * *",
     "America/New_York",
     "2026-10-31T12:00:00Z",
     {"2026-11-01T05:15:00Z", "2026-11-02T06:15:00Z"}},
    {"0 0 * * *", "America/New_York", "2026-11-01T12:00:00Z", {"2026-11-02T05:00:00Z"}},
    /* Lord Howe shifts by half an hour: 02:00 to 02:30, and back at 02:00 to 01:30 */
    {"15 2 * * *",
     "Australia/Lord_Howe",
     "2026-10-02T20:00:00Z",
     {"2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"}},
    {"45 1 * * *",
     "Australia/Lord_Howe",
     "2026-04-03T20:00:00Z",
     {"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
    {"*/15 * * * *",
     "Australia/Lord_Howe",
     "2026-04-04T14:45:00Z",
     {"2026-04-04T15:00:00Z", "2026-04-04T15:15:00Z", "2026-04-04T15:30:00Z"}},
    /* Sao Paulo skipped midnight until 2018, and repeated the hour before it */
    {"0 0 * * *",
     "America/Sao_Paulo",
     "2018-11-03T12:00:00Z",
     {"2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"}},
    {"30 23 * * *",
     "America/Sao_Paulo",
     "2018-02-17T12:00:00Z",
     {"2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"}},
    /* Kathmandu has no summer and a quarter of an hour; Apia skipped a whole day */
    {"0 6 * * *",
     "Asia/Kathmandu",
     "2026-06-01T00:00:00Z",
     {"2026-06-01T00:15:00Z", "2026-06-02T00:15:00Z"}},
    {"0 12 * * *",
     "Pacific/Apia",
     "2011-12-29T00:00:00Z",
     {"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"}},
};

static void test_dues(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(dues); i++) {
        const struct due *due = &dues[i];
        struct cron cron = parsed(due->schedule);
        struct zone *zone = loaded(due->zone);
        int64_t at = instant(due->after);
        for (size_t n = 0; n < 4 && due->dues[n]; n++) {
            char text[TIME_TEXT];
            int64_t want = due->dues[n][0] ? instant(due->dues[n]) : 0;
            at = cron_next(&cron, zone, at);
            if (at != want)
                fail_msg("%s in %s, due %zu: %.*s instead of %s",
                         due->schedule,
                         due->zone,
                         n + 1,
                         STR_ARGS(time_text(at, text)),
                         due->dues[n]);
        }
        zone_unref(zone);
    }
}

static void test_parsed(void **state)
{
    (void)state;
    struct cron cron = parsed("\t1-3,59  */6 1,15 feb-apr/2 mon,3,fri-sun ");
    assert_int_equal(cron.minutes, 1ull << 1 | 1ull << 2 | 1ull << 3 | 1ull << 59);
    assert_int_equal(cron.hours, 1 | 1 << 6 | 1 << 12 | 1 << 18);
    assert_int_equal(cron.days, 1 << 1 | 1 << 15);
    assert_int_equal(cron.months, 1 << 2 | 1 << 4);
    assert_int_equal(cron.weekdays, 1 << 1 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 0);
    assert_false(cron.day_any || cron.weekday_any);
    cron = parsed("0 0 */2 * *");
    assert_true(cron.day_any && cron.weekday_any);
    assert_int_equal(cron.weekdays, 0x7F);
    assert_int_equal(parsed("45 seconds").seconds, 45);
}

static const struct {
    const char *line, *says;
} wrong[] = {
    {"", "Has 0 fields where five are needed"},
    {"   ", "Has 0 fields"},
    {"* * * *",
     "Has 4 fields where five are needed: minute, hour, day of the month, month and day of the "
     "week."},
    {"* * * * * *", "Has 6 fields"},
    {"hello", "Has 1 field where"},
    {"60 * * * *", "Character 1, minute: 60 is not from 0 to 59."},
    {"  60 * * * *", "Character 3, minute: 60 is not from 0 to 59."},
    {"* 24 * * *", "Character 3, hour: 24 is not from 0 to 23."},
    {"* * 0 * *", "Character 5, day of the month: 0 is not from 1 to 31."},
    {"* * 32 * *", "Character 5, day of the month: 32 is not from 1 to 31."},
    {"* * * 13 *", "Character 7, month: 13 is not from 1 to 12."},
    {"* * * * 8", "Character 9, day of the week: 8 is not from 0 to 7."},
    {"* * * foo *", "Character 7, month: \"foo\" is not a number or one of jan to dec."},
    {"* * * * monday",
     "Character 9, day of the week: \"monday\" is not a number or one of sun to sat."},
    {"* * * mon *", "Character 7, month: \"mon\" is not a number or one of jan to dec."},
    {"x * * * *", "Character 1, minute: \"x\" is not a number."},
    {"-1 * * * *", "Character 1, minute: a value is missing."},
    {"1- * * * *", "Character 3, minute: a value is missing."},
    {"1,,2 * * * *", "Character 3, minute: a value is missing."},
    {"1, * * * *", "Character 3, minute: a value is missing."},
    {"+5 * * * *", "Character 1, minute: \"+5\" is not a number."},
    {"5.5 * * * *", "Character 1, minute: \"5.5\" is not a number."},
    {"1-2-3 * * * *", "Character 3, minute: \"2-3\" is not a number."},
    {"99999999999999999999 * * * *",
     "Character 1, minute: \"99999999999999999999\" is not a number."},
    {"* 22-2 * * *", "Character 3, hour: the range 22-2 runs backwards; write two ranges"},
    {"* * * nov-feb *", "Character 7, month: the range nov-feb runs backwards"},
    {"* * * * fri-mon", "Character 9, day of the week: the range fri-mon runs backwards"},
    {"* * * * 6-0", "Character 9, day of the week: the range 6-0 runs backwards"},
    {"*/0 * * * *", "Character 3, minute: the step \"0\" is not a number from 1 to 59."},
    {"*/60 * * * *", "Character 3, minute: the step \"60\" is not a number from 1 to 59."},
    {"*/ * * * *", "Character 3, minute: the step \"\" is not a number from 1 to 59."},
    {"*/5/5 * * * *", "Character 3, minute: the step \"5/5\" is not"},
    {"1,5/10 * * * *", "Character 3, minute: 5/10 has a step but no range; write 5-59/10."},
    {"** * * * *", "Character 1, minute: \"**\" is not a number."},
    {"* * L * *", "Character 5, day of the month: \"L\" is not a number."},
    {"* * ? * *", "Character 5, day of the month: \"?\" is not a number."},
    {"* * * * *; DROP", "Has 6 fields"},
    {"*\n* * * *", "Has 4 fields"},
    {"@reboot", "Character 1: \"@reboot\" is not one of @hourly, @daily"},
    {"@", "Character 1: \"@\" is not one of"},
    {"0 seconds", "Character 1: \"0\" is not a number of seconds from 1 to 59."},
    {"60 seconds", "Character 1: \"60\" is not a number of seconds from 1 to 59."},
    {"x seconds", "Character 1: \"x\" is not a number of seconds from 1 to 59."},
    {"5 minutes", "Has 2 fields"},
    {"\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3"
     "\xA4x * * * *",
     "Character 1, minute: "
     "\"\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
     "\xC3\xA4\" is not"},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++) {
        struct cron cron;
        err e = cron_parse(&mem, str_of(wrong[i].line), &cron);
        if (!e)
            fail_msg("\"%s\" was taken", wrong[i].line);
        assert_int_equal(e->status, 422);
        assert_string_equal(e->code, "invalid_fields");
        assert_true(str_starts(e->errors, STR("{\"crontab_def\": [")));
        str text = str_sub(e->detail, strlen("crontab_def: "), e->detail.len);
        if (!str_starts(text, str_of(wrong[i].says)))
            fail_msg("\"%s\" says: %.*s", wrong[i].line, STR_ARGS(text));
    }
}

static void test_zones(void **state)
{
    (void)state;
    static const char *const good[] = {"UTC",
                                       "Europe/Berlin",
                                       "America/Argentina/Buenos_Aires",
                                       "Etc/GMT+5",
                                       "US/Eastern",
                                       "EST5EDT"};
    for (size_t i = 0; i < LENGTH(good); i++)
        zone_unref(loaded(good[i]));
    static const char *const bad[] = {
        "",
        "Mars/Base",
        "europe/berlin",
        "Europe",
        "Europe/",
        "Europe//Berlin",
        "/etc/passwd",
        "../../etc/passwd",
        "Europe/../UTC",
        "+01:00",
        "UTC+1",
        "FOO5",
        "EST5EDT,M3.2.0,M11.1.0",
        "zone.tab",
        "right/UTC",
        "Europe/Berlin ",
        "UTC\n",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct zone *zone = NULL;
        err e = zone_load(&mem, str_of(bad[i]), &zone);
        if (!e)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(e->status, 422);
        assert_true(str_starts(e->errors, STR("{\"timezone\": [")));
    }
}

/*
 * The property: against a model that walks every minute with the C library's own idea of the zone,
 * and keeps the sets that a random line was written from.
 */
#define MODEL_MINUTES (3 * 366 * 24 * 60)
#define MODEL_MARGIN \
    (3 * 24 * 60) /* minutes before the first and after the last that is asked for */
/* Of each zone. It is one thread's work: a build that looks for races need not do much of it. */
#if defined(__SANITIZE_THREAD__)
#define MODEL_SCHEDULES 3
#else
#define MODEL_SCHEDULES 25
#endif

struct moment {
    uint8_t minute, hour, day, month, weekday;
};

struct schedule {
    bool minutes[60], hours[24], days[32], months[13], weekdays[7];
    bool day_star, weekday_star;
    char line[1024];
};

static uint64_t chance_state = 0x9E3779B97F4A7C15u;

static unsigned chance(unsigned below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return (unsigned)(chance_state >> 33) % below;
}

/* Appends a random field to the line and marks what it means. */
static bool random_field(struct schedule *schedule, bool *set, int min, int max)
{
    char *line = schedule->line;
    size_t len = strlen(line), room = sizeof(schedule->line) - len;
    unsigned kind = chance(5);
    int step = 1 + (int)chance(max < 9 ? (unsigned)max : 9);
    if (kind == 0) {
        snprintf(line + len, room, "* ");
        step = 1;
    } else if (kind == 1) {
        snprintf(line + len, room, "*/%d ", step);
    }
    for (int i = min; kind < 2 && i <= max; i += step)
        set[i] = true;
    if (kind < 2)
        return true;
    for (unsigned n = 0; n < kind - 1; n++) {
        int low = min + (int)chance((unsigned)(max - min + 1));
        int high = low + (int)chance((unsigned)(max - low + 1));
        len = strlen(line);
        snprintf(
            line + len, sizeof(schedule->line) - len, "%s%d-%d/%d", n ? "," : "", low, high, step);
        for (int i = low; i <= high; i += step)
            set[i] = true;
    }
    strcat(line, " ");
    return false;
}

static struct schedule random_schedule(void)
{
    struct schedule schedule = {0};
    random_field(&schedule, schedule.minutes, 0, 59);
    random_field(&schedule, schedule.hours, 0, 23);
    schedule.day_star = random_field(&schedule, schedule.days, 1, 31);
    random_field(&schedule, schedule.months, 1, 12);
    schedule.weekday_star = random_field(&schedule, schedule.weekdays, 0, 6);
    return schedule;
}

static bool model_matches(const struct schedule *schedule, const struct moment *at)
{
    bool day = schedule->days[at->day], weekday = schedule->weekdays[at->weekday];
    bool days = schedule->day_star || schedule->weekday_star ? day && weekday : day || weekday;
    return days && schedule->minutes[at->minute] && schedule->hours[at->hour] &&
           schedule->months[at->month];
}

struct model {
    int64_t first;          /* the minute since 1970 at which it begins */
    struct moment *moments; /* wall minute i + first; MODEL_MARGIN more at both ends */
    int *offsets;           /* minutes, at UTC minute i + first */
    int64_t *dues;
    size_t n;
};

static const struct moment *model_moment(const struct model *model, int64_t wall)
{
    return &model->moments[wall - model->first + MODEL_MARGIN];
}

static struct model model_new(const char *from)
{
    struct model model = {.first = instant(from) / US_PER_S / 60};
    model.moments = calloc(MODEL_MINUTES + 2 * MODEL_MARGIN, sizeof(*model.moments));
    model.offsets = calloc(MODEL_MINUTES, sizeof(*model.offsets));
    model.dues = calloc(MODEL_MINUTES, sizeof(*model.dues));
    assert_true(model.moments && model.offsets && model.dues);
    for (int64_t i = 0; i < MODEL_MINUTES + 2 * MODEL_MARGIN; i++) {
        time_t at = (time_t)((model.first - MODEL_MARGIN + i) * 60);
        struct tm tm;
        gmtime_r(&at, &tm);
        model.moments[i] = (struct moment){.minute = (uint8_t)tm.tm_min,
                                           .hour = (uint8_t)tm.tm_hour,
                                           .day = (uint8_t)tm.tm_mday,
                                           .month = (uint8_t)(tm.tm_mon + 1),
                                           .weekday = (uint8_t)tm.tm_wday};
    }
    return model;
}

static void model_enter(struct model *model, const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
    for (int64_t i = 0; i < MODEL_MINUTES; i++) {
        time_t at = (time_t)((model->first + i) * 60);
        struct tm tm;
        localtime_r(&at, &tm);
        assert_int_equal(tm.tm_gmtoff % 60, 0);
        model->offsets[i] = (int)(tm.tm_gmtoff / 60);
    }
}

/* All due minutes, by the letter of cron.h. */
static void model_run(struct model *model, const struct schedule *schedule)
{
    bool every_hour = true;
    for (size_t i = 0; i < 24; i++)
        every_hour = every_hour && schedule->hours[i];
    int64_t reached = model->first + model->offsets[0] - 1;
    model->n = 0;
    for (int64_t i = 0; i < MODEL_MINUTES; i++) {
        int64_t wall = model->first + i + model->offsets[i];
        bool due = every_hour && model_matches(schedule, model_moment(model, wall));
        for (int64_t shown = reached + 1; !every_hour && shown <= wall; shown++)
            due = due || model_matches(schedule, model_moment(model, shown));
        if (due)
            model->dues[model->n++] = (model->first + i) * 60 * US_PER_S;
        reached = wall > reached ? wall : reached;
    }
}

static int64_t model_next(const struct model *model, int64_t after)
{
    size_t low = 0, high = model->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (model->dues[middle] > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low < model->n ? model->dues[low] : 0;
}

static void model_compare(const struct model *model, const struct schedule *schedule,
                          struct zone *zone, const char *name, int64_t after)
{
    struct cron cron = parsed(schedule->line);
    char at[TIME_TEXT], is[TIME_TEXT], should[TIME_TEXT];
    int64_t next = cron_next(&cron, zone, after), want = model_next(model, after);
    int64_t end = (model->first + MODEL_MINUTES) * 60 * US_PER_S;
    if (want ? next != want : next && next < end)
        fail_msg("%s in %s after %.*s: %.*s instead of %.*s",
                 schedule->line,
                 name,
                 STR_ARGS(time_text(after, at)),
                 STR_ARGS(time_text(next, is)),
                 STR_ARGS(time_text(want, should)));
}

static int64_t random_instant(const struct model *model)
{
    int64_t minute = MODEL_MARGIN + chance(MODEL_MINUTES - 2 * MODEL_MARGIN);
    /* Half of them near a change of the clock, where there is one within a year. */
    for (int64_t i = minute; chance_state & 1 && i < minute + 366 * 24 * 60 && i < MODEL_MINUTES;
         i++) {
        if (model->offsets[i] != model->offsets[i - 1]) {
            minute = i - 150 + chance(300);
            break;
        }
    }
    return (model->first + minute) * 60 * US_PER_S + chance(2) * (int64_t)chance(60 * US_PER_S);
}

static void test_model(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *from;
    } places[] = {{"UTC", "2026-01-01T00:00:00Z"},
                  {"Europe/Berlin", "2026-01-01T00:00:00Z"},
                  {"America/New_York", "2027-02-01T00:00:00Z"},
                  {"Australia/Lord_Howe", "2026-01-01T00:00:00Z"},
                  {"Asia/Kathmandu", "2026-01-01T00:00:00Z"},
                  {"America/Sao_Paulo", "2015-06-01T00:00:00Z"},
                  {"Africa/Casablanca", "2024-01-01T00:00:00Z"},
                  {"Europe/Dublin", "2026-01-01T00:00:00Z"},
                  {"Pacific/Apia", "2010-06-01T00:00:00Z"}};
    for (size_t i = 0; i < LENGTH(places); i++) {
        struct model model = model_new(places[i].from);
        struct zone *zone = loaded(places[i].zone);
        model_enter(&model, places[i].zone);
        for (int n = 0; n < MODEL_SCHEDULES; n++) {
            struct schedule schedule = random_schedule();
            model_run(&model, &schedule);
            for (int k = 0; k < 60; k++)
                model_compare(&model, &schedule, zone, places[i].zone, random_instant(&model));
        }
        zone_unref(zone);
        free(model.moments);
        free(model.offsets);
        free(model.dues);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_parsed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dues, setup, teardown),
        cmocka_unit_test_setup_teardown(test_model, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
