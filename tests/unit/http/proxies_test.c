/* Whose word on a client's address is taken, and which of many words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "http/proxies.h"

static struct arena mem;

static struct proxies *made(const char *list)
{
    struct proxies *proxies = NULL;
    assert_null(proxies_new(&mem, *list ? str_of(list) : (str){0}, &proxies));
    return proxies;
}

static void client_is(const char *list, const char *peer, const char *forwarded, const char *client)
{
    str said = forwarded ? str_of(forwarded) : (str){0};
    str got = proxies_client(made(list), str_of(peer), said);
    if (!str_eq(got, str_of(client)))
        fail_msg("%s, %s, %s: %.*s", list, peer, forwarded ? forwarded : "-", STR_ARGS(got));
}

static void nobody_is_believed(void **state)
{
    (void)state;
    client_is("", "10.0.0.1", "1.2.3.4", "10.0.0.1");
    client_is("10.0.0.2", "10.0.0.1", "1.2.3.4", "10.0.0.1");
    client_is("10.0.0.1", "10.0.0.1", NULL, "10.0.0.1");
    client_is("10.0.0.1", "unknown", "1.2.3.4", "unknown");
}

static void the_proxy_is_believed(void **state)
{
    (void)state;
    client_is("10.0.0.1", "10.0.0.1", "1.2.3.4", "1.2.3.4");
    client_is(" 10.0.0.1 , ::1", "::1", "1.2.3.4", "1.2.3.4");
    client_is("10.0.0.1", "::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4");
    client_is("10.0.0.0/8", "10.255.0.1", "2001:db8::1", "2001:db8::1");
    client_is("fd00::/8", "fd12::1", "1.2.3.4", "1.2.3.4");
    client_is("0.0.0.0/0", "9.9.9.9", "::1", "::1");
    client_is("10.0.0.1", "10.0.0.1", "1.2.3.4:5678", "1.2.3.4");
    client_is("10.0.0.1", "10.0.0.1", "[2001:db8::1]:443", "2001:db8::1");
}

/* What the client itself has sent stands left of what the proxy says. */
static void the_last_word_counts(void **state)
{
    (void)state;
    client_is("10.0.0.1", "10.0.0.1", "8.8.8.8, 1.2.3.4", "1.2.3.4");
    client_is("10.0.0.0/24", "10.0.0.1", "8.8.8.8,1.2.3.4, 10.0.0.2", "1.2.3.4");
    client_is("10.0.0.0/24", "10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3");
    client_is("10.0.0.1", "10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1");
    client_is("10.0.0.1", "10.0.0.1", "1.2.3.4,", "10.0.0.1");
    client_is("10.0.0.1", "10.0.0.1", ",", "10.0.0.1");
    client_is("10.0.0.1", "10.0.0.1", "", "10.0.0.1");
    client_is("10.0.0.1", "10.0.0.1", "[", "10.0.0.1");
    client_is("10.0.0.0/25", "10.0.0.128", "1.2.3.4", "10.0.0.128");
    client_is("10.0.0.0/31", "10.0.0.1", "1.2.3.4", "1.2.3.4");
}

static void lists_are_checked(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "localhost", "10.0.0.1/33", "10.0.0.1/-1", "::1/129", "10.0.0.1/", "10.0.0/8", "*"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct proxies *proxies;
        err e = proxies_new(&mem, str_of(wrong[i]), &proxies);
        if (!e)
            fail_msg("%s was taken", wrong[i]);
        assert_non_null(strstr(str_c(&mem, e->detail), "TRUSTED_PROXIES"));
    }
}

int main(void)
{
    arena_init(&mem, (size_t)1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_believed),
        cmocka_unit_test(the_proxy_is_believed),
        cmocka_unit_test(the_last_word_counts),
        cmocka_unit_test(lists_are_checked),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&mem);
    return failed;
}
