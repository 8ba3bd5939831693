/* Signing in, going on, signing out: what the token routes do. */
#include "accounts/address.h"
#include "accounts/password.h"
#include "accounts/sessions.h"
#include "accounts/token.h"
#include "base/time.h"

struct credentials {
    str primary_email, password;
};

struct refresh_input {
    str refresh;
};

const struct field credentials_fields[] = {
    FIELD(struct credentials, primary_email, FIELD_STR, .flags = FIELD_REQUIRED, .max = 1000,
          .help = "Address of the account; case does not matter"),
    FIELD(struct credentials, password, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .max = PASSWORD_MAX),
    FIELD_LAST,
};

const struct field refresh_fields[] = {
    FIELD(struct refresh_input, refresh, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .max = TOKEN_MAX, .help = "The newest refresh token of the session"),
    FIELD_LAST,
};

/* The same answer for a wrong password, an unknown address and an account that is not active, and
 * none of them sooner than another. */
static err no_active_account(struct arena *mem)
{
    return err_new(
        mem, 401, "no_active_account", "No active account found with the given credentials.");
}

static err too_many_attempts(struct arena *mem, int wait_s)
{
    struct err *e = NEW(mem, struct err);
    if (!e)
        return &err_no_memory;
    *e = (struct err){
        .status = 429,
        .code = "too_many_attempts",
        .detail = str_fmt(mem, "Too many failed attempts; try again in %d s.", wait_s),
        .retry_after_s = wait_s,
    };
    return e;
}

static err credentials_check(struct request *rq, const struct credentials *given,
                             struct account *account)
{
    struct attempts *attempts = ((struct accounts *)rq->context)->attempts;
    str key = address_key(rq->mem, given->primary_email);
    int wait_s = attempts_begin(attempts, key, rq->address, time_steady());
    if (wait_s)
        return too_many_attempts(rq->mem, wait_s);

    CLEANUP(tx_done) struct tx tx = {0};
    bool found, matches;
    TRY(db_read(rq->db, &tx));
    TRY(account_by_email(&tx, key, account, &found));
    TRY(tx_commit(&tx));

    TRY(password_matches(rq->mem, found ? account->password : (str){0}, given->password, &matches));
    if (!matches || !account->is_active)
        return no_active_account(rq->mem);
    attempts_succeeded(attempts, key, rq->address);
    return NULL;
}

err session_obtain(struct request *rq)
{
    struct credentials given = {0};
    struct account account = {0};
    struct tokens tokens;
    TRY(request_body(rq, credentials_fields, &given));
    TRY(credentials_check(rq, &given, &account));
    TRY(session_open(rq->context, rq->db, &account, rq->now, &tokens));
    return reply_json(rq, 200, tokens_fields, &tokens);
}

err session_refresh(struct request *rq)
{
    struct refresh_input given = {0};
    struct tokens tokens;
    TRY(request_body(rq, refresh_fields, &given));
    TRY(session_renew(rq->context, rq->db, given.refresh, rq->now, &tokens));
    return reply_json(rq, 200, tokens_fields, &tokens);
}

err session_blacklist(struct request *rq)
{
    struct refresh_input given = {0};
    TRY(request_body(rq, refresh_fields, &given));
    TRY(session_close(rq->context, rq->db, given.refresh, rq->now));
    return reply_empty(rq, 205);
}
