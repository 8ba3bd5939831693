/* The beginning of a CSV file, cut at each of its bytes: what is left are its whole lines. */
#include "unit/engine/worker/harness.h"

#include <sys/stat.h>

#include "engine/worker/csv_file.h"

/* Where the lines of `text` end, quoted line breaks apart; 0 at first. */
static size_t last_end(const char *text, size_t len)
{
    size_t end = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        quoted ^= text[i] == '"';
        bool ends = text[i] == '\n' || (text[i] == '\r' && i + 1 < len && text[i + 1] != '\n');
        if (ends && !quoted)
            end = i + 1;
    }
    return end;
}

static void cut_everywhere(const char *text)
{
    for (size_t len = 1; len <= strlen(text); len++) {
        struct stat stat_of;
        const char *path = file_write("upload", text, len);
        size_t whole = last_end(text, len);
        err e = csv_cut(&harness.mem, path);
        if (!whole) {
            assert_true(err_is(e, "invalid_file"));
            continue;
        }
        ok(e);
        assert_int_equal(stat(path, &stat_of), 0);
        if ((size_t)stat_of.st_size != whole)
            fail_msg("%zu bytes of %zu are left, not %zu", (size_t)stat_of.st_size, len, whole);
        next_call();
    }
}

static void whole_lines_are_left(void **state)
{
    (void)state;
    cut_everywhere("a,b\n1,2\n3,4\n");
    cut_everywhere("a,b\r\n1,2\r\n3,4\r\n");
    cut_everywhere("a,b\r1,2\r3,4\r");
    cut_everywhere("\xEF\xBB\xBF\"a\n\"\"x\",b\n\"1\r\n,\",2\n\n\"\",\"\"\n");
    cut_everywhere("a\n\"never closed\n1\n2\n");
}

static void no_file_is_no_crash(void **state)
{
    (void)state;
    assert_true(err_is(csv_cut(&harness.mem, file_write("upload", "", 0)), "invalid_file"));
    err e = csv_cut(&harness.mem, "/nowhere/at/all");
    assert_true(e && e->status == 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_lines_are_left, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(no_file_is_no_crash, harness_setup, harness_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
