/* The settings: one table that gives the value, its check and the help. */
#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum setting_type {
    SETTING_TEXT,
    SETTING_INT,
    SETTING_SIZE,      /* bytes, with K, M, G */
    SETTING_LIMIT,     /* a number, or "off" (0) */
    SETTING_EMPTY_INT, /* a number, or empty (0) */
    SETTING_OWN_LIMIT, /* a number, "off" (0), or empty (-1): it follows another */
};

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;
    const char *value; /* default */
    int64_t min, max;
    const char *const *choices;
    const char *help;
};

static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"debug", "info", "warning", "error", NULL};

#define AT(member) offsetof(struct config, member)
#define GIB ((int64_t)1 << 30)

static const struct setting settings[] = {
    {"LISTEN",
     SETTING_TEXT,
     AT(listen),
     "127.0.0.1",
     1,
     64,
     NULL,
     "Address to listen on; 0.0.0.0 or :: for all"},
    {"PORT", SETTING_INT, AT(port), "8000", 1, 65535, NULL, "Port of everything"},
    {"STREAM_PORT",
     SETTING_EMPTY_INT,
     AT(stream_port),
     "7999",
     1,
     65535,
     NULL,
     "A second port for listeners; empty: none"},
    {"DATA_DIR",
     SETTING_TEXT,
     AT(data_dir),
     "./data",
     1,
     1024,
     NULL,
     "Folder that holds everything"},
    {"SECRET_KEY",
     SETTING_TEXT,
     AT(secret_key),
     "",
     32,
     1024,
     NULL,
     "Signs the tokens; empty: made at the first start and kept in the data folder"},
    {"TLS_CERT",
     SETTING_TEXT,
     AT(tls_cert),
     "",
     0,
     1024,
     NULL,
     "Certificate chain, PEM; with TLS_KEY: HTTPS"},
    {"TLS_KEY", SETTING_TEXT, AT(tls_key), "", 0, 1024, NULL, "Private key, PEM"},
    {"CORS_ORIGINS",
     SETTING_TEXT,
     AT(cors_origins),
     "",
     0,
     4096,
     NULL,
     "Origins whose pages may call, comma-separated; * for any"},
    {"ACCESS_TOKEN_SECONDS",
     SETTING_INT,
     AT(access_token_seconds),
     "300",
     1,
     86400,
     NULL,
     "How long an access token is good"},
    {"REFRESH_TOKEN_SECONDS",
     SETTING_INT,
     AT(refresh_token_seconds),
     "1209600",
     60,
     31536000,
     NULL,
     "How long a refresh token is good"},
    {"SESSION_DAYS",
     SETTING_INT,
     AT(session_days),
     "90",
     1,
     36500,
     NULL,
     "Longest that a session lasts, however often it is renewed"},
    {"LOG_FORMAT", SETTING_TEXT, AT(log_format), "text", 0, 0, log_formats, "text or json"},
    {"LOG_LEVEL",
     SETTING_TEXT,
     AT(log_level),
     "info",
     0,
     0,
     log_levels,
     "debug, info, warning or error"},
    {"WORKERS", SETTING_INT, AT(workers), "16", 1, 1024, NULL, "Threads that answer requests"},
    {"ENGINE_PROCESSES",
     SETTING_INT,
     AT(engine_processes),
     "64",
     1,
     4096,
     NULL,
     "Most teams whose tables are open at one time"},
    {"ENGINE_MEMORY",
     SETTING_SIZE,
     AT(engine_memory),
     "1G",
     64 << 20,
     1024 * GIB,
     NULL,
     "Memory the tables and queries of one team may use"},
    {"QUERY_SECONDS",
     SETTING_INT,
     AT(query_seconds),
     "30",
     1,
     3600,
     NULL,
     "Longest that a query or a refresh may run"},
    {"UPLOAD_MAX", SETTING_SIZE, AT(upload_max), "10G", 1024, 1024 * GIB, NULL, "Largest upload"},
    {"EVENT_DAYS",
     SETTING_INT,
     AT(event_days),
     "30",
     1,
     36500,
     NULL,
     "How long the log of events is kept"},
    {"RATE_LIMIT",
     SETTING_LIMIT,
     AT(rate_limit),
     "200",
     1,
     1000000,
     NULL,
     "Requests a minute of one address without a token; off: any number"},
    {"ACCOUNT_RATE_LIMIT",
     SETTING_OWN_LIMIT,
     AT(account_rate_limit),
     "",
     1,
     10000000,
     NULL,
     "Requests a minute of one account; empty: ten times RATE_LIMIT; off: any number"},
    {"TRUSTED_PROXIES",
     SETTING_TEXT,
     AT(trusted_proxies),
     "",
     0,
     4096,
     NULL,
     "Addresses and networks (10.0.0.0/8) of proxies whose X-Forwarded-For is believed, "
     "comma-separated"},
};

static err setting_err(struct arena *mem, const struct setting *setting, const char *value,
                       const char *takes)
{
    return err_new(mem, 500, "invalid_setting", "%s=%s: %s", setting->name, value, takes);
}

