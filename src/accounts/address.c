/*
 * E-mail addresses, in the form people have them: dot-atom@domain of RFC 5322 in ASCII (no quoted
 * names, comments or address literals; international domains as xn--).
 */
#include "accounts/address.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define LABEL_MAX 63

static bool name_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool label_char(char c)
{
    return isalnum((unsigned char)c) || c == '-';
}

/* Pieces with dots between them, each of at least one and at most `most` characters. */
static bool dotted(str s, bool (*allowed)(char c), size_t most)
{
    while (s.at) {
        str piece = str_cut(&s, '.');
        if (piece.len == 0 || piece.len > most)
            return false;
        for (size_t i = 0; i < piece.len; i++) {
            if (!allowed(piece.at[i]))
                return false;
        }
    }
    return true;
}

static bool domain_ok(str domain)
{
    if (str_eq_nocase(domain, STR("localhost")))
        return true;
    if (!dotted(domain, label_char, LABEL_MAX) || str_find(domain, '.') < 0)
        return false;
    for (str rest = domain; rest.at;) {
        str label = str_cut(&rest, '.');
        if (label.at[0] == '-' || label.at[label.len - 1] == '-')
            return false;
    }
    return true;
}

static bool ascii(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!isascii((unsigned char)s.at[i]))
            return false;
    }
    return true;
}

const char *address_problem(str address)
{
    str domain = str_trim(address), name = str_cut(&domain, '@');
    if (str_trim(address).len == 0)
        return "May not be empty.";
    if (str_trim(address).len > ADDRESS_MAX)
        return "Must be at most 254 bytes long.";
    if (!ascii(address))
        return "Must be in ASCII; write an international domain as xn--.";
    if (!domain.at || name.len > NAME_MAX_BYTES || !dotted(name, name_char, NAME_MAX_BYTES) ||
        !domain_ok(domain))
        return "Must be an e-mail address such as ada@example.com.";
    return NULL;
}

str address_key(struct arena *mem, str address)
{
    return str_lower(mem, str_trim(address));
}
