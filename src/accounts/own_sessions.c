/* The living sessions of the account that asks: listed, so that a person sees who is signed in, and
 * ended, one or all. */
#include "accounts/sessions.h"
#include "base/id.h"
#include "http/page.h"

#define PAGE_ROWS_MAX 2000

const struct field session_fields[] = {
    FIELD(struct session, id, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct session, created, FIELD_TIME, .flags = FIELD_REQUIRED,
          .help = "When it was signed in"),
    FIELD(struct session, expires, FIELD_TIME, .flags = FIELD_REQUIRED,
          .help = "When it ends if it is not used"),
    FIELD(struct session, last_used, FIELD_TIME, .flags = FIELD_REQUIRED,
          .help = "When its tokens were last renewed"),
    FIELD(struct session, user_agent, FIELD_STR, .help = "Of the sign-in, up to 200 characters"),
    FIELD(struct session, from, FIELD_STR, .help = "Address of the sign-in"),
    FIELD(struct session, current, FIELD_BOOL, .help = "Is it the one that asks?"),
    FIELD_LAST,
};

struct end_query {
    bool others;
};

const struct field sessions_end_query[] = {
    FIELD(struct end_query, others, FIELD_BOOL, .help = "true: all but the one that asks"),
    FIELD_LAST,
};

#define SESSION_SELECT                                                                       \
    "SELECT id, account, team, created, expires, last_used, user_agent, address AS \"from\"" \
    " FROM sessions WHERE account = $1 AND team = $2 AND ended IS NULL AND expires > $3 "

/* Newest first; each way along the index. */
static err session_page(struct request *rq, struct tx *tx, const struct page *page,
                        struct list *out)
{
    if (page->before.at)
        return tx_list(tx,
                       session_row,
                       sizeof(struct session),
                       PAGE_ROWS_MAX,
                       out,
                       SESSION_SELECT "AND id > $4 ORDER BY id LIMIT $5",
                       A(rq->account),
                       A(rq->team),
                       A(rq->now),
                       A(page->before),
                       A(page_rows(page)));
    return tx_list(tx,
                   session_row,
                   sizeof(struct session),
                   PAGE_ROWS_MAX,
                   out,
                   SESSION_SELECT "AND id < $4 ORDER BY id DESC LIMIT $5",
                   A(rq->account),
                   A(rq->team),
                   A(rq->now),
                   A(page->after.at ? page->after : STR(ID_LAST)),
                   A(page_rows(page)));
}

err session_list(struct request *rq)
{
    struct page page;
    struct list list;
    TRY(page_ask(rq, &page));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(session_page(rq, &tx, &page, &list));
    struct session *sessions = list.at;
    for (size_t i = 0; i < list.n; i++)
        sessions[i].current = str_eq(sessions[i].id, rq->session);
    return page_reply(
        rq, &page, session_fields, sizeof(struct session), list, offsetof(struct session, id));
}

err session_drop(struct request *rq)
{
    struct session session = {0};
    bool found;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(tx_find(&tx,
                session_row,
                &session,
                &found,
                SESSION_SELECT "AND id = $4",
                A(rq->account),
                A(rq->team),
                A(rq->now),
                A(request_path(rq, "id"))));
    if (!found)
        return err_new(rq->mem,
                       404,
                       "not_found",
                       "There is no session \"%.*s\".",
                       STR_ARGS(request_path(rq, "id")));
    TRY(session_end(rq->context, &tx, &session, "signed_out", rq->now));
    TRY(tx_commit(&tx));
    return reply_empty(rq, 204);
}

err session_drop_all(struct request *rq)
{
    struct end_query query = {0};
    TRY(request_query(rq, sessions_end_query, &query));
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(sessions_end(rq->context,
                     &tx,
                     rq->account,
                     query.others ? rq->session : (str){0},
                     "signed_out",
                     rq->now));
    TRY(tx_commit(&tx));
    return reply_empty(rq, 204);
}
