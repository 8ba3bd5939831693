/* The log: one write a line, as text or as JSON. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fields.h"
#include "base/time.h"

#define LINE_MAX_BYTES (16 * 1024)

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static void write_all(int fd, const char *at, size_t len)
{
    while (len) {
        ssize_t wrote = write(fd, at, len);
        if (wrote <= 0)
            return; /* nobody to tell */
        at += wrote;
        len -= (size_t)wrote;
    }
}

/* A value of the text form: as it is, or quoted like JSON when it would break the line apart. */
static void print_value(struct buf *line, str value)
{
    bool plain = value.len > 0;
    for (size_t i = 0; i < value.len; i++)
        plain = plain && value.at[i] > ' ' && value.at[i] != '"' && value.at[i] != '=' &&
                value.at[i] != '\\';
    if (plain)
        buf_add(line, value);
    else
        json_print_str(line, value);
}

static void print_text(struct buf *line, str at, enum log_level level, const char *area,
                       const char *message, const char *const *pairs)
{
    buf_fmt(line, "%.*s %-7s %s: ", STR_ARGS(at), level_names[level], area);
    for (const char *c = message; *c; c++)
        buf_char(line, (unsigned char)*c < ' ' ? ' ' : *c);
    for (; pairs && pairs[0]; pairs += 2) {
        buf_fmt(line, " %s=", pairs[0]);
        print_value(line, str_of(pairs[1]));
    }
}

static void print_json(struct buf *line, str at, enum log_level level, const char *area,
                       const char *message, const char *const *pairs)
{
    buf_fmt(line,
            "{\"at\": \"%.*s\", \"level\": \"%s\", \"area\": \"%s\", \"message\": ",
            STR_ARGS(at),
            level_names[level],
            area);
    json_print_str(line, str_of(message));
    for (; pairs && pairs[0]; pairs += 2) {
        buf_fmt(line, ", \"%s\": ", pairs[0]);
        json_print_str(line, str_of(pairs[1]));
    }
    buf_char(line, '}');
}

void log_pairs(struct log *log, enum log_level level, const char *area, const char *message,
               const char *const *pairs)
{
    if (!log || level < log->level)
        return;
    char time[TIME_TEXT];
    str at = time_text(time_now(), time);
    CLEANUP(buf_done) struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    if (log->json)
        print_json(&line, at, level, area, message, pairs);
    else
        print_text(&line, at, level, area, message, pairs);
    if (line.failed && line.len == line.max)
        line.len--;
    line.failed = false;
    buf_char(&line, '\n');
    write_all(log->fd, line.at, line.len);
}

void log_line(struct log *log, enum log_level level, const char *area, const char *format, ...)
{
    if (!log || level < log->level)
        return;
    char message[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    log_pairs(log, level, area, message, NULL);
}
