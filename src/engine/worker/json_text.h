/* JSON that comes from a table: checked, and made one line. */
#ifndef ENGINE_WORKER_JSON_TEXT_H
#define ENGINE_WORKER_JSON_TEXT_H

#include "base/str.h"

/* Appends `text` without its white space when it is one well-formed JSON value (RFC 8259); false,
 * and nothing appended, when it is not: DuckDB takes NaN, trailing commas and the like. */
bool json_text_add(struct buf *out, str text);

#endif
