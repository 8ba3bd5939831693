/* A small scanner for SQL: white space, comments, quoted texts, words, marks. */
#include "engine/worker/lex.h"

#include <string.h>

#define DEPTH_MAX 256

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (c & 0x80);
}

static bool follows(const struct lexer *lexer, const char *text)
{
    return str_starts(str_sub(lexer->sql, lexer->at, lexer->sql.len), str_of(text));
}

/* Comments of this kind nest. */
static void skip_block(struct lexer *lexer)
{
    size_t open = 0;
    while (lexer->at < lexer->sql.len) {
        if (follows(lexer, "/*")) {
            open++;
            lexer->at += 2;
        } else if (follows(lexer, "*/")) {
            lexer->at += 2;
            if (--open == 0)
                return;
        } else {
            lexer->at++;
        }
    }
}

static void skip_blank(struct lexer *lexer)
{
    while (lexer->at < lexer->sql.len) {
        if (is_space(lexer->sql.at[lexer->at]))
            lexer->at++;
        else if (follows(lexer, "/*"))
            skip_block(lexer);
        else if (follows(lexer, "--"))
            while (lexer->at < lexer->sql.len && lexer->sql.at[lexer->at] != '\n')
                lexer->at++;
        else
            return;
    }
}

/* From the opening quote to behind the closing one; a doubled quote stands for itself. */
static void skip_quoted(struct lexer *lexer, char quote, bool escapes)
{
    str sql = lexer->sql;
    for (lexer->at++; lexer->at < sql.len; lexer->at++) {
        if (escapes && sql.at[lexer->at] == '\\')
            lexer->at++;
        else if (sql.at[lexer->at] == quote) {
            if (lexer->at + 1 < sql.len && sql.at[lexer->at + 1] == quote)
                lexer->at++;
            else
                break;
        }
    }
    lexer->at = lexer->at < sql.len ? lexer->at + 1 : sql.len;
}

/* $$text$$ or $tag$text$tag$; false when the dollar begins neither. */
static bool skip_dollar(struct lexer *lexer)
{
    str sql = lexer->sql;
    size_t end = lexer->at + 1;
    while (end < sql.len && is_word(sql.at[end]))
        end++;
    if (end >= sql.len || sql.at[end] != '$')
        return false;
    size_t tag = end + 1 - lexer->at;
    const char *close = memmem(sql.at + end + 1, sql.len - end - 1, sql.at + lexer->at, tag);
    lexer->at = close ? (size_t)(close - sql.at) + tag : sql.len;
    return true;
}

struct token lex_next(struct lexer *lexer)
{
    skip_blank(lexer);
    str sql = lexer->sql;
    size_t from = lexer->at;
    if (from >= sql.len)
        return (struct token){TOKEN_END, {sql.at, 0}};
    enum token_kind kind = TOKEN_MARK;
    char c = sql.at[from];
    bool escapes = (c == 'e' || c == 'E') && from + 1 < sql.len && sql.at[from + 1] == '\'';
    if (escapes)
        lexer->at++;
    if (c == '\'' || escapes) {
        skip_quoted(lexer, '\'', escapes);
        kind = TOKEN_STRING;
    } else if (c == '"') {
        skip_quoted(lexer, '"', false);
        kind = TOKEN_QUOTED;
    } else if (c == '$' && skip_dollar(lexer)) {
        kind = TOKEN_STRING;
    } else if (is_word(c)) {
        while (lexer->at < sql.len && (is_word(sql.at[lexer->at]) || sql.at[lexer->at] == '$'))
            lexer->at++;
        kind = TOKEN_WORD;
    } else {
        lexer->at++;
    }
    return (struct token){kind, str_sub(sql, from, lexer->at - from)};
}

bool token_is(struct token token, const char *text)
{
    return (token.kind == TOKEN_WORD || token.kind == TOKEN_MARK) &&
           str_eq_nocase(token.text, str_of(text));
}

str lex_statement(str sql)
{
    size_t end = 0;
    struct lexer lexer = {sql, 0};
    for (struct token t = lex_next(&lexer); t.kind != TOKEN_END; t = lex_next(&lexer))
        if (!token_is(t, ";"))
            end = lexer.at;
    return str_sub(sql, 0, end);
}

bool lex_depth_ok(str sql, size_t brackets_max, size_t with_max)
{
    bool with[DEPTH_MAX] = {0}; /* of each open bracket: has it a WITH inside, directly */
    size_t depth = 0, withs = 0;
    struct lexer lexer = {sql, 0};
    for (struct token t = lex_next(&lexer); t.kind != TOKEN_END; t = lex_next(&lexer)) {
        char c = t.kind == TOKEN_MARK ? t.text.at[0] : 0;
        if (c == '(' || c == '[' || c == '{') {
            if (++depth > brackets_max || depth >= DEPTH_MAX)
                return false;
            with[depth] = false;
        } else if ((c == ')' || c == ']' || c == '}') && depth > 0) {
            withs -= with[depth--];
        } else if (token_is(t, "with") && !with[depth]) {
            with[depth] = true;
            if (++withs > with_max)
                return false;
        }
    }
    return true;
}
