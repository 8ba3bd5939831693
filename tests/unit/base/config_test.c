/* Settings: where they come from, and what is said of a wrong one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"

static struct arena mem;

static int setup(void **state)
{
    (void)state;
    clearenv();
    arena_init(&mem, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&mem);
    return 0;
}

static void defaults_hold(void **state)
{
    (void)state;
    struct config config = {0};
    assert_null(config_load(&mem, "/nonexistent/.env", &config));
    assert_int_equal(config.port, 8000);
    assert_int_equal(config.stream_port, 7999);
    assert_null(config.secret_key.at);
    assert_int_equal(config.upload_max, (int64_t)10 << 30);
}

static void the_environment_goes_before_the_file(void **state)
{
    (void)state;
    char path[] = "/tmp/config_test_XXXXXX";
    int fd = mkstemp(path);
    const char *text = "# settings\nPORT=9001\nexport "
                       "LISTEN=\"0.0.0.0\"\nRATE_LIMIT=off\nSTREAM_PORT=\n\nOTHER=1\n";
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    setenv("PORT", "9002", 1);
    struct config config = {0};
    assert_null(config_load(&mem, path, &config));
    unlink(path);
    assert_int_equal(config.port, 9002);
    assert_string_equal(str_c(&mem, config.listen), "0.0.0.0");
    assert_int_equal(config.rate_limit, 0);
    assert_int_equal(config.stream_port, 0);
}

static void wrong(const char *name, const char *value, const char *part)
{
    struct config config = {0};
    setenv(name, value, 1);
    err e = config_load(&mem, "/nonexistent/.env", &config);
    unsetenv(name);
    assert_non_null(e);
    assert_non_null(strstr(str_c(&mem, e->detail), part));
}

static void wrong_values_are_named(void **state)
{
    (void)state;
    wrong("PORT", "eighty", "PORT=eighty: takes a whole number from 1 to 65535");
    wrong("PORT", "70000", "PORT=70000");
    wrong("UPLOAD_MAX", "10X", "UPLOAD_MAX=10X");
    wrong("UPLOAD_MAX", "99999999999G", "UPLOAD_MAX");
    wrong("LOG_FORMAT", "xml", "text or json");
    wrong("SECRET_KEY", "short", "SECRET_KEY=...: takes 32 to 1024 characters");
    wrong("TLS_CERT", "a.pem", "TLS_CERT and TLS_KEY go together");
    wrong("PORT", "7999", "STREAM_PORT=7999");
    wrong("LISTEN", "", "LISTEN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(the_environment_goes_before_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_values_are_named, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
