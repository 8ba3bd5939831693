/* Tokens, made and read: JSON in base64, signed by libsodium's HMAC. */
#include "accounts/token.h"

#include <sodium.h>
#include <string.h>

#include "base/fields.h"
#include "base/id.h"

static const char *const type_names[] = {[TOKEN_ACCESS] = "access", [TOKEN_REFRESH] = "refresh"};

#define HEADER "{\"alg\": \"HS256\", \"typ\": \"JWT\"}"
#define PAYLOAD_MAX 1024
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

struct header {
    str alg, typ;
};

static const struct field header_fields[] = {
    FIELD(struct header, alg, FIELD_STR),
    FIELD(struct header, typ, FIELD_STR),
    FIELD_LAST,
};

struct payload {
    str token_type, sub, sid, team, jti;
    int64_t iat, exp, nbf;
};

static const struct field payload_fields[] = {
    FIELD(struct payload, token_type, FIELD_STR),
    FIELD(struct payload, sub, FIELD_STR),
    FIELD(struct payload, sid, FIELD_STR),
    FIELD(struct payload, team, FIELD_STR),
    FIELD(struct payload, jti, FIELD_STR),
    FIELD(struct payload, iat, FIELD_INT),
    FIELD(struct payload, exp, FIELD_INT),
    FIELD(struct payload, nbf, FIELD_INT),
    FIELD_LAST,
};

static str encoded(struct arena *mem, const void *bytes, size_t len)
{
    size_t size = sodium_base64_encoded_len(len, BASE64);
    char *text = arena_alloc(mem, size);
    if (!text)
        return (str){0};
    sodium_bin2base64(text, size, bytes, len, BASE64);
    return (str){text, size - 1};
}

/* False: not base64 in its one right spelling. Out of memory is for the arena to say. */
static bool decoded(struct arena *mem, str text, str *out)
{
    char *bytes = arena_alloc(mem, text.len + 1);
    size_t len = 0;
    if (bytes &&
        sodium_base642bin(
            (unsigned char *)bytes, text.len, text.at, text.len, NULL, &len, NULL, BASE64) != 0)
        return false;
    *out = (str){bytes, len};
    return true;
}

static void sign(str key, str text, unsigned char into[crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.at, key.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text.at, text.len);
    crypto_auth_hmacsha256_final(&state, into);
}

err token_make(struct arena *mem, str key, const struct claims *claims, str *token)
{
    struct payload payload = {.token_type = str_of(type_names[claims->type]),
                              .sub = claims->account,
                              .sid = claims->session,
                              .team = claims->team,
                              .jti = claims->id,
                              .iat = claims->issued_s,
                              .exp = claims->expires_s};
    unsigned char signature[crypto_auth_hmacsha256_BYTES];
    CLEANUP(buf_done) struct buf json;
    buf_init(&json, PAYLOAD_MAX);
    fields_print(&json, payload_fields, &payload);
    if (json.failed)
        return &err_no_memory;
    str head = encoded(mem, HEADER, strlen(HEADER)), body = encoded(mem, json.at, json.len);
    str text = str_fmt(mem, "%.*s.%.*s", STR_ARGS(head), STR_ARGS(body));
    sign(key, text, signature);
    str end = encoded(mem, signature, sizeof(signature));
    *token = str_fmt(mem, "%.*s.%.*s", STR_ARGS(text), STR_ARGS(end));
    return arena_failed(mem) ? &err_no_memory : NULL;
}

static err not_valid(struct arena *mem, const char *what)
{
    return err_new(mem, 401, "token_not_valid", "The token %s.", what);
}

static err not_ours(struct arena *mem)
{
    return arena_failed(mem) ? &err_no_memory : not_valid(mem, "is not one of ours");
}

/* What is signed by us is ours; who else has no key can't make us read anything. */
static err payload_read(struct arena *mem, str key, str token, struct payload *payload)
{
    unsigned char ours[crypto_auth_hmacsha256_BYTES];
    struct header header = {0};
    str rest = token, head = str_cut(&rest, '.'), body = str_cut(&rest, '.'), bytes;
    if (!rest.at || str_find(rest, '.') >= 0 || !decoded(mem, rest, &bytes) ||
        bytes.len != sizeof(ours))
        return not_ours(mem);
    sign(key, str_sub(token, 0, head.len + 1 + body.len), ours);
    if (sodium_memcmp(bytes.at, ours, sizeof(ours)) != 0 || !decoded(mem, head, &bytes))
        return not_ours(mem);
    err e = fields_parse(mem, header_fields, bytes, &header);
    if (!e && !str_eq(header.alg, STR("HS256")))
        return not_ours(mem);
    if (!e && !decoded(mem, body, &bytes))
        return not_ours(mem);
    if (!e)
        e = fields_parse(mem, payload_fields, bytes, payload);
    return e && e != &err_no_memory ? not_ours(mem) : e;
}

err token_read(struct arena *mem, str key, enum token_type type, str token, int64_t now_s,
               struct claims *claims)
{
    struct payload payload = {0};
    if (token.len == 0 || token.len > TOKEN_MAX || !str_utf8_ok(token))
        return not_valid(mem, "is not one of ours");
    TRY(payload_read(mem, key, token, &payload));
    *claims = (struct claims){.type = type,
                              .account = payload.sub,
                              .session = payload.sid,
                              .team = payload.team,
                              .id = payload.jti,
                              .issued_s = payload.iat,
                              .expires_s = payload.exp};
    if (!str_eq(payload.token_type, str_of(type_names[type])))
        return not_valid(mem, type == TOKEN_ACCESS ? "is no access token" : "is no refresh token");
    if (!id_ok(claims->account) || !id_ok(claims->session) || !id_ok(claims->team) ||
        !id_ok(claims->id))
        return not_valid(mem, "lacks a claim");
    if (claims->expires_s <= now_s)
        return not_valid(mem, "has expired");
    if (payload.nbf > now_s)
        return not_valid(mem, "is not good yet");
    return NULL;
}
