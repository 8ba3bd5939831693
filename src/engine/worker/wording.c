/* DuckDB's messages made plain: it lays them out for a terminal, names types as its source does,
 * and recommends what a client can't do. */
#include "engine/worker/wording.h"

#include <ctype.h>
#include <string.h>

#define PLAIN_MAX 4096

/* What DuckDB's source calls a type. Whole words, and not within a value between quotes. */
static const struct {
    str theirs, ours;
} types[] = {
    {STR("BOOL"), STR("boolean")},
    {STR("INT8"), STR("tinyint")},
    {STR("INT16"), STR("smallint")},
    {STR("INT32"), STR("int")},
    {STR("INT64"), STR("bigint")},
    {STR("INT128"), STR("a number of 128 bits")},
    {STR("UINT8"), STR("utinyint")},
    {STR("UINT16"), STR("usmallint")},
    {STR("UINT32"), STR("uinteger")},
    {STR("UINT64"), STR("ubigint")},
    {STR("UINT128"), STR("uhugeint")},
    {STR("FLOAT"), STR("real")},
    {STR("DOUBLE"), STR("double")},
};

/* From where a message goes on with what is of no use to a client. */
static const char *const tails[] = {" Candidate functions:",
                                    "\tCandidate functions:",
                                    "\nCandidate functions:",
                                    " Use \"SET ",
                                    "\nUse \"SET "};

static str cut_tails(str text)
{
    for (size_t i = 0; i < LENGTH(tails); i++) {
        const char *at = memmem(text.at, text.len, tails[i], strlen(tails[i]));
        if (at)
            text.len = (size_t)(at - text.at);
    }
    return str_trim(text);
}

static bool in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static str word_ours(str word)
{
    for (size_t i = 0; i < LENGTH(types); i++)
        if (str_eq(word, types[i].theirs))
            return types[i].ours;
    return word;
}

/* "INTEGER_LITERAL" is an INTEGER to those who wrote it. */
static str word_plain(str word)
{
    static const str literal = STR("_LITERAL");
    if (!str_ends(word, literal))
        return word;
    word.len -= literal.len;
    return str_eq(word, STR("STRING")) ? STR("VARCHAR") : word;
}

static void add_blank(struct buf *b)
{
    if (b->len && b->at[b->len - 1] != ' ')
        buf_char(b, ' ');
}

str wording_plain(struct call *call, str text)
{
    text = cut_tails(text);
    CLEANUP(buf_done) struct buf b;
    buf_init(&b, PLAIN_MAX);
    char quote = 0;
    for (size_t at = 0; at < text.len && !b.failed;) {
        char c = text.at[at];
        size_t end = at + 1;
        if (in_word(c)) {
            while (end < text.len && in_word(text.at[end]))
                end++;
            str word = word_plain(str_sub(text, at, end - at));
            buf_add(&b, quote ? word : word_ours(word));
        } else if (isspace((unsigned char)c)) {
            add_blank(&b);
        } else {
            bool apostrophe = c == '\'' && at && in_word(text.at[at - 1]) && end < text.len &&
                              in_word(text.at[end]);
            if (c == quote)
                quote = 0;
            else if (!quote && (c == '\'' || c == '"') && !apostrophe)
                quote = c;
            buf_char(&b, c);
        }
        at = end;
    }
    return str_copy(call->mem, str_trim(b.failed ? text : buf_str(&b)));
}
