/* A JSON reader that only checks and copies: numbers keep their digits, whatever their size. */
#include "engine/worker/json_text.h"

#include <string.h>

#define DEPTH_MAX 256

struct reader {
    str text;
    size_t at;
    struct buf *out;
};

static bool value(struct reader *r, int depth);

static char peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.at[r->at] : 0;
}

static void skip_space(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\n' || peek(r) == '\t' || peek(r) == '\r')
        r->at++;
}

static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (peek(r) != c || c == 0)
        return false;
    buf_char(r->out, c);
    r->at++;
    return true;
}

static bool take_word(struct reader *r, str word)
{
    if (!str_starts(str_sub(r->text, r->at, r->text.len), word))
        return false;
    buf_add(r->out, word);
    r->at += word.len;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind a backslash; leaves `at` on the last character of the escape. */
static bool escape(struct reader *r)
{
    char c = peek(r);
    if (c != 'u')
        return c && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++) {
        r->at++;
        if (!is_hex(peek(r)))
            return false;
    }
    return true;
}

static bool string(struct reader *r)
{
    size_t from = r->at;
    if (peek(r) != '"')
        return false;
    for (r->at++; peek(r) != '"'; r->at++) {
        if ((unsigned char)peek(r) < 0x20)
            return false; /* the end, too */
        if (peek(r) == '\\') {
            r->at++;
            if (!escape(r))
                return false;
        }
    }
    r->at++;
    buf_add(r->out, str_sub(r->text, from, r->at - from));
    return true;
}

static size_t digits(struct reader *r)
{
    size_t n = 0;
    for (; peek(r) >= '0' && peek(r) <= '9'; r->at++)
        n++;
    return n;
}

static bool number(struct reader *r)
{
    size_t from = r->at;
    if (peek(r) == '-')
        r->at++;
    bool zero = peek(r) == '0';
    size_t n = digits(r);
    if (n == 0 || (zero && n > 1))
        return false;
    if (peek(r) == '.') {
        r->at++;
        if (digits(r) == 0)
            return false;
    }
    if (peek(r) == 'e' || peek(r) == 'E') {
        r->at++;
        if (peek(r) == '+' || peek(r) == '-')
            r->at++;
        if (digits(r) == 0)
            return false;
    }
    buf_add(r->out, str_sub(r->text, from, r->at - from));
    return true;
}

/* Behind its opening bracket: items with commas between, to the closing one. */
static bool items(struct reader *r, char close, bool named, int depth)
{
    if (take(r, close))
        return true;
    do {
        skip_space(r);
        if (named && (!string(r) || !take(r, ':')))
            return false;
        if (!value(r, depth + 1))
            return false;
    } while (take(r, ','));
    return take(r, close);
}

static bool value(struct reader *r, int depth)
{
    if (depth > DEPTH_MAX)
        return false;
    skip_space(r);
    switch (peek(r)) {
    case '{':
        return take(r, '{') && items(r, '}', true, depth);
    case '[':
        return take(r, '[') && items(r, ']', false, depth);
    case '"':
        return string(r);
    case 't':
        return take_word(r, STR("true"));
    case 'f':
        return take_word(r, STR("false"));
    case 'n':
        return take_word(r, STR("null"));
    default:
        return number(r);
    }
}

bool json_text_add(struct buf *out, str text)
{
    size_t before = out->len;
    struct reader r = {text, 0, out};
    bool ok = value(&r, 0);
    skip_space(&r);
    if (ok && r.at == text.len)
        return true;
    out->len = before;
    return false;
}
