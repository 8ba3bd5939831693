/* Single-use tickets, kept in the store by their hash, so that any node takes them, once. */
#include "accounts/ticket.h"

#include <sodium.h>

#include "base/id.h"
#include "base/time.h"

#define SECRET_BYTES 32
#define TICKET_LENGTH 43 /* of 32 bytes in base64url without padding */

struct ticket_row {
    str session, team;
};

static const struct field ticket_row[] = {
    FIELD(struct ticket_row, session, FIELD_STR),
    FIELD(struct ticket_row, team, FIELD_STR),
    FIELD_LAST,
};

static str ticket_hash(struct arena *mem, str ticket)
{
    unsigned char hash[crypto_generichash_BYTES];
    char text[2 * sizeof(hash) + 1];
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)ticket.at, ticket.len, NULL, 0);
    return str_copy(mem, str_of(sodium_bin2hex(text, sizeof(text), hash, sizeof(hash))));
}

static str ticket_new(struct arena *mem)
{
    unsigned char secret[SECRET_BYTES];
    char text[TICKET_LENGTH + 1];
    random_bytes(secret, sizeof(secret));
    sodium_bin2base64(
        text, sizeof(text), secret, sizeof(secret), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return str_copy(mem, str_of(text));
}

err ticket_issue(struct accounts *accounts, struct request *rq, str path, str *ticket,
                 int64_t *expires_at)
{
    (void)accounts;
    str made = ticket_new(rq->mem),
        same = str_ends(path, STR("/")) && path.len > 1 ? str_sub(path, 0, path.len - 1) : path;
    int64_t expires = rq->now + TICKET_SECONDS * US_PER_S, open;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(tx_number(&tx,
                  &open,
                  "SELECT count(*) FROM tickets WHERE session = $1 AND team = $2 AND expires > $3",
                  A(rq->session),
                  A(rq->team),
                  A(rq->now)));
    if (open >= TICKETS_MAX)
        return err_new(rq->mem,
                       429,
                       "too_many_tickets",
                       "This session has %d tickets that are not used yet; they are good for %d s.",
                       TICKETS_MAX,
                       TICKET_SECONDS);
    TRY(tx_run(&tx,
               "INSERT INTO tickets (hash, team, session, path, expires)"
               " VALUES ($1, $2, $3, $4, $5)",
               A(ticket_hash(rq->mem, made)),
               A(rq->team),
               A(rq->session),
               A(same),
               A(expires)));
    TRY(tx_commit(&tx));
    *ticket = made;
    *expires_at = expires;
    return NULL;
}

err ticket_use(struct request *rq, str ticket, struct session *session, bool *found)
{
    struct ticket_row row = {0};
    bool good = ticket.len == TICKET_LENGTH;
    CLEANUP(tx_done) struct tx tx = {0};
    if (good) {
        TRY(db_begin(rq->db, &tx));
        TRY(tx_find(&tx,
                    ticket_row,
                    &row,
                    &good,
                    "DELETE FROM tickets WHERE hash = $1 AND path = $2 AND expires > $3"
                    " RETURNING session, team",
                    A(ticket_hash(rq->mem, ticket)),
                    A(rq->path),
                    A(rq->now)));
    }
    if (!good)
        return err_new(rq->mem,
                       401,
                       "ticket_not_valid",
                       "The ticket is not good, or not for this path, or was used.");
    TRY(session_find(&tx, row.session, row.team, session, found));
    return tx_commit(&tx);
}
