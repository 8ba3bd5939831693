/* What people read of DuckDB's messages. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/worker/wording.h"

static void says_it_plainly(void **state)
{
    (void)state;
    static const struct {
        const char *theirs, *ours;
    } cases[] = {
        {"", ""},
        {"Could not convert string 'x' to INT32", "Could not convert string 'x' to int"},
        {"Could not convert string 'INT32' to INT64", "Could not convert string 'INT32' to bigint"},
        {"Value can't be cast to INT16, it isn't FLOAT",
         "Value can't be cast to smallint, it isn't real"},
        {"Column \"INT8\" is MY_INT8 or INT8.", "Column \"INT8\" is MY_INT8 or tinyint."},
        {"None takes 'abs(STRING_LITERAL)' or (INTEGER_LITERAL)",
         "None takes 'abs(VARCHAR)' or (INTEGER)"},
        {"No function matches 'sum(VARCHAR)'.\n\tCandidate functions:\n\tsum(DECIMAL) -> DECIMAL\n",
         "No function matches 'sum(VARCHAR)'."},
        {"More than one row. \n\nUse \"SET some_setting=false\" to go on.", "More than one row."},
        {"two\n\n   lines ", "two lines"},
        {"an open 'quote of INT32", "an open 'quote of INT32"},
    };
    struct arena mem;
    arena_init(&mem, 1 << 16);
    struct call call = {.mem = &mem};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        str ours = wording_plain(&call, str_of(cases[i].theirs));
        assert_string_equal(str_c(&mem, ours), cases[i].ours);
    }
    arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_it_plainly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
