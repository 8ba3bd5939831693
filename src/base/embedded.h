/* The files that are part of the program: migrations, common passwords and web pages, by their path
 * in the source tree. */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

struct embedded_file {
    const char *path; /* "src/events/migrations/0001_events.up.sql"; NULL ends the list */
    const char *at, *end;
};

extern const struct embedded_file embedded_files[]; /* in order of path */

#endif
