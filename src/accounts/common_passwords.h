/* The passwords that are tried first: some 12,000 of at least 8 characters, in lower case, and the
 * runs: 87654321, abcdefgh, 00000000. */
#ifndef ACCOUNTS_COMMON_PASSWORDS_H
#define ACCOUNTS_COMMON_PASSWORDS_H

#include "base/str.h"

/* Whatever the case of its ASCII letters. */
bool password_common(str password);

#endif
