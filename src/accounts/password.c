/*
 * Passwords, hashed by Argon2id.
 *
 * With libsodium's INTERACTIVE limits (2 passes over 64 MB): above what OWASP asks for at least
 * (2 passes, 19 MB), and few enough that a handful of sign-ins at a time fit a small machine.
 */
#include "accounts/password.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>

#include "accounts/common_passwords.h"

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) || !isascii((unsigned char)c);
}

/* Without the digits and signs that people put around a word to make it pass. */
static str core_of(str s)
{
    while (s.len && !is_letter(s.at[0]))
        s = str_sub(s, 1, s.len);
    while (s.len && !is_letter(s.at[s.len - 1]))
        s.len--;
    return s;
}

/* Words that whoever guesses this account's password begins with; README lists them. */
static bool is_near(str password, str address)
{
    str domain = str_trim(address), name = str_cut(&domain, '@');
    str rest = domain, host = str_cut(&rest, '.');
    const str words[] = {str_trim(address), name, domain, host, STR("tinydevcrm")};
    str core = core_of(password);
    for (size_t i = 0; core.len && i < LENGTH(words); i++) {
        if (str_eq_nocase(core, core_of(words[i])))
            return true;
    }
    return false;
}

static size_t characters(str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.at[i] & 0xC0) != 0x80; /* the first byte of each */
    return n;
}

const char *password_problem(str password, str address)
{
    if (characters(password) < PASSWORD_MIN)
        return "Must be at least 8 characters long.";
    if (password.len > PASSWORD_MAX)
        return "Must be at most 256 bytes long.";
    if (is_near(password, address))
        return "May not be the address, a part of it or the name of this program, whatever stands "
               "around it.";
    if (password_common(password))
        return "Is among the passwords that are tried first.";
    return NULL;
}

static err hash_failed(struct arena *mem)
{
    return err_busy(mem, 2, "out_of_memory", "There is no memory to check a password just now.");
}

err password_hash(struct arena *mem, str password, str *hash)
{
    char text[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(text,
                              password.at,
                              password.len,
                              crypto_pwhash_OPSLIMIT_INTERACTIVE,
                              crypto_pwhash_MEMLIMIT_INTERACTIVE,
                              crypto_pwhash_ALG_ARGON2ID13) < 0)
        return hash_failed(mem);
    *hash = str_copy(mem, str_of(text));
    return NULL;
}

/* The work of a check, for nothing. */
static err password_pretend(struct arena *mem, str password)
{
    static const unsigned char salt[crypto_pwhash_SALTBYTES];
    unsigned char out[32];
    if (crypto_pwhash(out,
                      sizeof(out),
                      password.at,
                      password.len,
                      salt,
                      crypto_pwhash_OPSLIMIT_INTERACTIVE,
                      crypto_pwhash_MEMLIMIT_INTERACTIVE,
                      crypto_pwhash_ALG_ARGON2ID13) < 0)
        return hash_failed(mem);
    return NULL;
}

err password_matches(struct arena *mem, str hash, str password, bool *matches)
{
    *matches = false;
    if (!hash.at)
        return password_pretend(mem, password);
    errno = 0;
    *matches = crypto_pwhash_str_verify(str_c(mem, hash), password.at, password.len) == 0;
    /* Another password is told by EINVAL; anything else: it could not be found out. */
    return *matches || errno == EINVAL ? NULL : hash_failed(mem);
}
