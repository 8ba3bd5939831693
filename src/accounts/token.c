/* Tokens, made and read with libjwt; their signatures checked with libsodium. */
#include "accounts/token.h"

#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/id.h"

static const char *const type_names[] = {[TOKEN_ACCESS] = "access", [TOKEN_REFRESH] = "refresh"};

static void jwt_done(jwt_t **jwt)
{
    jwt_free(*jwt);
}

static int claims_write(jwt_t *jwt, struct arena *mem, const struct claims *claims)
{
    return jwt_add_grant(jwt, "token_type", type_names[claims->type]) ||
           jwt_add_grant(jwt, "sub", str_c(mem, claims->account)) ||
           jwt_add_grant(jwt, "sid", str_c(mem, claims->session)) ||
           jwt_add_grant(jwt, "team", str_c(mem, claims->team)) ||
           jwt_add_grant(jwt, "jti", str_c(mem, claims->id)) ||
           jwt_add_grant_int(jwt, "iat", claims->issued_s) ||
           jwt_add_grant_int(jwt, "exp", claims->expires_s);
}

err token_make(struct arena *mem, str key, const struct claims *claims, str *token)
{
    CLEANUP(jwt_done) jwt_t *jwt = NULL;
    const unsigned char *secret = (const unsigned char *)key.at;
    if (jwt_new(&jwt) || jwt_set_alg(jwt, JWT_ALG_HS256, secret, (int)key.len) ||
        claims_write(jwt, mem, claims))
        return &err_no_memory;
    char *text = jwt_encode_str(jwt);
    *token = str_copy(mem, str_of(text));
    free(text);
    return token->at ? NULL : &err_no_memory;
}

static str claim(jwt_t *jwt, struct arena *mem, const char *name)
{
    return str_copy(mem, str_of(jwt_get_grant(jwt, name)));
}

static err not_valid(struct arena *mem, const char *what)
{
    return err_new(mem, 401, "token_not_valid", "The token %s.", what);
}

/* In constant time, which jwt_decode's own comparison is not; and only one spelling of a signature
 * is good. */
static bool signature_good(str key, str token)
{
    unsigned char given[crypto_auth_hmacsha256_BYTES + 1], ours[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    size_t dot = token.len, got = 0;
    while (dot > 0 && token.at[dot - 1] != '.')
        dot--;
    if (dot == 0 || sodium_base642bin(given,
                                      sizeof(given),
                                      token.at + dot,
                                      token.len - dot,
                                      NULL,
                                      &got,
                                      NULL,
                                      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return false;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.at, key.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)token.at, dot - 1);
    crypto_auth_hmacsha256_final(&state, ours);
    return got == sizeof(ours) && sodium_memcmp(given, ours, sizeof(ours)) == 0;
}

err token_read(struct arena *mem, str key, enum token_type type, str token, int64_t now_s,
               struct claims *claims)
{
    if (token.len == 0 || token.len > TOKEN_MAX || !str_utf8_ok(token) ||
        !signature_good(key, token))
        return not_valid(mem, "is not one of ours");
    CLEANUP(jwt_done) jwt_t *jwt = NULL;
    const unsigned char *secret = (const unsigned char *)key.at;
    if (jwt_decode(&jwt, str_c(mem, token), secret, (int)key.len) ||
        jwt_get_alg(jwt) != JWT_ALG_HS256)
        return not_valid(mem, "is not one of ours");
    *claims = (struct claims){
        .type = type,
        .account = claim(jwt, mem, "sub"),
        .session = claim(jwt, mem, "sid"),
        .team = claim(jwt, mem, "team"),
        .id = claim(jwt, mem, "jti"),
        .issued_s = jwt_get_grant_int(jwt, "iat"),
        .expires_s = jwt_get_grant_int(jwt, "exp"),
    };
    if (!str_eq(claim(jwt, mem, "token_type"), str_of(type_names[type])))
        return not_valid(mem, type == TOKEN_ACCESS ? "is no access token" : "is no refresh token");
    if (!id_ok(claims->account) || !id_ok(claims->session) || !id_ok(claims->team) ||
        !id_ok(claims->id))
        return not_valid(mem, "lacks a claim");
    if (claims->expires_s <= now_s)
        return not_valid(mem, "has expired");
    if (jwt_get_grant_int(jwt, "nbf") > now_s)
        return not_valid(mem, "is not good yet");
    return NULL;
}
