/* CSV files: their beginning, cut at each of its bytes, of which the whole lines are left; and one
 * that is larger than all addresses there are. */
#include "unit/engine/worker/harness.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

#define PAGE_WINDOW ((size_t)4096)
#define PAGES_TEXT ((size_t)20000)

/* Records with all that may stand at a window's end, moved on by `shift` bytes. */
static size_t pages_fill(char *text, size_t shift)
{
    static const char *const records[] = {
        "1,2\r\n", "\"a\r\nb\",\"\"\"\"\n", "3,4\r", "\r\n", "\n", "\"\n\n\",5\r\n"};
    size_t n = (size_t)sprintf(text, "a%.*s,b\r\n", (int)shift, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    for (uint32_t i = 1; n < PAGES_TEXT - 100; i = i * 1103515245u + 12345u)
        n += (size_t)sprintf(text + n, "%s", records[(i >> 16) % LENGTH(records)]);
    return n;
}

static void same_walk(struct csv_file *one, struct csv_file *other, bool blanks)
{
    struct csv_walk a = csv_walk_begin(one, blanks), b = csv_walk_begin(other, blanks);
    for (int64_t record = 0; a.at < one->view.size; record++) {
        assert_true(a.at == b.at && a.line == b.line);
        csv_walk_to(&a, record);
        csv_walk_to(&b, record);
    }
    assert_true(b.at == other->view.size && a.line == b.line);
}

static void where_windows_end_makes_no_difference(void **state)
{
    (void)state;
    char *text = malloc(PAGES_TEXT);
    assert_non_null(text);
    for (size_t shift = 0; shift < 32; shift++) {
        const char *path = file_write("upload", text, pages_fill(text, shift));
        struct csv_file pages, whole;
        ok(csv_open(&harness.mem, path, PAGE_WINDOW, &pages));
        ok(csv_open(&harness.mem, path, VIEW_WINDOW, &whole));
        assert_true(pages.names_n == 2 && str_eq(pages.names[0], whole.names[0]));
        assert_int_equal(csv_mixed_line(&pages), csv_mixed_line(&whole));
        assert_false(csv_has(&pages, '.'));
        assert_true(csv_has(&pages, '5'));
        same_walk(&pages, &whole, true);
        same_walk(&pages, &whole, false);
        csv_close(&pages);
        csv_close(&whole);
        next_call();
    }
    free(text);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LARGE ((off_t)1 << 29)
#define ADDRESSES ((rlim_t)256 << 20) /* more than there are already */

static bool addresses_limit(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    bool known = file && fscanf(file, "%lu", &pages) == 1;
    if (file)
        fclose(file);
    rlim_t most = pages * (rlim_t)sysconf(_SC_PAGESIZE) + ADDRESSES;
    return known && setrlimit(RLIMIT_AS, &(struct rlimit){most, most}) == 0;
}

/* A child's exit code: 0 is fine. */
static int large_look(const char *path)
{
    CLEANUP(csv_close) struct csv_file file = {0};
    if (!addresses_limit() || csv_open(&harness.mem, path, VIEW_WINDOW, &file))
        return 1;
    if (file.names_n != 2 || csv_has(&file, '.') || csv_rows_guess(&file) < 0 || file.view.failed)
        return 2;
    struct csv_walk walk = csv_walk_begin(&file, false);
    csv_walk_to(&walk, 3);
    return walk.line == 5 && walk.at == (size_t)LARGE && !file.view.failed ? 0 : 3;
}

static void a_file_may_be_larger_than_the_addresses(void **state)
{
    (void)state;
    const char *path = file_write("upload", "a,b\n1,2\n3,4\n", 12);
    assert_int_equal(truncate(path, LARGE - 1), 0);
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    assert_int_equal(fputc('\n', file), '\n');
    assert_int_equal(fclose(file), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(large_look(path));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_lines_are_left, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(no_file_is_no_crash, harness_setup, harness_teardown),
        cmocka_unit_test_setup_teardown(
            where_windows_end_makes_no_difference, harness_setup, harness_teardown),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test_setup_teardown(
            a_file_may_be_larger_than_the_addresses, harness_setup, harness_teardown),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
