/* An account, and what the files of this folder share. */
#ifndef ACCOUNTS_ACCOUNT_H
#define ACCOUNTS_ACCOUNT_H

#include "accounts/accounts.h"
#include "accounts/attempts.h"
#include "accounts/session_cache.h"

struct accounts {
    struct accounts_options options;
    struct server *server; /* NULL: not serving */
    struct session_cache *sessions;
    struct attempts *attempts;
};

struct account {
    str id, full_name, primary_email, team;
    int64_t created;
    str password; /* the hash */
    bool is_active, is_superuser;
};

/* What is asked to register. */
struct registration {
    str primary_email, password, full_name;
};

extern const struct field registration_fields[];
extern const struct field account_fields[]; /* what is told of one */
extern const struct field account_row[];    /* all of it, as the store has it */

/* What is wrong with the words of an account, as one 422 together with `before` (NULL, or an
 * invalid_fields of the rest); absent ones are not looked at. NULL: nothing. */
MUST_CHECK err account_check(struct arena *mem, err before, str email, str password);
/* Account, personal team and membership; 422 naming primary_email when the address is taken. Fills
 * id, team, created. */
MUST_CHECK err account_insert(struct accounts *accounts, struct tx *tx, struct account *account,
                              int64_t now);
MUST_CHECK err account_by_email(struct tx *tx, str email, struct account *out, bool *found);

handler account_register, account_me;

#endif
