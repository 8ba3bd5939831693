/*
 * Failed sign-ins, by account and client address: each one past ATTEMPTS_FREE makes the next wait
 * twice as long.
 *
 * Kept in memory, in a table of fixed size; of a full row the oldest is forgotten. Any thread.
 */
#ifndef ACCOUNTS_ATTEMPTS_H
#define ACCOUNTS_ATTEMPTS_H

#include "base/str.h"

#define ATTEMPTS_FREE 5
#define ATTEMPTS_WAIT_MAX_S (15 * 60)
#define ATTEMPTS_FORGET_S (60 * 60) /* after the last one */

struct attempts;

struct attempts *attempts_new(void); /* NULL: no memory */
void attempts_free(struct attempts *attempts);

/* Before a password is looked at: 0, and the attempt counts as failed until it succeeds; or the
 * seconds to wait, and nothing is counted. `now_us` is time_steady's. */
int attempts_begin(struct attempts *attempts, str account, str address, int64_t now_us);
void attempts_succeeded(struct attempts *attempts, str account, str address);

#endif
