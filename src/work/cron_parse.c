/* Reads a line of cron, and says what is wrong with it and where. */
#include <ctype.h>

#include "base/fields.h"
#include "work/cron.h"

#define FIELDS 5
#define SHOWN 24 /* bytes of a wrong text that are repeated */

struct part {
    const char *name;
    int min, max;
    const char *const *names; /* of min, min + 1, ...; NULL-ended */
};

struct line {
    struct arena *mem;
    str text;
};

static const char *const month_names[] = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct part parts[FIELDS] = {
    {"minute", 0, 59, NULL},
    {"hour", 0, 23, NULL},
    {"day of the month", 1, 31, NULL},
    {"month", 1, 12, month_names},
    {"day of the week", 0, 7, day_names},
};

static const struct {
    const char *name, *line;
} nicknames[] = {
    {"@hourly", "0 * * * *"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* What is wrong at `at`, a view of the line. */
static __attribute__((format(printf, 4, 5))) err
refuse(const struct line *line, const struct part *part, str at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str text = str_fmt_list(line->mem, format, args);
    va_end(args);
    return field_err(line->mem,
                     "crontab_def",
                     "Character %zu, %s: %.*s",
                     (size_t)(at.at - line->text.at) + 1,
                     part->name,
                     STR_ARGS(text));
}

/* For "%.*s": the text, or its beginning. */
static str shown(str s)
{
    size_t len = 0, next;
    while (len < s.len && len < SHOWN && (next = str_utf8_next(s, len)) > 0)
        len += next;
    return str_sub(s, 0, len);
}

static bool name_find(const struct part *part, str s, int *value)
{
    for (int i = 0; part->names && part->names[i]; i++) {
        if (str_eq_nocase(s, str_of(part->names[i]))) {
            *value = part->min + i;
            return true;
        }
    }
    return false;
}

static err value_parse(const struct line *line, const struct part *part, str s, int *value)
{
    int64_t number;
    if (s.len == 0)
        return refuse(line, part, s, "a value is missing.");
    if (name_find(part, s, value))
        return NULL;
    if (!isdigit((unsigned char)s.at[0]) || !str_i64(s, &number))
        return refuse(line,
                      part,
                      s,
                      "\"%.*s\" is not a number%s.",
                      STR_ARGS(shown(s)),
                      part->names == month_names ? " or one of jan to dec"
                      : part->names              ? " or one of sun to sat"
                                                 : "");
    if (number < part->min || number > part->max)
        return refuse(
            line, part, s, "%.*s is not from %d to %d.", STR_ARGS(shown(s)), part->min, part->max);
    *value = (int)number;
    return NULL;
}

static err step_parse(const struct line *line, const struct part *part, str s, int *step)
{
    int64_t number;
    if (!str_i64(s, &number) || number < 1 || number > part->max)
        return refuse(line,
                      part,
                      s,
                      "the step \"%.*s\" is not a number from 1 to %d.",
                      STR_ARGS(shown(s)),
                      part->max);
    *step = (int)number;
    return NULL;
}

static err range_parse(const struct line *line, const struct part *part, str s, int *low, int *high)
{
    str to = s, from = str_cut(&to, '-');
    TRY(value_parse(line, part, from, low));
    *high = *low;
    if (!to.at)
        return NULL;
    TRY(value_parse(line, part, to, high));
    /* A week may end with its Sunday: fri-sun. */
    if (*high == 0 && *low > 0 && part->names && !isdigit((unsigned char)to.at[0]))
        *high = part->max;
    if (*high < *low)
        return refuse(line,
                      part,
                      s,
                      "the range %.*s runs backwards; write two ranges with a comma between them.",
                      STR_ARGS(shown(s)));
    return NULL;
}

/* One entry of a list: "*", "5", "1-5", with a step or without. */
static err item_parse(const struct line *line, const struct part *part, str item, uint64_t *bits)
{
    str rest = item, range = str_cut(&rest, '/');
    int low = part->min, high = part->max == 7 ? 6 : part->max, step = 1;
    bool any = str_eq(range, STR("*"));
    if (!any)
        TRY(range_parse(line, part, range, &low, &high));
    if (rest.at) {
        TRY(step_parse(line, part, rest, &step));
        if (!any && str_find(range, '-') < 0)
            return refuse(line,
                          part,
                          item,
                          "%.*s has a step but no range; write %.*s-%d/%d.",
                          STR_ARGS(shown(item)),
                          STR_ARGS(shown(range)),
                          part->max,
                          step);
    }
    for (int value = low; value <= high; value += step)
        *bits |= (uint64_t)1 << value;
    return NULL;
}

static err part_parse(const struct line *line, const struct part *part, str s, uint64_t *bits)
{
    *bits = 0;
    while (s.at)
        TRY(item_parse(line, part, str_cut(&s, ','), bits));
    return NULL;
}

/* The next word of the line; empty at its end. */
static str word_cut(str *rest)
{
    size_t at = 0, len = 0;
    while (at < rest->len && (rest->at[at] == ' ' || rest->at[at] == '\t'))
        at++;
    while (at + len < rest->len && rest->at[at + len] != ' ' && rest->at[at + len] != '\t')
        len++;
    str word = str_sub(*rest, at, len);
    *rest = str_sub(*rest, at + len, rest->len);
    return word;
}

static size_t words_cut(str text, str words[FIELDS])
{
    size_t n = 0;
    for (str word; (word = word_cut(&text)).len; n++) {
        if (n < FIELDS)
            words[n] = word;
    }
    return n;
}

static err seconds_parse(struct arena *mem, str number, struct cron *out)
{
    int64_t seconds;
    if (!str_i64(number, &seconds) || seconds < 1 || seconds > 59)
        return field_err(mem,
                         "crontab_def",
                         "Character 1: \"%.*s\" is not a number of seconds from 1 to 59.",
                         STR_ARGS(shown(number)));
    *out = (struct cron){.seconds = (int)seconds};
    return NULL;
}

static err fields_read(const struct line *line, const str words[FIELDS], struct cron *out)
{
    uint64_t bits[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        TRY(part_parse(line, &parts[i], words[i], &bits[i]));
    *out = (struct cron){
        .minutes = bits[0],
        .hours = (uint32_t)bits[1],
        .days = (uint32_t)bits[2],
        .months = (uint32_t)bits[3],
        .weekdays = (uint8_t)((bits[4] | bits[4] >> 7) & 0x7F),
        .day_any = words[2].at[0] == '*',
        .weekday_any = words[4].at[0] == '*',
    };
    return NULL;
}

err cron_parse(struct arena *mem, str text, struct cron *out)
{
    static const char kinds[] = "minute, hour, day of the month, month and day of the week";
    struct line line = {mem, text};
    str words[FIELDS];
    size_t n = words_cut(str_trim(text), words);
    if (n == 1 && words[0].at[0] == '@') {
        for (size_t i = 0; i < LENGTH(nicknames); i++) {
            if (str_eq_nocase(words[0], str_of(nicknames[i].name)))
                return cron_parse(mem, str_of(nicknames[i].line), out);
        }
        return field_err(mem,
                         "crontab_def",
                         "Character 1: \"%.*s\" is not one of @hourly, @daily, @midnight, @weekly, "
                         "@monthly, @yearly and @annually.",
                         STR_ARGS(shown(words[0])));
    }
    if (n == 2 &&
        (str_eq_nocase(words[1], STR("seconds")) || str_eq_nocase(words[1], STR("second"))))
        return seconds_parse(mem, words[0], out);
    if (n != FIELDS)
        return field_err(mem,
                         "crontab_def",
                         "Has %zu field%s where five are needed: %s. Or write @hourly and its kin, "
                         "or \"30 seconds\".",
                         n,
                         n == 1 ? "" : "s",
                         kinds);
    return fields_read(&line, words, out);
}
