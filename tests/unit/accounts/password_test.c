/* Passwords: the policy, and that hashes match what they were made of and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "accounts/password.h"

#define SHORT "Must be at least 8 characters long."
#define COMMON "Is among the passwords that are tried first."
#define NEAR \
    "May not be the address, a part of it or the name of this program, whatever stands around it."

static const struct {
    const char *password, *problem; /* NULL: none */
} samples[] = {
    {"abcdefg7", NULL},
    {"correct horse battery staple", NULL},
    {"p\xC3\xA4ssw\xC3\xB6rd 1", NULL},
    {"\xE5\xAF\x86\xE7\xA0\x81 12345", NULL},
    {"abcdefghijklmno", COMMON},
    {"83 749 283", NULL},
    {"        ", COMMON},
    {"abcdef1", SHORT},
    {"", SHORT},
    {"\xE5\xAF\x86\xE7\xA0\x81 12", SHORT},
    {"password", COMMON},
    {"PassWord", COMMON},
    {"12345678", COMMON},
    {"1234567890", COMMON},
    {"qwertyuiop", COMMON},
    {"!qaz2wsx", COMMON},
    {"AAAAaaaa", COMMON},
    {"abcdefgh", COMMON},
    {"87654321", COMMON},
    {"56789012", COMMON},
    {"56789013", NULL},
    {"acegikmo", NULL},
    {"ada1@example.com", NEAR},
    {" ADA1@example.com", NEAR},
    {"1234ada!", NEAR},
    {"Example.com", NEAR},
    {"example2024", NEAR},
    {"TinyDevCRM1!", NEAR},
    {"ada and example", NULL},
};

static void test_policy(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(samples); i++) {
        const char *problem =
            password_problem(str_of(samples[i].password), STR("Ada1@Example.com "));
        if (!samples[i].problem && problem)
            fail_msg("%s: %s", samples[i].password, problem);
        if (samples[i].problem && (!problem || strcmp(problem, samples[i].problem) != 0))
            fail_msg("%s: %s", samples[i].password, problem ? problem : "nothing");
    }
    assert_null(password_problem(STR("ada12345"), STR("")));
    char text[PASSWORD_MAX + 1];
    memset(text, 'a', sizeof(text));
    assert_null(password_problem((str){text, PASSWORD_MAX}, STR("a@example.com")));
    assert_string_equal(password_problem((str){text, PASSWORD_MAX + 1}, STR("a@example.com")),
                        "Must be at most 256 bytes long.");
}

static void test_hash(void **state)
{
    (void)state;
    struct arena mem;
    arena_init(&mem, 1 << 16);
    str password =
        STR("correct horse battery staple, which is longer than seventy-two bytes, in all 1");
    str hash = {0}, again = {0};
    bool matches = false;
    assert_null(password_hash(&mem, password, &hash));
    assert_null(password_hash(&mem, password, &again));
    assert_true(str_starts(hash, STR("$argon2id$")));
    assert_false(str_eq(hash, again));
    assert_null(password_matches(&mem, hash, password, &matches));
    assert_true(matches);
    assert_null(password_matches(&mem, hash, str_sub(password, 0, password.len - 1), &matches));
    assert_false(matches);
    assert_null(password_matches(&mem, (str){0}, password, &matches));
    assert_false(matches);
    assert_null(password_matches(&mem, STR("not a hash"), password, &matches));
    assert_false(matches);
    arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
