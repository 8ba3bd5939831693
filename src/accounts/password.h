/* Passwords: which are good enough, and their hashes. Hashing takes about 0.1 s and 64 MB: only on
 * threads of POOL_PASSWORD. */
#ifndef ACCOUNTS_PASSWORD_H
#define ACCOUNTS_PASSWORD_H

#include "base/arena.h"
#include "base/err.h"

#define PASSWORD_MIN 8   /* characters */
#define PASSWORD_MAX 256 /* bytes: 64 characters of any script */

/* What is wrong with it for the account of `address`, as a sentence; NULL: nothing. */
const char *password_problem(str password, str address);
MUST_CHECK err password_hash(struct arena *mem, str password, str *hash);
/* An absent hash (nobody's) matches nothing and takes as long as any. */
MUST_CHECK err password_matches(struct arena *mem, str hash, str password, bool *matches);

#endif
