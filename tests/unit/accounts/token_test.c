/* Tokens: what is read back, and all that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/token.h"

#define KEY STR("a key for the tests, of more than thirty-two bytes")
#define NOW 1800000000
#define ID "0191a1b2-0000-7000-8000-00000000000"

static struct arena mem;

static int setup(void **state)
{
    (void)state;
    arena_init(&mem, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&mem);
    return 0;
}

static struct claims sample(enum token_type type)
{
    return (struct claims){.type = type,
                           .account = STR(ID "1"),
                           .session = STR(ID "2"),
                           .team = STR(ID "3"),
                           .id = STR(ID "4"),
                           .issued_s = NOW,
                           .expires_s = NOW + 300};
}

static str made(enum token_type type, str key)
{
    struct claims claims = sample(type);
    str token = {0};
    assert_null(token_make(&mem, key, &claims, &token));
    return token;
}

static void refused(str token, enum token_type type, int64_t now, const char *says)
{
    struct claims claims;
    err e = token_read(&mem, KEY, type, token, now, &claims);
    if (!e)
        fail_msg("taken: %.*s", STR_ARGS(token));
    assert_int_equal(e->status, 401);
    assert_string_equal(e->code, "token_not_valid");
    if (!strstr(str_c(&mem, e->detail), says))
        fail_msg("%.*s instead of: %s", STR_ARGS(e->detail), says);
}

static void test_round(void **state)
{
    (void)state;
    struct claims claims;
    assert_null(token_read(&mem, KEY, TOKEN_ACCESS, made(TOKEN_ACCESS, KEY), NOW, &claims));
    assert_true(str_eq(claims.account, STR(ID "1")));
    assert_true(str_eq(claims.session, STR(ID "2")));
    assert_true(str_eq(claims.team, STR(ID "3")));
    assert_true(str_eq(claims.id, STR(ID "4")));
    assert_int_equal(claims.issued_s, NOW);
    assert_int_equal(claims.expires_s, NOW + 300);
    assert_null(token_read(&mem, KEY, TOKEN_REFRESH, made(TOKEN_REFRESH, KEY), NOW, &claims));
}

static void test_expired(void **state)
{
    (void)state;
    struct claims claims;
    str token = made(TOKEN_ACCESS, KEY);
    assert_null(token_read(&mem, KEY, TOKEN_ACCESS, token, NOW + 299, &claims));
    refused(token, TOKEN_ACCESS, NOW + 300, "expired");
    refused(token, TOKEN_ACCESS, NOW + 301, "expired");
}

static void test_type(void **state)
{
    (void)state;
    refused(made(TOKEN_REFRESH, KEY), TOKEN_ACCESS, NOW, "no access token");
    refused(made(TOKEN_ACCESS, KEY), TOKEN_REFRESH, NOW, "no refresh token");
}

static void test_other_key(void **state)
{
    (void)state;
    refused(made(TOKEN_ACCESS, STR("a key for the tests, of more than thirty-two bytes?")),
            TOKEN_ACCESS,
            NOW,
            "not one of ours");
    refused(made(TOKEN_ACCESS, STR("a key for the tests, of more than thirty-two byte")),
            TOKEN_ACCESS,
            NOW,
            "not one of ours");
}

/* The same claims under another algorithm; the key is right where there is one. */
static str signed_by(jwt_alg_t alg, int64_t not_before)
{
    jwt_t *jwt = NULL;
    assert_int_equal(jwt_new(&jwt), 0);
    const unsigned char *key = (const unsigned char *)KEY.at;
    assert_int_equal(alg == JWT_ALG_NONE ? jwt_set_alg(jwt, alg, NULL, 0)
                                         : jwt_set_alg(jwt, alg, key, (int)KEY.len),
                     0);
    assert_int_equal(jwt_add_grant(jwt, "token_type", "access"), 0);
    assert_int_equal(jwt_add_grant(jwt, "sub", ID "1"), 0);
    assert_int_equal(jwt_add_grant(jwt, "sid", ID "2"), 0);
    assert_int_equal(jwt_add_grant(jwt, "team", ID "3"), 0);
    assert_int_equal(jwt_add_grant(jwt, "jti", ID "4"), 0);
    assert_int_equal(jwt_add_grant_int(jwt, "exp", NOW + 300), 0);
    assert_int_equal(jwt_add_grant_int(jwt, "nbf", not_before), 0);
    char *text = jwt_encode_str(jwt);
    str token = str_copy(&mem, str_of(text));
    free(text);
    jwt_free(jwt);
    return token;
}

