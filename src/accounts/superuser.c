/* The superuser of the command line. */
#include "accounts/account.h"
#include "accounts/password.h"
#include "accounts/sessions.h"
#include "base/time.h"

static err superuser_raise(struct accounts *accounts, struct tx *tx, str id, str password)
{
    TRY(tx_run(tx,
               "UPDATE accounts SET password = $1, is_active = $2, is_superuser = $3 WHERE id = $4",
               A(password),
               A(true),
               A(true),
               A(id)));
    return sessions_end(accounts, tx, id, (str){0}, "password_changed", time_now());
}

err superuser_make(struct accounts *accounts, struct db *db, str email, str password, bool *created)
{
    TRY(account_check(db->mem, NULL, email, password));
    str hash;
    TRY(password_hash(db->mem, password, &hash));

    struct account account = {0};
    bool found;
    CLEANUP(tx_done) struct tx tx = {0};
    TRY(db_begin(db, &tx));
    TRY(account_by_email(&tx, email, &account, &found));
    if (found) {
        TRY(superuser_raise(accounts, &tx, account.id, hash));
    } else {
        account = (struct account){.primary_email = str_trim(email),
                                   .password = hash,
                                   .is_active = true,
                                   .is_superuser = true};
        TRY(account_insert(accounts, &tx, &account, time_now()));
    }
    *created = !found;
    return tx_commit(&tx);
}
