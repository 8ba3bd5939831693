/* TLS on a socket (OpenSSL): non-blocking, with the choice between HTTP/2 and HTTP/1.1 by ALPN. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <sys/types.h>

#include "base/err.h"

struct tls;      /* certificate and key; shared by all loops */
struct tls_conn; /* one connection's */

enum { TLS_END = 0, TLS_WANT_READ = -1, TLS_WANT_WRITE = -2, TLS_FAILED = -3 };

MUST_CHECK err tls_new(struct arena *mem, str cert_file, str key_file, struct tls **out);
void tls_free(struct tls *tls);

struct tls_conn *tls_accept(struct tls *tls, int fd); /* NULL: no memory */
void tls_conn_free(struct tls_conn *conn);
ssize_t tls_handshake(struct tls_conn *conn); /* > 0: done */
bool tls_chose_h2(const struct tls_conn *conn);
/* Bytes, or one of the above. A write that did not go through is made again with the same bytes, or
 * with more behind them. */
ssize_t tls_read(struct tls_conn *conn, void *into, size_t size);
ssize_t tls_write(struct tls_conn *conn, const void *from, size_t len);
bool tls_pending(
    const struct tls_conn *conn); /* has been read from the socket but not by tls_read */
void tls_say_end(struct tls_conn *conn);

#endif
