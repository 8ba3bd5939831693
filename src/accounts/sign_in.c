/* Signing in, going on, signing out, and changing what one signs in with. */
#include "accounts/address.h"
#include "accounts/password.h"
#include "accounts/sessions.h"
#include "accounts/token.h"
#include "base/time.h"
#include "http/limit.h"

#define USER_AGENT_MAX 200 /* bytes */
#define FROM_MAX 64

struct credentials {
    str primary_email, password;
};

struct new_password {
    str current_password, new_password;
};

struct refresh_input {
    str refresh, renewal;
};

const struct field credentials_fields[] = {
    FIELD(struct credentials, primary_email, FIELD_STR, .flags = FIELD_REQUIRED, .max = 1000,
          .help = "Address of the account; case does not matter"),
    FIELD(struct credentials, password, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .max = PASSWORD_MAX),
    FIELD_LAST,
};

const struct field password_change_fields[] = {
    FIELD(struct new_password, current_password, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .max = PASSWORD_MAX),
    FIELD(struct new_password, new_password, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .min = PASSWORD_MIN, .max = PASSWORD_MAX,
          .help = "At least 8 characters of any kind, and none that is easy to guess"),
    FIELD_LAST,
};

#define REFRESH_FIELD                             \
    FIELD(struct refresh_input,                   \
          refresh,                                \
          FIELD_STR,                              \
          .flags = FIELD_REQUIRED | FIELD_SECRET, \
          .max = TOKEN_MAX,                       \
          .help = "The newest refresh token of the session")

const struct field refresh_fields[] = {
    REFRESH_FIELD,
    FIELD_LAST,
};

const struct field renewal_fields[] = {
    REFRESH_FIELD,
    FIELD(struct refresh_input, renewal, FIELD_STR, .flags = FIELD_SECRET, .min = 16, .max = 100,
          .help =
              "A random text of the client's own: when the answer is lost, the same call with the "
              "same text gives another pair instead of ending the session"),
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
    char bytes[LIMIT_ADDRESS];
    str address = limit_address(rq->address, bytes);
    int wait_s = attempts_begin(attempts, key, address, time_steady());
    if (wait_s)
        return too_many_attempts(rq->mem, wait_s);

    CLEANUP(tx_done) struct tx tx = {0};
    bool found, matches;
    TRY(db_read(rq->db, &tx));
    TRY(account_by_email(&tx, key, account, &found));
    TRY(tx_commit(&tx));
    if (found)
        rq->account = account->id; /* for the log, whether it is them or not */

    TRY(password_matches(rq->mem, found ? account->password : (str){0}, given->password, &matches));
    if (!matches || !account->is_active)
        return no_active_account(rq->mem);
    attempts_succeeded(attempts, key, address, time_steady());
    return NULL;
}

/* As much of it as a person can use, and well-formed whatever was sent. */
static str user_agent_of(struct request *rq)
{
    str sent = str_sub(request_header(rq, "user-agent"), 0, USER_AGENT_MAX);
    char *text = sent.len ? arena_alloc(rq->mem, sent.len) : NULL;
    if (!text)
        return (str){0};
    for (size_t i = 0; i < sent.len; i++)
        text[i] = sent.at[i] >= ' ' && sent.at[i] < 0x7F ? sent.at[i] : '?';
    return (str){text, sent.len};
}

static struct visitor visitor_of(struct request *rq)
{
    return (struct visitor){.user_agent = user_agent_of(rq),
                            .from = str_sub(rq->address, 0, FROM_MAX)};
}

err session_obtain(struct request *rq)
{
    struct credentials given = {0};
    struct account account = {0};
    struct tokens tokens;
    TRY(request_body(rq, credentials_fields, &given));
    TRY(credentials_check(rq, &given, &account));
    struct visitor visitor = visitor_of(rq);
    TRY(session_open(rq->context, rq->db, &account, &visitor, rq->now, &tokens));
    return reply_json(rq, 200, tokens_fields, &tokens);
}

err session_refresh(struct request *rq)
{
    struct refresh_input given = {0};
    struct tokens tokens;
    TRY(request_body(rq, renewal_fields, &given));
    TRY(session_renew(rq->context, rq->db, given.refresh, given.renewal, rq->now, &tokens));
    return reply_json(rq, 200, tokens_fields, &tokens);
}

err session_blacklist(struct request *rq)
{
    struct refresh_input given = {0};
    TRY(request_body(rq, refresh_fields, &given));
    TRY(session_close(rq->context, rq->db, given.refresh, rq->now));
    return reply_empty(rq, 205);
}

static err own_email(struct request *rq, str *email)
{
    struct account account = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(tx_one(&tx,
               account_row,
               &account,
               "SELECT primary_email FROM accounts WHERE id = $1",
               A(rq->account)));
    *email = account.primary_email;
    return tx_commit(&tx);
}

/* Nobody stays signed in who knew the old one; unless another change was faster. */
static err password_replace(struct request *rq, const struct account *account, str hash,
                            struct tokens *tokens)
{
    struct account changed = {0};
    bool found;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(tx_find(&tx,
                account_row,
                &changed,
                &found,
                "UPDATE accounts SET password = $1 WHERE id = $2 AND password = $3"
                " RETURNING id, primary_email, full_name, team, created, is_superuser",
                A(hash),
                A(account->id),
                A(account->password)));
    if (!found)
        return err_new(rq->mem, 409, "conflict", "The password has just been changed.");
    struct visitor visitor = visitor_of(rq);
    TRY(sessions_end(rq->context, &tx, account->id, (str){0}, "password_changed", rq->now));
    TRY(event_append(((struct accounts *)rq->context)->options.events,
                     &tx,
                     changed.team,
                     "account.password_changed",
                     changed.id,
                     account_fields,
                     &changed));
    TRY(session_begin(rq->context, &tx, account, &visitor, rq->now, tokens));
    return tx_commit(&tx);
}

err password_change(struct request *rq)
{
    struct new_password given = {0};
    struct credentials credentials = {0};
    struct account account = {0};
    struct tokens tokens;
    str hash;
    TRY(request_body(rq, password_change_fields, &given));
    TRY(own_email(rq, &credentials.primary_email));
    const char *problem = password_problem(given.new_password, credentials.primary_email);
    if (problem)
        return field_err(rq->mem, "new_password", "%s", problem);
    credentials.password = given.current_password;
    err e = credentials_check(rq, &credentials, &account);
    if (err_is(e, "no_active_account"))
        return field_err(rq->mem, "current_password", "Is not the current password.");
    TRY(e);
    TRY(password_hash(rq->mem, given.new_password, &hash));
    TRY(password_replace(rq, &account, hash, &tokens));
    return reply_json(rq, 200, tokens_fields, &tokens);
}
