/* Which web pages of other origins may use the server (CORS, WHATWG Fetch 3.2). */
#ifndef HTTP_ORIGINS_H
#define HTTP_ORIGINS_H

#include "base/err.h"
#include "base/str.h"

struct origins;

/* "https://a.example, http://localhost:3000" or "*"; empty or absent: none. */
MUST_CHECK err origins_new(struct arena *mem, str list, struct origins **out);
bool origins_allow(const struct origins *origins, str origin);

#endif
