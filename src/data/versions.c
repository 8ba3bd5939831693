/* The versions that a view has had: recorded with each refresh, listed, forgotten with the log. */
#include "data/versions.h"

#define TRIM_AT_ONCE 1000

struct version {
    str key; /* of a page */
    int64_t version, refreshed_at, row_count, added, removed, duration_us;
    double duration_ms;
    bool was_reset;
};

const struct field version_fields[] = {
    FIELD(struct version, version, FIELD_INT),
    FIELD(struct version, refreshed_at, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct version, row_count, FIELD_INT, .help = "Rows of the view"),
    FIELD(struct version, added, FIELD_INT, .help = "Rows that this version added"),
    FIELD(struct version, removed, FIELD_INT, .help = "Rows that it removed"),
    FIELD(struct version, duration_ms, FIELD_REAL, .flags = FIELD_REQUIRED),
    {.name = "reset",
     .type = FIELD_BOOL,
     .offset = offsetof(struct version, was_reset),
     .help = "The columns changed: there are no changes to the version before"},
    FIELD_LAST,
};

static const struct field version_row[] = {
    FIELD(struct version, version, FIELD_INT),
    FIELD(struct version, refreshed_at, FIELD_TIME),
    FIELD(struct version, row_count, FIELD_INT),
    FIELD(struct version, added, FIELD_INT),
    FIELD(struct version, removed, FIELD_INT),
    FIELD(struct version, duration_us, FIELD_INT),
    FIELD(struct version, was_reset, FIELD_BOOL),
    FIELD_LAST,
};

err version_record(struct tx *tx, const struct relation *view, const struct refresh_fact *fact)
{
    return tx_run(tx,
                  "INSERT INTO view_versions (team, view_key, version, refreshed_at, row_count,"
                  " added, removed, duration_us, was_reset)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                  A(view->team),
                  A(view->key),
                  A(fact->version),
                  A(fact->refreshed_at),
                  A(fact->row_count),
                  A(fact->added),
                  A(fact->removed),
                  A((int64_t)(fact->duration_ms * 1000)),
                  A(fact->columns_changed));
}

err versions_forget(struct tx *tx, str team, str view_key)
{
    return tx_run(
        tx, "DELETE FROM view_versions WHERE team = $1 AND view_key = $2", A(team), A(view_key));
}

static err trim_some(struct db *db, int64_t before, int64_t *removed)
{
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(tx_run(&tx,
               "DELETE FROM view_versions WHERE (team, view_key, version) IN"
               " (SELECT v.team, v.view_key, v.version FROM view_versions v"
               " JOIN relations r ON r.team = v.team AND r.name_key = v.view_key"
               " WHERE v.refreshed_at < $1 AND v.version < r.version LIMIT $2)",
               A(before),
               A(TRIM_AT_ONCE)));
    *removed = tx.changed;
    return tx_commit(&tx);
}

err versions_trim(struct db *db, int64_t before)
{
    int64_t removed;
    do
        TRY(trim_some(db, before, &removed));
    while (removed == TRIM_AT_ONCE);
    return NULL;
}

#define VERSION_SELECT                                                                \
    "SELECT version, refreshed_at, row_count, added, removed, duration_us, was_reset" \
    " FROM view_versions WHERE team = $1 AND view_key = $2 "

/* Newest first; each way along the index. */
static err version_page(struct tx *tx, const struct relation *view, int64_t after, int64_t before,
                        const struct page *page, struct list *out)
{
    if (page->before.at)
        return tx_list(tx,
                       version_row,
                       sizeof(struct version),
                       2000,
                       out,
                       VERSION_SELECT "AND version > $3 ORDER BY version LIMIT $4",
                       A(view->team),
                       A(view->key),
                       A(before),
                       A(page_rows(page)));
    return tx_list(tx,
                   version_row,
                   sizeof(struct version),
                   2000,
                   out,
                   VERSION_SELECT "AND version < $3 ORDER BY version DESC LIMIT $4",
                   A(view->team),
                   A(view->key),
                   A(after),
                   A(page_rows(page)));
}

err view_versions(struct request *rq)
{
    struct page page;
    struct list list;
    struct relation view = {0};
    int64_t after = INT64_MAX, before = 0;
    TRY(page_ask(rq, &page));
    if (page.after.at && !str_i64(page.after, &after))
        return field_err(rq->mem, "after", "Must be a whole number.");
    if (page.before.at && !str_i64(page.before, &before))
        return field_err(rq->mem, "before", "Must be a whole number.");
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(relation_load(&tx, rq->team, request_path(rq, "name"), "view", &view));
    TRY(version_page(&tx, &view, after, before, &page, &list));
    struct version *versions = list.at;
    for (size_t i = 0; i < list.n; i++) {
        versions[i].duration_ms = (double)versions[i].duration_us / 1000;
        versions[i].key = str_fmt(rq->mem, "%lld", (long long)versions[i].version);
    }
    return page_reply(
        rq, &page, version_fields, sizeof(struct version), list, offsetof(struct version, key));
}
