/* TLS on a socket: OpenSSL reads and writes the non-blocking descriptor itself. */
#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

#include "base/arena.h"

/* A struct tls_conn is an SSL, a struct tls an SSL_CTX: neither needs more. */
static SSL *ssl_of(const struct tls_conn *conn)
{
    return (SSL *)(uintptr_t)conn;
}

static SSL_CTX *context_of(struct tls *tls)
{
    return (SSL_CTX *)tls;
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
    (void)ssl, (void)arg;
    static const unsigned char ours[] = "\x02h2\x08http/1.1";
    int found = SSL_select_next_proto(
        (unsigned char **)(uintptr_t)out, out_len, ours, sizeof(ours) - 1, in, in_len);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static err tls_err(struct arena *mem, const char *setting, const char *file)
{
    char text[256];
    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    ERR_clear_error();
    return err_new(mem, 500, "bad_tls_file", "%s %s can't be used: %s", setting, file, text);
}

err tls_new(struct arena *mem, str cert_file, str key_file, struct tls **out)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return &err_no_memory;
    *out = (struct tls *)context;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        return tls_err(mem, "TLS 1.2", "ciphers");
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                            SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                         SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    const char *cert = str_c(mem, cert_file), *key = str_c(mem, key_file);
    if (SSL_CTX_use_certificate_chain_file(context, cert) != 1)
        return tls_err(mem, "TLS_CERT", cert);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1)
        return tls_err(mem, "TLS_KEY", key);
    return NULL;
}

void tls_free(struct tls *tls)
{
    if (tls)
        SSL_CTX_free(context_of(tls));
}

struct tls_conn *tls_accept(struct tls *tls, int fd)
{
    SSL *ssl = SSL_new(context_of(tls));
    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    if (ssl)
        SSL_set_accept_state(ssl);
    return (struct tls_conn *)ssl;
}

void tls_conn_free(struct tls_conn *conn)
{
    if (conn)
        SSL_free(ssl_of(conn));
}

/* The library keeps a queue of errors a thread; a stale one would spoil the next call's answer. */
static ssize_t outcome(struct tls_conn *conn, int got)
{
    if (got > 0)
        return got;
    int why = SSL_get_error(ssl_of(conn), got);
    ERR_clear_error();
    switch (why) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_END;
    default:
        return TLS_FAILED;
    }
}

static int int_size(size_t size)
{
    return size > INT_MAX ? INT_MAX : (int)size;
}

ssize_t tls_handshake(struct tls_conn *conn)
{
    return outcome(conn, SSL_do_handshake(ssl_of(conn)));
}

bool tls_chose_h2(const struct tls_conn *conn)
{
    const unsigned char *name = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(ssl_of(conn), &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

ssize_t tls_read(struct tls_conn *conn, void *into, size_t size)
{
    return outcome(conn, SSL_read(ssl_of(conn), into, int_size(size)));
}

ssize_t tls_write(struct tls_conn *conn, const void *from, size_t len)
{
    return outcome(conn, SSL_write(ssl_of(conn), from, int_size(len)));
}

bool tls_pending(const struct tls_conn *conn)
{
    return SSL_has_pending(ssl_of(conn));
}

void tls_say_end(struct tls_conn *conn)
{
    if (SSL_is_init_finished(ssl_of(conn)))
        SSL_shutdown(ssl_of(conn));
    ERR_clear_error();
}
