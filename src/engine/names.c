/* Which names and which types a table may have: those that DuckDB and PostgreSQL both take. */
#include <string.h>

#include "base/fields.h"
#include "engine/engine.h"

#define NAME_MAX_BYTES 63 /* PostgreSQL's NAMEDATALEN - 1 */
#define DIGITS_MAX 38     /* of a numeric, in DuckDB */
#define SCALE_DEFAULT 3   /* numeric without arguments, as DuckDB has it */
#define WIDTH_DEFAULT 18
#define VARCHAR_MAX 10485760 /* PostgreSQL's */

/* Words that neither DuckDB nor PostgreSQL lets stand unquoted as the name of a table. */
static const char reserved[] =
    " all analyse analyze and anti any array as asc asof asymmetric at authorization"
    " binary both by case cast check collate collation column concurrently constraint"
    " create cross current_catalog current_date current_role current_schema current_time"
    " current_timestamp current_user default deferrable desc describe distinct do else end"
    " except false fetch for foreign freeze from full glob grant group having ilike in"
    " initially inner intersect into is isnull join lambda lateral leading left like limit"
    " localtime localtimestamp natural not notnull null offset on only or order outer"
    " overlaps pivot pivot_longer pivot_wider placing positional primary qualify"
    " references returning right select semi session_user show similar some summarize"
    " symmetric system_user table tablesample then to trailing true union unique unpack"
    " unpivot user using variadic verbose when where window with ";

static bool is_reserved(str name)
{
    char word[NAME_MAX_BYTES + 3] = " ";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == ' ')
            return false;
        word[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    word[name.len + 1] = ' ';
    return strstr(reserved, word) != NULL;
}

/* Control characters of ASCII and of Latin-1 (C1), which UTF-8 writes as C2 80 to C2 9F. */
static bool has_control(str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        if (c < 0x20 || c == 0x7F)
            return true;
        if (c == 0xC2 && i + 1 < name.len && (unsigned char)name.at[i + 1] < 0xA0)
            return true;
    }
    return false;
}

static bool has_quote(str name)
{
    return str_find(name, '"') >= 0 || str_find(name, '\'') >= 0 || str_find(name, '`') >= 0;
}

err engine_column_check(struct arena *mem, const char *field, str name)
{
    if (name.len == 0)
        return field_err(mem, field, "A name can't be empty.");
    if (name.len > NAME_MAX_BYTES)
        return field_err(
            mem, field, "A name has at most %d bytes, this one has %zu.", NAME_MAX_BYTES, name.len);
    if (!str_utf8_ok(name))
        return field_err(mem, field, "A name must be valid UTF-8.");
    if (has_control(name))
        return field_err(mem, field, "A name can't contain control characters.");
    if (has_quote(name))
        return field_err(mem, field, "A name can't contain quotes: %.*s", STR_ARGS(name));
    if (str_trim(name).len != name.len)
        return field_err(mem, field, "A name can't begin or end with a space.");
    return NULL;
}

err engine_name_check(struct arena *mem, const char *field, str name)
{
    TRY(engine_column_check(mem, field, name));
    if (str_eq(name, STR(".")) || str_eq(name, STR("..")))
        return field_err(mem, field, "\"%.*s\" can't be a name.", STR_ARGS(name));
    if (is_reserved(name))
        return field_err(
            mem, field, "\"%.*s\" is a reserved word of SQL; choose another name.", STR_ARGS(name));
    return NULL;
}

/* What may stand in parentheses behind a type. */
enum type_args { ARGS_NONE, ARGS_LENGTH, ARGS_DIGITS };

static const struct type_alias {
    const char *alias, *normal;
    enum type_args args;
} aliases[] = {
    {"int", "int", ARGS_NONE},
    {"integer", "int", ARGS_NONE},
    {"int4", "int", ARGS_NONE},
    {"bigint", "bigint", ARGS_NONE},
    {"int8", "bigint", ARGS_NONE},
    {"smallint", "smallint", ARGS_NONE},
    {"int2", "smallint", ARGS_NONE},
    {"real", "real", ARGS_NONE},
    {"float4", "real", ARGS_NONE},
    {"double", "double", ARGS_NONE},
    {"double precision", "double", ARGS_NONE},
    {"float8", "double", ARGS_NONE},
    {"float", "double", ARGS_NONE}, /* PostgreSQL's meaning */
    {"numeric", "numeric", ARGS_DIGITS},
    {"decimal", "numeric", ARGS_DIGITS},
    {"dec", "numeric", ARGS_DIGITS},
    {"boolean", "boolean", ARGS_NONE},
    {"bool", "boolean", ARGS_NONE},
    {"varchar", "varchar", ARGS_LENGTH},
    {"character varying", "varchar", ARGS_LENGTH},
    {"text", "text", ARGS_NONE},
    {"date", "date", ARGS_NONE},
    {"time", "time", ARGS_NONE},
    {"time without time zone", "time", ARGS_NONE},
    {"timestamp", "timestamp", ARGS_NONE},
    {"timestamp without time zone", "timestamp", ARGS_NONE},
    {"timestamptz", "timestamptz", ARGS_NONE},
    {"timestamp with time zone", "timestamptz", ARGS_NONE},
    {"uuid", "uuid", ARGS_NONE},
    {"json", "json", ARGS_NONE},
    {"jsonb", "json", ARGS_NONE},
};

