/* Content negotiation: the cases of RFC 9110 12.5, and what real clients send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/accept.h"

static const char *const rows[] = {
    "application/json", "text/csv", "application/vnd.apache.parquet", NULL};
static const char *const levels[] = {
    "text/html;level=1", "text/html", "text/plain", "image/jpeg", NULL};

struct accept_case {
    const char *header;
    const char *const *offers;
    int best;
};

static const struct accept_case accept_cases[] = {
    {NULL, rows, 0},
    {"", rows, 0},
    {" , ,", rows, 0},
    {"*/*", rows, 0},
    {"text/csv", rows, 1},
    {"TEXT/CSV", rows, 1},
    {"text/*", rows, 1},
    {"application/*", rows, 0},
    {"application/vnd.apache.parquet", rows, 2},
    {"text/html", rows, -1},
    {"text/html, */*;q=0.1", rows, 0},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8", rows, 0},
    {"text/csv, application/json", rows, 0},
    {"text/csv, application/json;q=0.9", rows, 1},
    {"text/csv ; q=0.5 , application/json ; q=0.4", rows, 1},
    {"text/csv;q=0.001, application/json;q=0", rows, 1},
    {"application/json;q=0", rows, -1},
    {"application/json;q=0, */*", rows, 1},
    {"*/*, application/json;q=0.0", rows, 1},
    {"*/*;q=0", rows, -1},
    {"application/json; charset=utf-8", rows, 0},
    {"application/json; version=2", rows, -1},
    {"application/json; charset=utf-8; q=0.2, text/csv;q=0.3", rows, 1},
    {"text/csv;q=1.001, application/json;q=0.1", rows, 0},
    {"text/csv;q=2, application/json;q=0.1", rows, 0},
    {"text/csv;q=, application/json;q=0.1", rows, 0},
    {"text/csv;q=0.1234, application/json;q=0.1", rows, 0},
    {"text/csv;q=.5, application/json;q=0.1", rows, 0},
    {"text/csv;q=1., application/json;q=0.1", rows, 1},
    {"*/csv", rows, -1},
    {"text", rows, -1},
    {"application/json;x=\"a,text/csv;q=1\";q=0.3, text/csv;q=0.2", rows, 1},
    /* RFC 9110 12.5.1, the table of its last example. */
    {"text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/html;level=1, "
     "text/html;level=2;q=0.4, "
     "*/*;q=0.5",
     levels,
     0},
    {"text/*;q=0.3, text/plain;q=0.7, */*;q=0.5", levels, 2},
    {"text/*;q=0.3, */*;q=0.5", levels, 3},
    {"text/html;level=1;q=0.1, text/html;q=0.7", levels, 1},
    {"text/html;LEVEL=1", levels, 0},
};

static void accept_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(accept_cases); i++) {
        const struct accept_case *c = &accept_cases[i];
        int best = accept_best(str_of(c->header), c->offers);
        if (best != c->best)
            fail_msg("\"%s\": %d, not %d", c->header ? c->header : "(none)", best, c->best);
    }
}

static void no_offers(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    assert_int_equal(accept_best(STR("*/*"), none), -1);
    assert_int_equal(accept_best((str){0}, none), -1);
}

static void gzip_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool gzip;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZIP", true},
        {"x-gzip", true},
        {"deflate, gzip;q=1.0, *;q=0.5", true},
        {"gzip, deflate, br, zstd", true},
        {"br", false},
        {"*", true},
        {"gzip;q=0", false},
        {"gzip;q=0.000, *", false},
        {"*;q=0", false},
        {"identity", false},
        {"identity, gzip", true},
        {"gzip;q=0.5, identity", false},
        {"gzip;q=0.5, identity;q=0.4", true},
        {"gzip;q=0.5, *;q=0.8", false},
        {"gzip;q=x", false},
        {"gzip, identity;q=0", true},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        if (accept_gzip(str_of(cases[i].header)) != cases[i].gzip)
            fail_msg("\"%s\"", cases[i].header ? cases[i].header : "(none)");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accept_table),
        cmocka_unit_test(no_offers),
        cmocka_unit_test(gzip_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
