/* Headers that say what a browser may not do with an answer: guess its type, run what is in it,
 * show it in a frame, tell others its address, or ask again without TLS. */
#ifndef HTTP_GUARDS_H
#define HTTP_GUARDS_H

#include <stdbool.h>
#include <stddef.h>

#define GUARDS_MAX 5

struct header;

/* Fills in those of an answer of this type (NULL: none); returns how many, GUARDS_MAX at most. */
size_t guards_fill(struct header *out, const char *content_type, bool tls);

#endif
