/* All that is wrong with a new account is said at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <string.h>

#include "accounts/account.h"

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

static err checked(const char *json)
{
    struct registration given = {0};
    err e = fields_parse(&mem, registration_fields, str_of(json), &given);
    return account_check(&mem, e, given.primary_email, given.password);
}

/* The names of the fields that are wrong, sorted, with commas. */
static void wrong(const char *json, const char *names)
{
    err e = checked(json);
    if (!e)
        fail_msg("taken: %s", json);
    assert_int_equal(e->status, 422);
    assert_string_equal(e->code, "invalid_fields");
    json_t *errors = json_loadb(e->errors.at, e->errors.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(errors))
        fail_msg("not an object: %.*s", STR_ARGS(e->errors));
    char found[256] = "";
    static const char *const all[] = {"colour", "full_name", "password", "primary_email"};
    for (size_t i = 0; i < LENGTH(all); i++) {
        json_t *texts = json_object_get(errors, all[i]);
        if (!texts)
            continue;
        assert_true(json_is_string(json_array_get(texts, 0)));
        strcat(found, found[0] ? "," : "");
        strcat(found, all[i]);
    }
    assert_string_equal(found, names);
    json_decref(errors);
}

static void test_good(void **state)
{
    (void)state;
    assert_null(checked("{\"primary_email\": \"ada@example.com\", \"password\": \"abcdefg7\"}"));
}

static void test_wrong(void **state)
{
    (void)state;
    wrong("{}", "password,primary_email");
    wrong("{\"primary_email\": \"no\", \"password\": \"short\", \"colour\": 3}",
          "colour,password,primary_email");
    wrong("{\"primary_email\": \"no\", \"password\": \"abcdefgh\"}", "password,primary_email");
    wrong("{\"primary_email\": \"no\", \"password\": \"abcdefg7\"}", "primary_email");
    wrong("{\"primary_email\": \"no\"}", "password,primary_email");
    wrong("{\"password\": \"abcdefgh\", \"colour\": 1}", "colour,password,primary_email");
    wrong("{\"primary_email\": 1, \"password\": [], \"full_name\": {}}",
          "full_name,password,primary_email");
    wrong("{\"primary_email\": \"ada1@example.com\", \"password\": \"ADA1@example.com\"}",
          "password");
}

static void test_malformed(void **state)
{
    (void)state;
    err e = checked("{\"primary_email\": \"no\"");
    assert_non_null(e);
    assert_string_equal(e->code, "malformed_json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
