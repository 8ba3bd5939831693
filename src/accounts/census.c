/* Accounts and teams as those see them who look after the server; and letting accounts in or not.
 */
#include "accounts/account.h"
#include "accounts/sessions.h"

#define PAGE_ROWS_MAX 2000

const struct field account_seen_fields[] = {
    FIELD(struct account_seen, id, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct account_seen, primary_email, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct account_seen, full_name, FIELD_STR),
    FIELD(struct account_seen, team, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "The personal team"),
    FIELD(struct account_seen, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct account_seen, is_active, FIELD_BOOL, .help = "false: may not sign in"),
    FIELD(struct account_seen, is_superuser, FIELD_BOOL),
    FIELD(struct account_seen, sessions, FIELD_INT, .help = "How many are alive"),
    FIELD(struct account_seen, last_used, FIELD_TIME,
          .help = "When a session was last begun or renewed"),
    FIELD_LAST,
};

static const struct field team_seen_row[] = {
    FIELD(struct team_seen, id, FIELD_STR),
    FIELD(struct team_seen, name, FIELD_STR),
    FIELD(struct team_seen, created, FIELD_TIME),
    FIELD_LAST,
};

#define ACCOUNT_SELECT                                                               \
    "SELECT a.id, a.primary_email, a.full_name, a.team, a.created, a.is_active,"     \
    " a.is_superuser, (SELECT count(*) FROM sessions s WHERE s.account = a.id"       \
    " AND s.ended IS NULL AND s.expires > $1) AS sessions,"                          \
    " (SELECT max(s.last_used) FROM sessions s WHERE s.account = a.id) AS last_used" \
    " FROM accounts a "

err accounts_seen(struct tx *tx, const struct page *page, int64_t now, struct list *out)
{
    if (page->before.at)
        return tx_list(tx,
                       account_seen_fields,
                       sizeof(struct account_seen),
                       PAGE_ROWS_MAX,
                       out,
                       ACCOUNT_SELECT "WHERE a.id > $2 ORDER BY a.id LIMIT $3",
                       A(now),
                       A(page->before),
                       A(page_rows(page)));
    return tx_list(tx,
                   account_seen_fields,
                   sizeof(struct account_seen),
                   PAGE_ROWS_MAX,
                   out,
                   ACCOUNT_SELECT "WHERE a.id < $2 ORDER BY a.id DESC LIMIT $3",
                   A(now),
                   A(page->after.at ? page->after : STR(ID_LAST)),
                   A(page_rows(page)));
}

err teams_seen(struct tx *tx, const struct page *page, struct list *out)
{
    if (page->before.at)
        return tx_list(tx,
                       team_seen_row,
                       sizeof(struct team_seen),
                       PAGE_ROWS_MAX,
                       out,
                       "SELECT id, name, created FROM teams WHERE id > $1 ORDER BY id LIMIT $2",
                       A(page->before),
                       A(page_rows(page)));
    return tx_list(tx,
                   team_seen_row,
                   sizeof(struct team_seen),
                   PAGE_ROWS_MAX,
                   out,
                   "SELECT id, name, created FROM teams WHERE id < $1 ORDER BY id DESC LIMIT $2",
                   A(page->after.at ? page->after : STR(ID_LAST)),
                   A(page_rows(page)));
}

static err account_switch(struct accounts *accounts, struct tx *tx, struct account *account,
                          bool active, int64_t now)
{
    TRY(tx_run(tx, "UPDATE accounts SET is_active = $1 WHERE id = $2", A(active), A(account->id)));
    if (!active)
        TRY(sessions_end(accounts, tx, account->id, (str){0}, "deactivated", now));
    return event_append(accounts->options.events,
                        tx,
                        account->team,
                        active ? "account.activated" : "account.deactivated",
                        account->id,
                        account_fields,
                        account);
}

err account_let_in(struct accounts *accounts, struct tx *tx, str id, bool active, int64_t now,
                   struct account_seen *out, bool *changed)
{
    struct account account = {0};
    bool found;
    TRY(tx_find(tx,
                account_row,
                &account,
                &found,
                "SELECT id, primary_email, full_name, team, created, is_active, is_superuser"
                " FROM accounts WHERE id = $1",
                A(id)));
    if (!found)
        return err_new(
            tx->db->mem, 404, "not_found", "There is no account \"%.*s\".", STR_ARGS(id));
    *changed = account.is_active != active;
    if (*changed)
        TRY(account_switch(accounts, tx, &account, active, now));
    return tx_one(
        tx, account_seen_fields, out, ACCOUNT_SELECT "WHERE a.id = $2", A(now), A(account.id));
}
