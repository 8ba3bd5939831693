/* E-mail addresses: which are taken, and which are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "accounts/address.h"
#include "base/arena.h"

static void test_taken(void **state)
{
    (void)state;
    static const char *const good[] = {
        "ada@example.com",
        "  ada@example.com\t",
        "ADA+tag@Example.COM",
        "o'brien@example.com",
        "x.y-z_1@sub.example.co.uk",
        "a@localhost",
        "!#$%&'*+-/=?^_`{|}~@xn--bcher-kva.example",
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg@example.com"};
    for (size_t i = 0; i < LENGTH(good); i++) {
        if (address_problem(str_of(good[i])))
            fail_msg("%s: %s", good[i], address_problem(str_of(good[i])));
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "  ",
        "no address",
        "@example.com",
        "a@",
        "a@b",
        "a@.com",
        "a@example..com",
        "a@example.com.",
        "a@-example.com",
        "a@example-.com",
        "a@exam_ple.com",
        "a@b@example.com",
        "a b@example.com",
        "a\n@example.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "\"a b\"@example.com",
        "a@[127.0.0.1]",
        "Ada <ada@example.com>",
        "a,b@example.com",
        "\xC3\xA4@example.com",
        "a@b\xC3\xBC"
        "cher.example",
        "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg@example.com"};
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (!address_problem(str_of(bad[i])))
            fail_msg("\"%s\" was taken", bad[i]);
    }
}

static void test_length(void **state)
{
    (void)state;
    char text[ADDRESS_MAX + 2];
    memset(text, 'a', sizeof(text));
    memcpy(text, "name@", 5);
    for (size_t i = 50; i < ADDRESS_MAX - 3; i += 50)
        text[i] = '.';
    assert_null(address_problem((str){text, ADDRESS_MAX}));
    assert_string_equal(address_problem((str){text, ADDRESS_MAX + 1}),
                        "Must be at most 254 bytes long.");
}

static void test_same(void **state)
{
    (void)state;
    struct arena mem;
    arena_init(&mem, 1 << 16);
    assert_true(str_eq(address_key(&mem, STR(" Ada@EXAMPLE.com\n")), STR("ada@example.com")));
    assert_false(str_eq(address_key(&mem, STR("ada+x@example.com")),
                        address_key(&mem, STR("ada@example.com"))));
    arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
