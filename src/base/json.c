/* A scanner over well-formed JSON: it only has to know where values end. */
#include "base/json.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static size_t skip_blank(str s, size_t at)
{
    while (at < s.len && is_blank(s.at[at]))
        at++;
    return at;
}

/* From an opening quote to behind the closing one. */
static size_t skip_text(str s, size_t at)
{
    for (at++; at < s.len && s.at[at] != '"'; at++) {
        if (s.at[at] == '\\')
            at++;
    }
    return at + 1;
}

/* From the first character of a value to behind its last. */
static size_t skip_value(str s, size_t at)
{
    size_t depth = 0;
    while (at < s.len) {
        char c = s.at[at];
        if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_blank(c)))
            break;
        if (c == '"') {
            at = skip_text(s, at);
        } else {
            depth += c == '{' || c == '[';
            depth -= c == '}' || c == ']';
            at++;
        }
        if (depth == 0 && (c == '"' || c == '}' || c == ']'))
            break;
    }
    return at < s.len ? at : s.len;
}

str json_member(str object, str name)
{
    size_t at = skip_blank(object, 0) + 1;
    while (at < object.len) {
        size_t key = skip_blank(object, at);
        if (key >= object.len || object.at[key] != '"')
            break;
        size_t end = skip_text(object, key);
        size_t value = skip_blank(object, skip_blank(object, end) + 1);
        at = skip_value(object, value);
        if (end <= object.len && str_eq(str_sub(object, key + 1, end - key - 2), name))
            return str_sub(object, value, at - value);
        at = skip_blank(object, at) + 1;
    }
    return (str){0};
}
