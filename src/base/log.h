/*
 * The process's log: one line an occurrence, text or JSON, to standard error. Thread-safe; a line
 * is one write. A `struct log` is made by main and lent to every part; NULL logs nothing.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

struct log_tail;

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct log {
    enum log_level level;
    bool json;
    int fd;
    struct log_tail *tail; /* keeps the last lines in memory; NULL: nothing does */
};

/* `area` is the room that speaks: "http", "engine", ... */
void log_line(struct log *log, enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* With named values behind the message: `pairs` is NULL-ended name, value, name, value ... */
void log_pairs(struct log *log, enum log_level level, const char *area, const char *message,
               const char *const *pairs);

#endif
