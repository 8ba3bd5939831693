/* Time zones: every one of the system's database against the C library, and files that are not
 * whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "work/tzif.h"

#define ZONES "/usr/share/zoneinfo"
#define FROM (-5LL * 365 * 86400) /* 1965 */
#define TO (130LL * 365 * 86400)  /* 2099 */
#define STEP (11 * 86400 + 12345)

static char file[65536];
static size_t compared, zones;

static str file_bytes(const char *path)
{
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    size_t len = fread(file, 1, sizeof(file), in);
    fclose(in);
    return (str){file, len};
}

static long library_offset(int64_t at)
{
    time_t when = (time_t)at;
    struct tm tm;
    assert_non_null(localtime_r(&when, &tm));
    return tm.tm_gmtoff;
}

static void same(const struct tz *tz, const char *path, int64_t at)
{
    long ours = tz_offset(tz, at), theirs = library_offset(at);
    if (ours != theirs)
        fail_msg("%s at %lld: %ld, not %ld", path, (long long)at, ours, theirs);
    compared++;
}

/* Here and there, and around each change that we know of. */
static void zone_compare(const char *path, const struct tz *tz)
{
    setenv("TZ", path, 1);
    tzset();
    for (int64_t at = FROM; at < TO; at += STEP)
        same(tz, path, at);
    for (int64_t at = tz_next(tz, FROM, TO); at != INT64_MAX; at = tz_next(tz, at, TO)) {
        same(tz, path, at - 1);
        same(tz, path, at);
    }
}

static int each_file(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat, (void)ftw;
    const char *name = path + strlen(ZONES) + 1;
    struct tz *tz = NULL;
    /* right/ counts leap seconds, which no clock of ours does. */
    if (kind != FTW_F || strncmp(name, "right/", 6) == 0 ||
        tz_parse(file_bytes(path), &tz) != TZ_READ)
        return 0;
    zones++;
    zone_compare(name, tz);
    free(tz);
    return 0;
}

static void every_zone(void **state)
{
    (void)state;
    assert_int_equal(nftw(ZONES, each_file, 16, FTW_PHYS), 0);
    assert_true(zones > 300);
    assert_true(compared > 1000 * 1000);
}

/* Cut anywhere it is refused, or read without a byte too far; the sanitizers look on. */
static void cut_anywhere(void **state)
{
    (void)state;
    str whole = file_bytes(ZONES "/Europe/Berlin");
    for (size_t len = 0; len < whole.len; len++) {
        char *part = malloc(len + 1);
        struct tz *tz = NULL;
        assert_non_null(part);
        memcpy(part, whole.at, len);
        if (tz_parse((str){part, len}, &tz) == TZ_READ)
            fail_msg("%zu of %zu bytes are a zone", len, whole.len);
        free(part);
    }
}

/* Any byte changed: read or refused, and whatever was read can be asked. */
static void changed_anywhere(void **state)
{
    (void)state;
    str whole = file_bytes(ZONES "/Europe/Dublin");
    for (size_t i = 0; i < whole.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            struct tz *tz = NULL;
            file[i] = (char)(file[i] ^ 1 << bit);
            if (tz_parse(whole, &tz) == TZ_READ) {
                (void)tz_offset(tz, INT64_MIN / 2);
                (void)tz_offset(tz, INT64_MAX / 2);
                (void)tz_next(tz, 0, TO);
            }
            free(tz);
            file[i] = (char)(file[i] ^ 1 << bit);
        }
    }
}

/* A file of no changes and the rule. */
static struct tz *ruled(const char *rule)
{
    char bytes[256] = {0};
    struct tz *tz = NULL;
    memcpy(bytes, "TZif2", 5);
    bytes[39] = 1; /* types */
    bytes[43] = 1; /* characters */
    memcpy(bytes + 51, "TZif2", 5);
    bytes[51 + 39] = bytes[51 + 43] = 1;
    size_t at = 51 + 51;
    at += (size_t)snprintf(bytes + at, sizeof(bytes) - at, "\n%s\n", rule);
    return tz_parse((str){bytes, at}, &tz) == TZ_READ ? tz : NULL;
}

static void rules(void **state)
{
    (void)state;
    static const char *const good[] = {"UTC0",
                                       "<+0330>-3:30",
                                       "IST-1GMT0,M10.5.0,M3.5.0/1",
                                       "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                                       "AAA-24:59:59BBB,J60,J300/167:59:59"};
    static const char *const bad[] = {"UTC",
                                      "5",
                                      "<+03>",
                                      "CET-1CEST",
                                      "CET-1CEST,M13.1.0,M3.5.0",
                                      "CET-1CEST,M3.5.0",
                                      "CET-1CEST,M3.6.0,M3.5.0",
                                      "CET-1CEST,M3.5.7,M3.5.0",
                                      "CET-1CEST,J0,J1",
                                      "CET-1CEST,366,J1",
                                      "CET-1CEST,M3.5.0,M10.5.0x",
                                      "CET-168",
                                      "CET-1:60",
                                      "<+03"};
    for (size_t i = 0; i < LENGTH(good); i++) {
        struct tz *tz = ruled(good[i]);
        if (!tz)
            fail_msg("refused: %s", good[i]);
        setenv("TZ", good[i], 1);
        tzset();
        for (int64_t at = 0; at < TO; at += STEP)
            same(tz, good[i], at);
        free(tz);
    }
    for (size_t i = 0; i < LENGTH(bad); i++)
        if (ruled(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

/* Summer all the year: one ends as the next begins (RFC 8536 3.3.1). */
static void endless_summer(void **state)
{
    (void)state;
    struct tz *tz = ruled("XXX3EDT4,0/0,J365/23");
    assert_non_null(tz);
    for (int64_t at = 0; at < TO; at += STEP)
        assert_int_equal(tz_offset(tz, at), -4 * 3600);
    free(tz);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_zone),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(changed_anywhere),
        cmocka_unit_test(rules),
        cmocka_unit_test(endless_summer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
