/* The log: one write a line, as text or as JSON. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fields.h"
#include "base/log_tail.h"
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

/* How many bytes here a terminal or a reader of lines could take for more than text: a control
 * character (those of Latin-1 and DEL too) or a separator of lines or paragraphs. */
static size_t control_len(const char *text, size_t len)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] < ' ' || c[0] == 0x7F)
        return 1;
    if (len > 1 && c[0] == 0xC2 && c[1] < 0xA0)
        return 2;
    return len > 2 && c[0] == 0xE2 && c[1] == 0x80 && (c[2] == 0xA8 || c[2] == 0xA9) ? 3 : 0;
}

static void controls_blank(struct buf *line)
{
    for (size_t i = 0; i < line->len;) {
        size_t n = control_len(line->at + i, line->len - i);
        memset(line->at + i, ' ', n);
        i += n ? n : 1;
    }
}

static void print_text(struct buf *line, str at, enum log_level level, const char *area,
                       const char *message, const char *const *pairs)
{
    buf_fmt(line, "%.*s %-7s %s: ", STR_ARGS(at), level_names[level], area);
    buf_add(line, str_of(message));
    for (; pairs && pairs[0]; pairs += 2) {
        buf_fmt(line, " %s=", pairs[0]);
        print_value(line, str_of(pairs[1]));
    }
    controls_blank(line);
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
    int64_t now = time_now();
    str at = time_text(now, time);
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
    if (log->tail)
        log_tail_add(log->tail, now, level_names[level], area, message, pairs);
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
