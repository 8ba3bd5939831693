/* Answers made smaller (RFC 1952). */
#ifndef HTTP_GZIP_H
#define HTTP_GZIP_H

#include "base/str.h"

#define GZIP_LEAST ((size_t)1024) /* bytes worth it */

/* Appends `in` packed; false, and `out` without use, when memory is out or it got no smaller.
 * Blocks: not on a loop. */
bool gzip_pack(str in, int level, struct buf *out);
/* Text of a kind that packs well: JSON, HTML, CSS, JavaScript, CSV, SVG. */
bool gzip_worth(const char *content_type);

#endif
