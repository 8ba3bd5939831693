/*
 * The words of an SQL text as DuckDB's parser cuts it: enough to skip what is quoted or a comment.
 *
 * Only ever used on a text that DuckDB has parsed, or to count nesting before it does: what is
 * allowed is decided on the parse tree, never here.
 */
#ifndef ENGINE_WORKER_LEX_H
#define ENGINE_WORKER_LEX_H

#include "base/str.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* keyword, name or number */
    TOKEN_QUOTED, /* "name" */
    TOKEN_STRING, /* 'text', E'text', $tag$text$tag$ */
    TOKEN_MARK,   /* any other single character */
};

struct token {
    enum token_kind kind;
    str text; /* with its quotes */
};

struct lexer {
    str sql;
    size_t at;
};

struct token lex_next(struct lexer *lexer);
bool token_is(struct token token, const char *text); /* a word (any case) or a mark */
/* Without the semicolon and the comments at its end: fit to stand within another statement. */
str lex_statement(str sql);
/* Brackets within brackets, and WITH within WITH, no deeper than these. */
bool lex_depth_ok(str sql, size_t brackets_max, size_t with_max);

#endif
