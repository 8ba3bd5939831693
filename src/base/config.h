/*
 * The settings of the program: declared once in config.c, in a table that gives the value, its
 * check, and the help.
 *
 * They come from the environment, then from the file .env of the working folder, then from the
 * default.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/arena.h"
#include "base/err.h"

struct config {
    str listen;          /* address to listen on */
    int64_t port;        /* 1 to 65535 */
    int64_t stream_port; /* a second port for listeners; 0: none */
    str data_dir;
    str secret_key; /* absent: made at the first start and kept in the data folder */
    str tls_cert, tls_key;
    str cors_origins; /* comma-separated, "*" for any */
    int64_t access_token_seconds, refresh_token_seconds;
    int64_t session_days; /* after which one signs in again, however often the tokens are renewed */
    str log_format, log_level;
    int64_t workers;            /* threads that run handlers */
    int64_t engine_processes;   /* most engine processes at one time */
    int64_t engine_memory;      /* bytes one engine process may use */
    int64_t query_seconds;      /* longest a query or refresh may run */
    int64_t upload_max;         /* bytes of one upload */
    int64_t event_days;         /* how long the log is kept */
    int64_t rate_limit;         /* requests a minute of one anonymous address; 0: off */
    int64_t account_rate_limit; /* of one account; 0: off, -1: ten times as many */
    str trusted_proxies;        /* addresses and networks, comma-separated */
};

/* Texts live in `mem`. The error says which setting is wrong and what it takes. */
MUST_CHECK err config_load(struct arena *mem, const char *env_file, struct config *config);
/* Appends one line a setting: name, default, what it is. */
void config_help(struct buf *out);

#endif
