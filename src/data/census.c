/* What the teams have, and which of their jobs fail, for those who look after the server. */
#include "data/data.h"

#define PAGE_ROWS_MAX 2000

static const struct field holdings_row[] = {
    FIELD(struct team_holdings, tables, FIELD_INT),
    FIELD(struct team_holdings, views, FIELD_INT),
    FIELD(struct team_holdings, jobs, FIELD_INT),
    FIELD(struct team_holdings, channels, FIELD_INT),
    FIELD(struct team_holdings, bytes, FIELD_INT),
    FIELD_LAST,
};

static const struct field failing_row[] = {
    FIELD(struct failing_job, clock_key, FIELD_INT),
    FIELD(struct failing_job, team, FIELD_STR),
    FIELD(struct failing_job, job_id, FIELD_INT),
    FIELD(struct failing_job, view_name, FIELD_STR),
    FIELD(struct failing_job, crontab_def, FIELD_STR),
    FIELD(struct failing_job, timezone, FIELD_STR),
    FIELD(struct failing_job, active, FIELD_BOOL),
    FIELD(struct failing_job, last_error, FIELD_STR),
    FIELD(struct failing_job, last_run, FIELD_TIME),
    FIELD(struct failing_job, failures, FIELD_INT),
    FIELD(struct failing_job, failing_since, FIELD_TIME),
    FIELD_LAST,
};

const struct field failing_job_fields[] = {
    FIELD(struct failing_job, team, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct failing_job, job_id, FIELD_INT, .help = "Its number in the team"),
    FIELD(struct failing_job, view_name, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct failing_job, crontab_def, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct failing_job, timezone, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct failing_job, active, FIELD_BOOL, .help = "false: it is switched off"),
    FIELD(struct failing_job, last_error, FIELD_STR),
    FIELD(struct failing_job, last_run, FIELD_TIME, .flags = FIELD_REQUIRED,
          .help = "When the last run began"),
    FIELD(struct failing_job, failures, FIELD_INT, .help = "How many in a row, up to 1,000"),
    FIELD(struct failing_job, failing_since, FIELD_TIME, .flags = FIELD_REQUIRED,
          .help = "When the first of them began"),
    FIELD_LAST,
};

err team_holdings(struct tx *tx, str team, struct team_holdings *out)
{
    return tx_one(
        tx,
        holdings_row,
        out,
        "SELECT (SELECT count(*) FROM relations WHERE team = $1 AND kind = 'table') AS tables,"
        " (SELECT count(*) FROM relations WHERE team = $1 AND kind = 'view') AS views,"
        " (SELECT count(*) FROM jobs WHERE team = $1) AS jobs,"
        " (SELECT count(*) FROM channels WHERE team = $1) AS channels,"
        " (SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM relations WHERE team = $1) AS bytes",
        A(team));
}

/* One that is under way has not failed yet: the one before it counts. */
#define FAILING_SELECT                                                                            \
    "SELECT j.clock_key, j.team, j.id AS job_id, r.name AS view_name, j.crontab_def, j.timezone," \
    " j.active, u.error AS last_error, u.started AS last_run FROM jobs j"                         \
    " JOIN relations r ON r.team = j.team AND r.name_key = j.view_key"                            \
    " JOIN runs u ON u.team = j.team AND u.job = j.id AND u.due = (SELECT l.due FROM runs l"      \
    " WHERE l.team = j.team AND l.job = j.id AND l.outcome <> 'running'"                          \
    " ORDER BY l.due DESC LIMIT 1) WHERE u.outcome = 'failed' "

static err failing_page(struct tx *tx, const struct page *page, struct list *out)
{
    int64_t after = 0, before = 0;
    if (page->after.at && !str_i64(page->after, &after))
        return field_err(tx->db->mem, "after", "Must be a whole number.");
    if (page->before.at && !str_i64(page->before, &before))
        return field_err(tx->db->mem, "before", "Must be a whole number.");
    if (page->before.at)
        return tx_list(tx,
                       failing_row,
                       sizeof(struct failing_job),
                       PAGE_ROWS_MAX,
                       out,
                       FAILING_SELECT "AND j.clock_key < $1 ORDER BY j.clock_key DESC LIMIT $2",
                       A(before),
                       A(page_rows(page)));
    return tx_list(tx,
                   failing_row,
                   sizeof(struct failing_job),
                   PAGE_ROWS_MAX,
                   out,
                   FAILING_SELECT "AND j.clock_key > $1 ORDER BY j.clock_key LIMIT $2",
                   A(after),
                   A(page_rows(page)));
}

#define LAST_RUNS                                                         \
    "SELECT due, started, outcome FROM runs WHERE team = $1 AND job = $2" \
    " AND outcome <> 'running' ORDER BY due DESC LIMIT $3"

/* Those behind the last that did not fail, as far back as is looked. */
static err failures_count(struct tx *tx, struct failing_job *job)
{
    return tx_one(tx,
                  failing_row,
                  job,
                  "SELECT count(*) AS failures, min(started) AS failing_since FROM (" LAST_RUNS
                  ") f WHERE due > coalesce((SELECT max(due) FROM (" LAST_RUNS
                  ") g WHERE outcome <> 'failed'), -1)",
                  A(job->team),
                  A(job->job_id),
                  A(FAILURES_MAX));
}

err jobs_failing(struct tx *tx, const struct page *page, struct list *out)
{
    TRY(failing_page(tx, page, out));
    struct failing_job *jobs = out->at;
    for (size_t i = 0; i < out->n; i++) {
        TRY(failures_count(tx, &jobs[i]));
        jobs[i].key = str_fmt(tx->db->mem, "%lld", (long long)jobs[i].clock_key);
    }
    return NULL;
}
