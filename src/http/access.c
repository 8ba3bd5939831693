/* One line in the log for each request. Never a query, a token or a ticket. */
#include <stdio.h>

#include "http/asking.h"

#define PATH_LOGGED 300
#define TEXT_MAX 1024

static void text_of(str s, char *out, size_t size)
{
    size_t n = s.len < size - 1 ? s.len : size - 1;
    snprintf(out, n + 1, "%.*s", (int)n, s.at ? s.at : "");
}

static enum log_level level_of(int status)
{
    return status >= 500 && status != 503 && status != 507 ? LOG_ERROR : LOG_INFO;
}

void access_log(struct exchange *exchange)
{
    const struct asking *ask = exchange->ask;
    const struct answer *answer = &ask->answer;
    struct log *log = exchange->loop->server->log;
    if (!log || level_of(answer->status) < log->level)
        return;
    char line[PATH_LOGGED + 64], ms[32], bytes[32], id[40], address[64], account[64],
        inside[TEXT_MAX];
    str path = str_sub(ask->rq.path, 0, PATH_LOGGED);
    snprintf(
        line, sizeof(line), "%.16s %.*s %d", ask->rq.method.at, STR_ARGS(path), answer->status);
    snprintf(ms, sizeof(ms), "%.2f", (double)(time_steady() - ask->started_us) / 1000);
    snprintf(bytes, sizeof(bytes), "%lld", (long long)answer->size);
    text_of(ask->rq.id, id, sizeof(id));
    text_of(ask->rq.address, address, sizeof(address));
    const char *pairs[18] = {"ms", ms, "bytes", bytes, "id", id, "from", address};
    size_t n = 8;
    if (ask->rq.account.at) {
        text_of(ask->rq.account, account, sizeof(account));
        pairs[n++] = "account";
        pairs[n++] = account;
    }
    if (answer->error) {
        pairs[n++] = "code";
        pairs[n++] = answer->error->code;
    }
    if (answer->error && answer->error->inside.at) {
        text_of(answer->error->inside, inside, sizeof(inside));
        pairs[n++] = "inside";
        pairs[n++] = inside;
    }
    log_pairs(log, level_of(answer->status), "http", line, pairs);
}

void access_log_plain(struct loop *loop, int status, const char *code)
{
    char line[64];
    snprintf(line, sizeof(line), "- - %d", status);
    const char *pairs[] = {"code", code, NULL};
    log_pairs(loop->server->log, level_of(status), "http", line, pairs);
}
