/*
 * Access tokens as they were when they were last checked, good ones and those of ended sessions,
 * for SESSION_CACHE_MS, so that not every request checks a signature and asks the store.
 *
 * What belongs to a session that ends in this process is dropped at once. What was read from the
 * store before that must not come in after it: whoever reads takes a mark first, and is refused
 * when anything was dropped since. A token is kept as its keyed hash. Fixed size; any thread.
 */
#ifndef ACCOUNTS_SESSION_CACHE_H
#define ACCOUNTS_SESSION_CACHE_H

#include "base/str.h"

#define SESSION_CACHE_MS 3000

struct session_cache;

struct cached_session {
    char id[37], account[37], team[37];
    bool is_superuser;
    bool ended;      /* for good: who comes with it all the same does not reach the store */
    int64_t expires; /* the token or the session, whichever is sooner; microseconds since 1970 */
};

struct session_cache *session_cache_new(void); /* NULL: no memory */
void session_cache_free(struct session_cache *cache);
/* `now_us` is time_steady's. */
bool session_cache_find(struct session_cache *cache, str token, int64_t now_us,
                        struct cached_session *out);
uint64_t session_cache_mark(struct session_cache *cache);
void session_cache_put(struct session_cache *cache, uint64_t mark, str token,
                       const struct cached_session *session, int64_t now_us);
/* All tokens of the session. */
void session_cache_drop(struct session_cache *cache, str session);

#endif