static void test_algorithm(void **state)
{
    (void)state;
    struct claims claims;
    assert_null(token_read(&mem, KEY, TOKEN_ACCESS, signed_by(JWT_ALG_HS256, NOW), NOW, &claims));
    refused(signed_by(JWT_ALG_NONE, NOW), TOKEN_ACCESS, NOW, "not one of ours");
    refused(signed_by(JWT_ALG_HS384, NOW), TOKEN_ACCESS, NOW, "not one of ours");
    refused(signed_by(JWT_ALG_HS512, NOW), TOKEN_ACCESS, NOW, "not one of ours");
}

/* Any one byte changed, left out or added. */
static void test_changed(void **state)
{
    (void)state;
    str token = made(TOKEN_ACCESS, KEY);
    for (size_t i = 0; i < token.len; i++) {
        char *other = str_c(&mem, token);
        other[i] = other[i] == 'A' ? 'B' : 'A';
        refused(str_of(other), TOKEN_ACCESS, NOW, "not one of ours");
    }
    for (size_t len = 0; len < token.len; len += 7)
        refused(str_sub(token, 0, len), TOKEN_ACCESS, NOW, "not one of ours");
    refused(str_fmt(&mem, "%.*sA", STR_ARGS(token)), TOKEN_ACCESS, NOW, "not one of ours");
    refused(str_fmt(&mem, "%.*s.", STR_ARGS(token)), TOKEN_ACCESS, NOW, "not one of ours");
}

static void test_garbage(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", ".", "..", "a.b.c", "eyJhbGciOiJIUzI1NiJ9..", "\xFF\xFE.a.b"};
    for (size_t i = 0; i < LENGTH(texts); i++)
        refused(str_of(texts[i]), TOKEN_ACCESS, NOW, "not one of ours");
    char *long_one = arena_alloc(&mem, TOKEN_MAX + 2);
    memset(long_one, 'x', TOKEN_MAX + 1);
    refused(str_of(long_one), TOKEN_ACCESS, NOW, "not one of ours");
}

/* Signed by us, but not with what a token must say. */
static void test_claims(void **state)
{
    (void)state;
    struct claims lacking[] = {sample(TOKEN_ACCESS), sample(TOKEN_ACCESS), sample(TOKEN_ACCESS)};
    lacking[0].account = STR("1");
    lacking[1].session = STR("' OR 1=1 --");
    lacking[2].team = STR("");
    for (size_t i = 0; i < LENGTH(lacking); i++) {
        str token = {0};
        assert_null(token_make(&mem, KEY, &lacking[i], &token));
        refused(token, TOKEN_ACCESS, NOW, "lacks a claim");
    }
}

/* Not before its time. */
static void test_not_before(void **state)
{
    (void)state;
    struct claims claims;
    static const int64_t offsets[] = {-1, 0, 1};
    for (size_t i = 0; i < LENGTH(offsets); i++) {
        str token = signed_by(JWT_ALG_HS256, NOW + offsets[i]);
        if (offsets[i] > 0)
            refused(token, TOKEN_ACCESS, NOW, "not good yet");
        else
            assert_null(token_read(&mem, KEY, TOKEN_ACCESS, token, NOW, &claims));
    }
}

/* The last letter of a signature has two bits that say nothing: only one spelling is taken. */
static void test_spelling(void **state)
{
    (void)state;
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    str token = made(TOKEN_ACCESS, KEY);
    char *other = str_c(&mem, token);
    size_t last = (size_t)(strchr(letters, token.at[token.len - 1]) - letters);
    for (size_t i = 1; i < 4; i++) {
        other[token.len - 1] = letters[last + i];
        refused(str_of(other), TOKEN_ACCESS, NOW, "not one of ours");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expired, setup, teardown),
        cmocka_unit_test_setup_teardown(test_type, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_algorithm, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claims, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_before, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spelling, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
