/* The versions that a view has had. */
#ifndef DATA_VERSIONS_H
#define DATA_VERSIONS_H

#include "data/refresh.h"

extern const struct field version_fields[];

/* In the transaction that takes the version over. */
MUST_CHECK err version_record(struct tx *tx, const struct relation *view,
                              const struct refresh_fact *fact);
MUST_CHECK err versions_forget(struct tx *tx, str team, str view_key);
/* Those that were made before, some at a time; but the newest of each view. */
MUST_CHECK err versions_trim(struct db *db, int64_t before);

err view_versions(struct request *rq);

#endif
