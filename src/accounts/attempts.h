/*
 * Failed sign-ins, counted three times: by account and client address together, by address and by
 * account. Each one past the free ones makes the next wait twice as long.
 *
 * The two together wait longest. An address that tries many accounts, and an account that is tried
 * from many addresses, wait up to a minute; but not who has signed in to the account from the
 * address before, so that nobody can lock others out by failing in their stead.
 * Kept in memory, in a table of fixed size; of a full row the oldest is forgotten. Any thread.
 */
#ifndef ACCOUNTS_ATTEMPTS_H
#define ACCOUNTS_ATTEMPTS_H

#include "base/str.h"

#define ATTEMPTS_FREE 5 /* of one account from one address */
#define ATTEMPTS_WAIT_MAX_S (15 * 60)
#define ATTEMPTS_ADDRESS_FREE 20 /* of any accounts from one address */
#define ATTEMPTS_ACCOUNT_FREE 50 /* of one account from anywhere */
#define ATTEMPTS_MANY_WAIT_MAX_S 60
#define ATTEMPTS_FORGET_S (60 * 60) /* after the last one */

struct attempts;

struct attempts *attempts_new(void); /* NULL: no memory */
void attempts_free(struct attempts *attempts);

/* Before a password is looked at: 0, and the attempt counts as failed until it succeeds; or the
 * seconds to wait, and nothing is counted. `now_us` is time_steady's. */
int attempts_begin(struct attempts *attempts, str account, str address, int64_t now_us);
void attempts_succeeded(struct attempts *attempts, str account, str address, int64_t now_us);

#endif
