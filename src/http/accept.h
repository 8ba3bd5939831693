/* What the client would rather have: Accept and Accept-Encoding (RFC 9110 12.5), as functions of
 * the header's text. */
#ifndef HTTP_ACCEPT_H
#define HTTP_ACCEPT_H

#include "base/str.h"

/*
 * The offer (of NULL-ended media types) that the header likes best: highest weight by the most
 * specific range that matches it, then the order of the offers. An absent or empty header takes the
 * first; -1 when none is acceptable.
 */
int accept_best(str header, const char *const *offers);
/* The Accept-Encoding header allows gzip and does not prefer the plain text. */
bool accept_gzip(str header);

#endif
