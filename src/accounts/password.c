/*
 * Passwords, hashed by Argon2id.
 *
 * With libsodium's INTERACTIVE limits (2 passes over 64 MB): above what OWASP asks for at least
 * (2 passes, 19 MB), and few enough that a handful of sign-ins at a time fit a small machine.
 */
#include "accounts/password.h"

#include <ctype.h>
#include <sodium.h>

#define LONG_ENOUGH 16 /* bytes from which on a password may be letters alone */

const char *password_problem(str password, str address)
{
    bool letter = false, digit = false;
    for (size_t i = 0; i < password.len; i++) {
        unsigned char c = (unsigned char)password.at[i];
        letter = letter || isalpha(c) || !isascii(c);
        digit = digit || isdigit(c);
    }
    if (password.len < PASSWORD_MIN)
        return "Must be at least 8 bytes long.";
    if (password.len > PASSWORD_MAX)
        return "Must be at most 256 bytes long.";
    if (str_eq_nocase(str_trim(password), str_trim(address)))
        return "May not be the address.";
    if (!letter || (!digit && password.len < LONG_ENOUGH))
        return "Must have a letter and a digit; from 16 bytes on letters are enough.";
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
    *matches = crypto_pwhash_str_verify(str_c(mem, hash), password.at, password.len) == 0;
    return NULL;
}
