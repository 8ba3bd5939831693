/*
 * Tokens: JSON Web Tokens (RFC 7519) signed with HS256 and nothing else.
 *
 * A token is good for what it says only together with its session: see sessions.h.
 */
#ifndef ACCOUNTS_TOKEN_H
#define ACCOUNTS_TOKEN_H

#include "base/arena.h"
#include "base/err.h"

#define TOKEN_KEY_MIN 32 /* bytes, RFC 7518 3.2 */
#define TOKEN_MAX 4096   /* bytes of a token that is looked at */

enum token_type { TOKEN_ACCESS, TOKEN_REFRESH };

struct claims {
    enum token_type type;
    str account, session, team; /* sub, sid, team */
    str id;                     /* jti */
    int64_t issued_s, expires_s;
};

MUST_CHECK err token_make(struct arena *mem, str key, const struct claims *claims, str *token);
/* 401 token_not_valid: not ours, changed, of another type, or expired at `now_s`. */
MUST_CHECK err token_read(struct arena *mem, str key, enum token_type type, str token,
                          int64_t now_s, struct claims *claims);

#endif
