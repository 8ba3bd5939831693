/* The guard's order of work, the seconds of EXTRACT, and how a refusal reads. */
#include "engine/worker/guard.h"

#include <string.h>

#include "engine/worker/lex.h"
#include "engine/worker/meta.h"
#include "engine/worker/types.h"
#include "engine/worker/wording.h"

#define BRACKETS_MAX 100
#define WITH_MAX 6    /* DuckDB's binder takes three times as long for each WITH in a WITH */
#define SAID_MAX 2000 /* bytes of a message */
#define SECONDS_CALL "tdc.second("

err guard_refuse(struct call *call, str sql, int64_t position, str text)
{
    str said = str_sub(text, 0, SAID_MAX);
    if (position < 0 || (size_t)position > sql.len)
        return err_new(call->mem, 422, "invalid_query", "%.*s", STR_ARGS(said));
    int64_t line = 1, column = 1;
    for (size_t i = 0; i < (size_t)position; i++) {
        bool begins = (sql.at[i] & 0xC0) != 0x80;
        column = sql.at[i] == '\n' ? 1 : column + begins;
        line += sql.at[i] == '\n';
    }
    struct err *e = NEW(call->mem, struct err);
    if (!e)
        return &err_no_memory;
    *e = (struct err){.status = 422, .code = "invalid_query", .line = line, .column = column};
    e->detail = str_fmt(call->mem,
                        "%.*s (line %lld, column %lld)",
                        STR_ARGS(said),
                        (long long)line,
                        (long long)column);
    return arena_failed(call->mem) ? &err_no_memory : e;
}

/* DuckDB's kinds of errors stand before its messages and say nothing to those who did not write
 * DuckDB. */
err guard_failure(struct call *call, str sql, const struct sql_failure *failure)
{
    str text = failure->message;
    const char *colon = text.len ? memmem(text.at, text.len, " Error: ", 8) : NULL;
    if (colon && colon - text.at < 40)
        text = str_sub(text, (size_t)(colon - text.at) + 8, text.len);
    return guard_refuse(call, sql, failure->position, wording_plain(call, text));
}

/* From EXTRACT or date_part up to and with FROM or the comma: what is put aside for our own
 * function. */
static bool seconds_span(str sql, size_t from, size_t *end)
{
    struct lexer lexer = {sql, from};
    struct token t = lex_next(&lexer);
    bool extract = token_is(t, "extract");
    if (!extract && token_is(t, "main")) {
        if (!token_is(lex_next(&lexer), "."))
            return false;
        t = lex_next(&lexer);
    }
    if ((!extract && !token_is(t, "date_part") && !token_is(t, "datepart")) ||
        !token_is(lex_next(&lexer), "("))
        return false;
    t = lex_next(&lexer);
    if (t.kind != TOKEN_STRING && !(extract && (t.kind == TOKEN_WORD || t.kind == TOKEN_QUOTED)))
        return false;
    if (!token_is(lex_next(&lexer), extract ? "from" : ","))
        return false;
    *end = lexer.at;
    return lexer.at - from >= strlen(SECONDS_CALL);
}

/* In place, with blanks for what is left over, so that every position in the text stays what it
 * was. */
static size_t seconds_rewrite(char *sql, size_t len, const struct tree *tree)
{
    size_t done = 0;
    for (size_t i = 0; i < tree->seconds_n; i++) {
        size_t from = tree->seconds[i], end;
        if (!seconds_span((str){sql, len}, from, &end))
            continue;
        for (size_t at = from; at < end; at++)
            if (sql[at] != '\n')
                sql[at] = ' ';
        /* Behind the line breaks of a comment or of white space, if there are any. */
        memcpy(sql + end - strlen(SECONDS_CALL), SECONDS_CALL, strlen(SECONDS_CALL));
        done++;
    }
    return done;
}

static err tree_of(struct call *call, struct tree *tree, str sql)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    TRY(sql_try_query(
        call, sql_text(call, "SELECT json_serialize_sql(%L)", sql), &result, &failure));
    if (failure.message.at)
        return guard_failure(call, tree->sql, &failure);
    return tree_check(tree, sql_str(call, &result, 0, 0));
}

/* What is run is what was checked: a text that was changed here goes through the parser and the
 * lists once more. */
static err seconds_check(struct call *call, const struct tree *tree, struct guarded *out)
{
    str copy = str_copy(call->mem, tree->sql);
    if (arena_failed(call->mem))
        return &err_no_memory;
    size_t done = seconds_rewrite((char *)copy.at, copy.len, tree);
    if (!done)
        return NULL;
    struct checked again = {0};
    struct tree rewritten = {
        .call = call, .sql = copy, .own = tree->own, .out = &again, .rewritten = done};
    TRY(tree_of(call, &rewritten, copy));
    if (rewritten.rewritten)
        return guard_refuse(
            call, tree->sql, -1, STR("The seconds of a time can't be taken like this."));
    out->sql = copy;
    return NULL;
}

static err columns_check(struct call *call, str sql, const struct columns *columns)
{
    for (size_t i = 0; i < columns->n; i++) {
        str name = columns->at[i].column_name;
        if (!str_trim(name).len || !str_utf8_ok(name))
            return guard_refuse(
                call,
                sql,
                -1,
                str_fmt(call->mem, "Column %zu has no name: give it one with AS.", i + 1));
        if (name.len > COLUMN_NAME_MAX)
            return guard_refuse(call,
                                sql,
                                -1,
                                str_fmt(call->mem,
                                        "The name of column %zu is longer than %d bytes: give "
                                        "it one with AS.",
                                        i + 1,
                                        COLUMN_NAME_MAX));
        for (size_t j = 0; j < i; j++)
            if (str_eq_nocase(columns->at[j].column_name, name))
                return guard_refuse(
                    call,
                    sql,
                    -1,
                    str_fmt(call->mem,
                            "Two columns are named \"%.*s\": give them names of their own "
                            "with AS.",
                            STR_ARGS(name)));
    }
    return NULL;
}

/* DESCRIBE binds the statement and does not run it. */
static err columns_bind(struct call *call, str sql, struct columns *out)
{
    CLEANUP(sql_result_done) struct sql_result result = {0};
    struct sql_failure failure;
    TRY(sql_try_query(call, sql_text(call, "DESCRIBE %S", sql), &result, &failure));
    if (failure.message.at)
        return guard_failure(call, sql, &failure);
    TRY(types_described(call, &result, out));
    return columns_check(call, sql, out);
}

err guard_check(struct call *call, str sql, struct guarded *out)
{
    *out = (struct guarded){.sql = sql};
    if (!str_trim(sql).len)
        return guard_refuse(call, sql, -1, STR("There is no statement in it."));
    if (sql.len > SQL_TEXT_MAX)
        return guard_refuse(call, sql, -1, STR("The statement is longer than 64 KB."));
    if (!str_utf8_ok(sql))
        return guard_refuse(call, sql, -1, STR("The statement is not well-formed UTF-8."));
    if (!lex_depth_ok(sql, BRACKETS_MAX, WITH_MAX))
        return guard_refuse(call, sql, -1, STR("The statement is nested too deeply."));
    struct objects own;
    TRY(meta_names(call, &own));
    struct tree tree = {.call = call, .sql = sql, .own = &own, .out = &out->checked};
    TRY(tree_of(call, &tree, sql));
    out->collates = tree.collates;
    TRY(seconds_check(call, &tree, out));
    TRY(plan_check(call, out->sql, &out->steady));
    return columns_bind(call, out->sql, &out->checked.columns);
}
