/*
 * HTTP/1.1 (RFC 9112) on a connection: one exchange at a time, in order.
 *
 * A connection whose first bytes are the preface of HTTP/2 is handed over to h2_open, which gets
 * those bytes by `read`. What a TLS client chose by ALPN goes to its protocol at once.
 */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "http/conn.h"

/* Serves the connection from now on; false: no memory, and the connection is as it was. */
bool h1_open(struct conn *conn) __attribute__((warn_unused_result));

#endif
