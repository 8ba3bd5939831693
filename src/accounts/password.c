/*
 * Passwords, hashed by Argon2id.
 *
 * With libsodium's INTERACTIVE limits (2 passes over 64 MB): above what OWASP asks for at least
 * (2 passes, 19 MB), and few enough that a handful of sign-ins at a time fit a small machine.
 */
#include "accounts/password.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "accounts/common_passwords.h"

#define SUM_MAX 64 /* bytes of a hash */

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

struct kept {
    unsigned memory_kb, passes;
    unsigned char salt[crypto_pwhash_SALTBYTES + 1], sum[SUM_MAX + 1];
    size_t salt_len, sum_len;
};

/* "$argon2id$v=19$m=65536,t=2,p=1$<salt>$<sum>", as password_hash made it. */
static bool kept_parse(const char *text, struct kept *kept)
{
    static const int variant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
    char salt[64], sum[128];
    return sscanf(text,
                  "$argon2id$v=19$m=%8u,t=%4u,p=1$%63[A-Za-z0-9+/]$%127[A-Za-z0-9+/]",
                  &kept->memory_kb,
                  &kept->passes,
                  salt,
                  sum) == 4 &&
           sodium_base642bin(kept->salt,
                             sizeof(kept->salt),
                             salt,
                             strlen(salt),
                             NULL,
                             &kept->salt_len,
                             NULL,
                             variant) == 0 &&
           sodium_base642bin(kept->sum,
                             sizeof(kept->sum),
                             sum,
                             strlen(sum),
                             NULL,
                             &kept->sum_len,
                             NULL,
                             variant) == 0 &&
           kept->salt_len == crypto_pwhash_SALTBYTES && kept->sum_len >= crypto_pwhash_BYTES_MIN &&
           kept->sum_len <= SUM_MAX;
}

/* libsodium's own check tells a wrong password and too little memory alike. */
err password_matches(struct arena *mem, str hash, str password, bool *matches)
{
    struct kept kept;
    unsigned char sum[SUM_MAX];
    *matches = false;
    if (!hash.at)
        return password_pretend(mem, password);
    if (!kept_parse(str_c(mem, hash), &kept))
        return arena_failed(mem) ? &err_no_memory : NULL;
    if (crypto_pwhash(sum,
                      kept.sum_len,
                      password.at,
                      password.len,
                      kept.salt,
                      kept.passes,
                      (size_t)kept.memory_kb * 1024,
                      crypto_pwhash_ALG_ARGON2ID13) < 0)
        return hash_failed(mem);
    *matches = sodium_memcmp(sum, kept.sum, kept.sum_len) == 0;
    return NULL;
}