#define ALIAS_MAX 32

/* Lower case, one space between words. False: longer than any alias. */
static bool words_normal(str words, char *into, size_t size)
{
    size_t n = 0;
    words = str_trim(words);
    for (size_t i = 0; i < words.len; i++) {
        char c = words.at[i];
        bool space = c == ' ' || (c >= '\t' && c <= '\r');
        if (space && n && into[n - 1] == ' ')
            continue;
        if (n + 1 >= size)
            return false;
        into[n++] = space ? ' ' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    into[n] = '\0';
    return n > 0;
}

static const struct type_alias *alias_find(str words)
{
    char word[ALIAS_MAX];
    if (!words_normal(words, word, sizeof(word)))
        return NULL;
    for (size_t i = 0; i < LENGTH(aliases); i++) {
        if (strcmp(aliases[i].alias, word) == 0)
            return &aliases[i];
    }
    return NULL;
}

/* A number in parentheses. */
static bool argument(str text, int64_t least, int64_t most, int64_t *out)
{
    text = str_trim(text);
    return text.len && text.at[0] != '-' && str_i64(text, out) && *out >= least && *out <= most;
}

static err length_normal(struct arena *mem, const char *field, str args, str *normal)
{
    int64_t length;
    if (!args.at) {
        *normal = STR("text");
        return NULL;
    }
    if (!argument(args, 1, VARCHAR_MAX, &length))
        return field_err(
            mem, field, "The length of a varchar is a number from 1 to %d.", VARCHAR_MAX);
    *normal = str_fmt(mem, "varchar(%lld)", (long long)length);
    return NULL;
}

static err digits_normal(struct arena *mem, const char *field, str args, str *normal)
{
    int64_t precision = WIDTH_DEFAULT, scale = args.at ? 0 : SCALE_DEFAULT;
    str rest = args;
    str first = args.at ? str_cut(&rest, ',') : (str){0};
    if (args.at && !argument(first, 1, DIGITS_MAX, &precision))
        return field_err(
            mem, field, "The precision of a numeric is a number from 1 to %d.", DIGITS_MAX);
    if (args.at && rest.at && !argument(rest, 0, precision, &scale))
        return field_err(mem, field, "The scale of a numeric is a number from 0 to its precision.");
    *normal = str_fmt(mem, "numeric(%lld,%lld)", (long long)precision, (long long)scale);
    return NULL;
}

/* "name ( args )" into name and args (absent: no parentheses); false when the parentheses don't
 * close at the end. */
static bool type_split(str type, str *name, str *args)
{
    *name = type = str_trim(type);
    *args = (str){0};
    ptrdiff_t open = str_find(type, '(');
    if (open < 0)
        return true;
    *name = str_sub(type, 0, (size_t)open);
    *args = str_sub(type, (size_t)open + 1, type.len - (size_t)open - 2);
    return type.at[type.len - 1] == ')' && type.len - (size_t)open >= 2;
}

err engine_type_check(struct arena *mem, const char *field, str type, str *normal)
{
    str name, args;
    const struct type_alias *alias = type_split(type, &name, &args) ? alias_find(name) : NULL;
    if (!alias)
        return field_err(mem,
                         field,
                         "\"%.*s\" is not a type of a column. Types: int, bigint, smallint, real, "
                         "double, numeric(p,s), boolean, varchar(n), text, date, time, timestamp, "
                         "timestamptz, uuid, json.",
                         STR_ARGS(str_sub(type, 0, 100)));
    switch (alias->args) {
    case ARGS_LENGTH:
        return length_normal(mem, field, args, normal);
    case ARGS_DIGITS:
        return digits_normal(mem, field, args, normal);
    case ARGS_NONE:
        break;
    }
    if (args.at)
        return field_err(mem, field, "The type %s takes nothing in parentheses.", alias->normal);
    *normal = str_of(alias->normal);
    return NULL;
}
