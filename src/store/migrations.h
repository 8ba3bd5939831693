/* The migrations that are part of the program: src/<domain>/migrations/NNNN_name.{up,down}.sql. */
#ifndef STORE_MIGRATIONS_H
#define STORE_MIGRATIONS_H

#include "base/embedded.h"
#include "store/store.h"

/*
 * In order of number, which counts through all domains. An error names what is missing, there
 * twice, or wrongly named. `files` is embedded_files, or a list of a test.
 */
MUST_CHECK err migrations_make(struct arena *mem, const struct embedded_file *files,
                               const struct migration **out, size_t *n);

#endif
