/* The files that are part of the program. */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

struct embedded_file {
    const char *path; /* "src/events/migrations/0001_events.up.sql"; NULL ends the list */
    const char *at, *end;
};

/* Migrations and common passwords, by their path in the source tree and in order of it. */
extern const struct embedded_file embedded_files[];
/* The console's, by the path of its URL: "/index.html". main alone has them. */
extern const struct embedded_file web_files[];

#endif
