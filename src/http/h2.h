/*
 * HTTP/2 (RFC 9113) on a connection: each stream is an exchange.
 *
 * For a connection whose TLS client chose h2 by ALPN, and for one whose first bytes are the preface
 * (prior knowledge): these bytes come by `read`, as all that follow.
 */
#ifndef HTTP_H2_H
#define HTTP_H2_H

#include "http/conn.h"

/* Serves the connection from now on; false: no memory, and the connection is as it was. */
bool h2_open(struct conn *conn) __attribute__((warn_unused_result));

#endif
