/* Files that are part of the program, answered by the loop: conditional, packed beforehand. */
#ifndef HTTP_STATICS_H
#define HTTP_STATICS_H

#include "http/asking.h"

struct statics;
struct static_entry;

/* Bodies are kept by reference. A path may be there only once. */
MUST_CHECK err statics_new(struct arena *mem, const struct static_file *files, size_t count,
                           struct statics **out);
void statics_free(struct statics *statics);
/* NULL: there is none. */
const struct static_entry *statics_find(const struct statics *statics, str path);
void reply_static(struct asking *ask, const struct static_entry *entry);

#endif