/* "10G" -> bytes. */
static bool size_parse(str text, int64_t *out)
{
    static const char units[] = "KMG";
    int shift = 0;
    if (text.len) {
        const char *unit = strchr(units, text.at[text.len - 1]);
        if (unit && *unit) {
            shift = 10 * (int)(unit - units + 1);
            text.len--;
        }
    }
    int64_t n;
    return str_i64(text, &n) && n >= 0 && !__builtin_mul_overflow(n, (int64_t)1 << shift, out);
}

static err take_number(struct arena *mem, const struct setting *setting, const char *value,
                       int64_t *out)
{
    str text = str_of(value);
    bool limit = setting->type == SETTING_LIMIT || setting->type == SETTING_OWN_LIMIT;
    bool empty = setting->type == SETTING_EMPTY_INT || setting->type == SETTING_OWN_LIMIT;
    *out = setting->type == SETTING_OWN_LIMIT && text.len == 0 ? -1 : 0;
    if ((limit && str_eq(text, STR("off"))) || (empty && text.len == 0))
        return NULL;
    bool number = setting->type == SETTING_SIZE ? size_parse(text, out) : str_i64(text, out);
    if (number && *out >= setting->min && *out <= setting->max)
        return NULL;
    str takes = str_fmt(mem,
                        "takes a whole number from %lld to %lld%s",
                        (long long)setting->min,
                        (long long)setting->max,
                        setting->type == SETTING_SIZE ? " bytes, also as 512M or 10G"
                        : limit                       ? ", or off"
                                                      : "");
    return setting_err(mem, setting, value, str_c(mem, takes));
}

static err take_text(struct arena *mem, const struct setting *setting, const char *value, str *out)
{
    size_t len = strlen(value);
    *out = len ? str_copy(mem, str_of(value)) : (str){0};
    if (setting->choices) {
        for (const char *const *choice = setting->choices; *choice; choice++) {
            if (strcmp(*choice, value) == 0)
                return NULL;
        }
        return setting_err(
            mem, setting, value, str_c(mem, str_fmt(mem, "takes %s", setting->help)));
    }
    bool optional = setting->value[0] == '\0';
    if (len > (size_t)setting->max || (len < (size_t)setting->min && !(optional && len == 0)))
        return setting_err(mem,
                           setting,
                           strcmp(setting->name, "SECRET_KEY") == 0 ? "..." : value,
                           str_c(mem,
                                 str_fmt(mem,
                                         "takes %lld to %lld characters",
                                         (long long)setting->min,
                                         (long long)setting->max)));
    return NULL;
}

static err setting_take(struct arena *mem, const struct setting *setting, const char *value,
                        struct config *config)
{
    void *into = (char *)config + setting->offset;
    return setting->type == SETTING_TEXT ? take_text(mem, setting, value, into)
                                         : take_number(mem, setting, value, into);
}

static const struct setting *setting_named(str name)
{
    for (size_t i = 0; i < LENGTH(settings); i++) {
        if (str_eq(str_of(settings[i].name), name))
            return &settings[i];
    }
    return NULL;
}

/* A line of .env: NAME=value, with or without quotes; empty lines and # comments are passed over.
 */
static err env_line(struct arena *mem, const char *file, int number, str line, const char *values[])
{
    line = str_trim(line);
    if (str_starts(line, STR("export ")))
        line = str_trim(str_sub(line, 7, line.len));
    if (line.len == 0 || line.at[0] == '#')
        return NULL;
    if (str_find(line, '=') < 0)
        return err_new(mem, 500, "invalid_setting", "%s, line %d: takes NAME=value", file, number);
    str value = line, name = str_trim(str_cut(&value, '='));
    value = str_trim(value);
    char quote = value.len >= 2 ? value.at[0] : '\0';
    if ((quote == '"' || quote == '\'') && value.at[value.len - 1] == quote)
        value = str_sub(value, 1, value.len - 2);
    const struct setting *setting = setting_named(name);
    if (setting)
        values[setting - settings] = str_c(mem, value);
    return NULL;
}

static err env_read(struct arena *mem, const char *file, const char *values[])
{
    FILE *in = fopen(file, "r");
    if (!in)
        return NULL;
    char line[8192];
    err e = NULL;
    for (int number = 1; !e && fgets(line, sizeof(line), in); number++)
        e = env_line(mem, file, number, str_of(line), values);
    fclose(in);
    return e;
}

err config_load(struct arena *mem, const char *env_file, struct config *config)
{
    const char *values[LENGTH(settings)] = {0};
    TRY(env_read(mem, env_file, values));
    for (size_t i = 0; i < LENGTH(settings); i++) {
        const char *value = getenv(settings[i].name);
        if (!value)
            value = values[i] ? values[i] : settings[i].value;
        TRY(setting_take(mem, &settings[i], value, config));
    }
    if (!config->tls_cert.at != !config->tls_key.at)
        return err_new(
            mem, 500, "invalid_setting", "TLS_CERT and TLS_KEY go together: set both or none");
    if (config->stream_port == config->port)
        return err_new(mem,
                       500,
                       "invalid_setting",
                       "STREAM_PORT=%lld: takes another port than PORT",
                       (long long)config->port);
    return arena_failed(mem) ? &err_no_memory : NULL;
}

void config_help(struct buf *out)
{
    for (size_t i = 0; i < LENGTH(settings); i++)
        buf_fmt(out,
                "  %-22s %-10s %s\n",
                settings[i].name,
                settings[i].value[0] ? settings[i].value : "(empty)",
                settings[i].help);
}
