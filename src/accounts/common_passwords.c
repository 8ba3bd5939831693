/* Looks a password up in a text that is part of the program: one a line, in the order of bytes. */
#include "accounts/common_passwords.h"

#include <ctype.h>
#include <string.h>

#include "base/embedded.h"

#define LONGEST 64 /* bytes; no line is longer */

static str list_find(void)
{
    for (const struct embedded_file *file = embedded_files; file->path; file++) {
        if (strcmp(file->path, "src/accounts/common_passwords.txt") == 0)
            return (str){file->at, (size_t)(file->end - file->at)};
    }
    return STR("");
}

/* Halves the text, each time at the begin of a line, until nothing of it is left. */
static bool line_find(str text, str line)
{
    size_t from = 0, to = text.len;
    while (from < to) {
        size_t at = from + (to - from) / 2;
        while (at > from && text.at[at - 1] != '\n')
            at--;
        str rest = str_sub(text, at, to - at), here = str_cut(&rest, '\n');
        int order = str_cmp(line, here);
        if (order == 0)
            return true;
        if (order < 0)
            to = at;
        else
            from = at + here.len + 1;
    }
    return false;
}

/* Each character is as far from the one before, by one at most; 0 follows 9. */
static bool run(str password)
{
    if (password.len < 2)
        return true;
    int step = password.at[1] - password.at[0];
    for (size_t i = 1; i < password.len; i++) {
        int here = password.at[i] - password.at[i - 1];
        bool wraps = (step == 1 && here == '0' - '9') || (step == -1 && here == '9' - '0');
        if (here != step && !wraps)
            return false;
    }
    return step >= -1 && step <= 1;
}

bool password_common(str password)
{
    char lower[LONGEST];
    if (password.len > sizeof(lower))
        return false;
    for (size_t i = 0; i < password.len; i++) {
        unsigned char c = (unsigned char)password.at[i];
        lower[i] = (char)(isascii(c) ? tolower(c) : c);
    }
    str line = {lower, password.len};
    return run(line) || line_find(list_find(), line);
}
