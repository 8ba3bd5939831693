/* Accounts and teams: listed, and accounts switched off and on. */
#include "admin/handlers.h"
#include "data/data.h"

struct account_input {
    bool is_active;
};

const struct field admin_account_input[] = {
    FIELD(struct account_input, is_active, FIELD_BOOL, .flags = FIELD_REQUIRED,
          .help = "false: ends the sessions, and lets nobody sign in"),
    FIELD_LAST,
};

struct team {
    str id, name;
    int64_t created;
    int64_t tables, views, jobs, channels, bytes;
    int64_t last_event, last_event_at;
};

const struct field admin_team_fields[] = {
    FIELD(struct team, id, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct team, name, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "Of a personal one: the address it was made with"),
    FIELD(struct team, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct team, tables, FIELD_INT),
    FIELD(struct team, views, FIELD_INT),
    FIELD(struct team, jobs, FIELD_INT),
    FIELD(struct team, channels, FIELD_INT),
    FIELD(struct team, bytes, FIELD_INT, .help = "Of tables and views"),
    FIELD(struct team, last_event, FIELD_INT, .help = "The last number of its log"),
    FIELD(struct team, last_event_at, FIELD_TIME),
    FIELD_LAST,
};

err admin_accounts(struct request *rq)
{
    struct page page;
    struct list list;
    TRY(page_ask(rq, &page));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(accounts_seen(&tx, &page, rq->now, &list));
    return page_reply(rq,
                      &page,
                      account_seen_fields,
                      sizeof(struct account_seen),
                      list,
                      offsetof(struct account_seen, id));
}

static void switch_log(struct request *rq, str id, bool active)
{
    const char *pairs[] = {"account", str_c(rq->mem, id), "by", str_c(rq->mem, rq->account), NULL};
    log_pairs(rq->log,
              LOG_WARNING,
              "admin",
              active ? "an account was switched on" : "an account was switched off",
              pairs);
}

err admin_account_patch(struct request *rq)
{
    struct admin *admin = rq->context;
    struct account_input input = {0};
    struct account_seen account = {0};
    str id = request_path(rq, "id");
    bool changed;
    TRY(request_body(rq, admin_account_input, &input));
    if (!input.is_active && str_eq(id, rq->account))
        return err_new(rq->mem, 409, "own_account", "Nobody can switch off the own account.");
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(account_let_in(
        admin->options.accounts, &tx, id, input.is_active, rq->now, &account, &changed));
    TRY(tx_commit(&tx));
    if (changed)
        switch_log(rq, account.id, input.is_active);
    return reply_json(rq, 200, account_seen_fields, &account);
}

static err team_fill(struct tx *tx, const struct team_seen *seen, struct team *out)
{
    struct team_holdings has = {0};
    *out = (struct team){.id = seen->id, .name = seen->name, .created = seen->created};
    TRY(team_holdings(tx, seen->id, &has));
    out->tables = has.tables;
    out->views = has.views;
    out->jobs = has.jobs;
    out->channels = has.channels;
    out->bytes = has.bytes;
    return events_last(tx, seen->id, &out->last_event, &out->last_event_at);
}

err admin_teams(struct request *rq)
{
    struct page page;
    struct list list;
    TRY(page_ask(rq, &page));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(teams_seen(&tx, &page, &list));
    const struct team_seen *seen = list.at;
    struct team *teams = arena_array(rq->mem, list.n, sizeof(*teams));
    if (!teams)
        return &err_no_memory;
    for (size_t i = 0; i < list.n; i++)
        TRY(team_fill(&tx, &seen[i], &teams[i]));
    list.at = teams;
    return page_reply(
        rq, &page, admin_team_fields, sizeof(struct team), list, offsetof(struct team, id));
}

err admin_jobs_failing(struct request *rq)
{
    struct page page;
    struct list list;
    TRY(page_ask(rq, &page));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(jobs_failing(&tx, &page, &list));
    return page_reply(rq,
                      &page,
                      failing_job_fields,
                      sizeof(struct failing_job),
                      list,
                      offsetof(struct failing_job, key));
}
