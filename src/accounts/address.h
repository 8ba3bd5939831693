/* E-mail addresses: which are taken, and which are the same. */
#ifndef ACCOUNTS_ADDRESS_H
#define ACCOUNTS_ADDRESS_H

#include "base/str.h"

#define ADDRESS_MAX 254 /* bytes, RFC 5321 4.5.3.1.3 less the angle brackets */

/* What is wrong with it, as a sentence; NULL: it is one. Spaces around it don't count. */
const char *address_problem(str address);
/* What two addresses of one account have in common: no spaces around it, lower case. */
str address_key(struct arena *mem, str address);

#endif
