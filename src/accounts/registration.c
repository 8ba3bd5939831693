/* Registering: an account, its personal team, and who one is. */
#include "accounts/account.h"
#include "accounts/address.h"
#include "accounts/password.h"
#include "base/id.h"

#define ERRORS_MAX (72 * 1024) /* those of a body, and two more */

const struct field registration_fields[] = {
    FIELD(struct registration, primary_email, FIELD_STR, .flags = FIELD_REQUIRED, .max = 1000,
          .help = "Who signs in; plus-addresses are other accounts, case does not matter"),
    FIELD(struct registration, password, FIELD_STR, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .min = PASSWORD_MIN, .max = PASSWORD_MAX,
          .help = "At least 8 characters of any kind, and none that is easy to guess"),
    FIELD(struct registration, full_name, FIELD_STR, .max = 1000),
    FIELD_LAST,
};

const struct field account_fields[] = {
    FIELD(struct account, id, FIELD_STR, .flags = FIELD_REQUIRED),
    FIELD(struct account, primary_email, FIELD_STR, .flags = FIELD_REQUIRED,
          .help = "As it was typed"),
    FIELD(struct account, full_name, FIELD_STR),
    FIELD(struct account, team, FIELD_STR, .flags = FIELD_REQUIRED, .help = "The personal team"),
    FIELD(struct account, created, FIELD_TIME, .flags = FIELD_REQUIRED),
    FIELD(struct account, is_superuser, FIELD_BOOL, .help = "May use what is under /admin"),
    FIELD_LAST,
};

const struct field account_row[] = {
    FIELD(struct account, id, FIELD_STR),
    FIELD(struct account, primary_email, FIELD_STR),
    FIELD(struct account, full_name, FIELD_STR),
    FIELD(struct account, team, FIELD_STR),
    FIELD(struct account, created, FIELD_INT),
    FIELD(struct account, password, FIELD_STR, .flags = FIELD_HIDDEN),
    FIELD(struct account, is_active, FIELD_BOOL),
    FIELD(struct account, is_superuser, FIELD_BOOL),
    FIELD_LAST,
};

static void problem_add(struct buf *errors, const char *field, const char *problem)
{
    if (!problem)
        return;
    buf_add(errors, errors->len > 1 ? STR(", ") : STR(""));
    json_print_str(errors, str_of(field));
    buf_add(errors, STR(": ["));
    json_print_str(errors, str_of(problem));
    buf_char(errors, ']');
}

err account_check(struct arena *mem, err before, str email, str password)
{
    const char *of_email = email.at ? address_problem(email) : NULL;
    const char *of_password =
        password.at ? password_problem(password, email.at ? email : STR("")) : NULL;
    if ((before && !err_is(before, "invalid_fields")) || (!of_email && !of_password))
        return before;
    CLEANUP(buf_done) struct buf errors;
    buf_init(&errors, ERRORS_MAX);
    /* The object of `before` is gone on with where it was closed. */
    buf_add(&errors, before ? str_sub(before->errors, 0, before->errors.len - 1) : STR("{"));
    problem_add(&errors, "primary_email", of_email);
    problem_add(&errors, "password", of_password);
    buf_char(&errors, '}');
    str text = str_copy(mem, buf_str(&errors));
    bool one = !before && !(of_email && of_password);
    return errors.failed
               ? &err_no_memory
               : err_with(mem,
                          422,
                          "invalid_fields",
                          one ? STR("One field is not right.") : STR("Some fields are not right."),
                          text);
}

err account_by_email(struct tx *tx, str email, struct account *out, bool *found)
{
    return tx_find(tx,
                   account_row,
                   out,
                   found,
                   "SELECT id, primary_email, full_name, team, created, password, is_active,"
                   " is_superuser FROM accounts WHERE email_key = $1",
                   A(address_key(tx->db->mem, email)));
}

err account_insert(struct accounts *accounts, struct tx *tx, struct account *account, int64_t now)
{
    struct arena *mem = tx->db->mem;
    account->id = id_new(mem);
    account->team = id_new(mem);
    account->created = now;
    TRY(tx_run(tx,
               "INSERT INTO teams (id, name, kind, created) VALUES ($1, $2, 'personal', $3)",
               A(account->team),
               A(account->primary_email),
               A(now)));
    err e = tx_run(tx,
                   "INSERT INTO accounts (id, team, primary_email, email_key, full_name, password,"
                   " is_active, is_superuser, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                   A(account->id),
                   A(account->team),
                   A(account->primary_email),
                   A(address_key(mem, account->primary_email)),
                   A(account->full_name),
                   A(account->password),
                   A(account->is_active),
                   A(account->is_superuser),
                   A(now));
    if (err_is(e, "conflict"))
        return field_err(mem, "primary_email", "There is an account with this address already.");
    TRY(e);
    TRY(tx_run(tx,
               "INSERT INTO memberships (team, account, role, created)"
               " VALUES ($1, $2, 'owner', $3)",
               A(account->team),
               A(account->id),
               A(now)));
    tx->db->actor = tx->db->actor.at ? tx->db->actor : account->id;
    return event_append(accounts->options.events,
                        tx,
                        account->team,
                        "account.registered",
                        account->id,
                        account_fields,
                        account);
}

err account_register(struct request *rq)
{
    struct registration given = {0};
    err e = request_body(rq, registration_fields, &given);
    TRY(account_check(rq->mem, e, given.primary_email, given.password));
    struct account account = {
        .primary_email = str_trim(given.primary_email),
        .full_name = given.full_name,
        .is_active = true,
    };
    TRY(password_hash(rq->mem, given.password, &account.password));

    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(rq->db, &tx));
    TRY(account_insert(rq->context, &tx, &account, rq->now));
    TRY(tx_commit(&tx));
    return reply_json(rq, 201, account_fields, &account);
}

err account_me(struct request *rq)
{
    struct account account = {0};
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_read(rq->db, &tx));
    TRY(tx_one(&tx,
               account_row,
               &account,
               "SELECT id, primary_email, full_name, team, created, is_superuser FROM accounts"
               " WHERE id = $1",
               A(rq->account)));
    TRY(tx_commit(&tx));
    return reply_json(rq, 200, account_fields, &account);
}
