/* The headers of one part of a form (RFC 7578 4, RFC 2183), and how clients really write them. */
#include <string.h>

#include "http/part.h"

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static char *skip_space(char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* `*at` stands behind the opening quote. Only \" and \\ are escapes: old clients send paths with
 * backslashes. */
static bool quoted_take(char **at, char *end, str *value)
{
    char *from = *at, *to = *at, *start = *at;
    for (; from < end && *from != '"'; from++) {
        if (*from == '\\' && end - from > 1 && (from[1] == '"' || from[1] == '\\'))
            from++;
        *to++ = *from;
    }
    if (from == end)
        return false;
    *at = from + 1;
    *value = (str){start, (size_t)(to - start)};
    return true;
}

/* Up to the next ';': some clients leave out quotes that the grammar asks for. */
static bool bare_take(char **at, char *end, str *value)
{
    char *stop = memchr(*at, ';', (size_t)(end - *at));
    if (!stop)
        stop = end;
    *value = str_trim((str){*at, (size_t)(stop - *at)});
    *at = stop;
    return value->len > 0;
}

enum param_step param_next(char **at, char *end, struct param *param)
{
    char *p = skip_space(*at, end);
    if (p < end && *p++ != ';')
        return PARAM_BAD;
    p = skip_space(p, end);
    if (p == end)
        return PARAM_END;
    char *name = p;
    while (p < end && is_token(*p))
        p++;
    param->name = (str){name, (size_t)(p - name)};
    if (p == name || p == end || *p++ != '=')
        return PARAM_BAD;
    bool quoted = p < end && *p == '"';
    p += quoted;
    if (!(quoted ? quoted_take(&p, end, &param->value) : bare_take(&p, end, &param->value)))
        return PARAM_BAD;
    *at = p;
    return PARAM_ONE;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/*
 * Replaces percent escapes in place: all of them, or only the three that browsers use in names
 * (%22, %0D, %0A; any other '%' there stands for itself). -1: a bad escape, else the new length.
 */
static ptrdiff_t percent_replace(char *at, size_t len, bool all)
{
    char *to = at;
    for (size_t i = 0; i < len; i++) {
        if (at[i] != '%') {
            *to++ = at[i];
            continue;
        }
        int high = len - i > 2 ? hex_value(at[i + 1]) : -1,
            low = high < 0 ? -1 : hex_value(at[i + 2]);
        char c = (char)(high * 16 + low);
        bool escape = low >= 0 && (all || c == '"' || c == '\r' || c == '\n');
        if (all && !escape)
            return -1;
        *to++ = escape ? c : '%';
        i += escape ? 2 : 0;
    }
    return to - at;
}

static str browser_text(str s)
{
    return (str){s.at, (size_t)percent_replace((char *)s.at, s.len, false)};
}

/* RFC 8187: UTF-8'language'percent-escapes. Any other charset gives the absent str. */
static str extended_text(str s)
{
    str charset = str_cut(&s, '\'');
    if (!s.at || !str_eq_nocase(charset, STR("utf-8")))
        return (str){0};
    str_cut(&s, '\'');
    if (!s.at)
        return (str){0};
    ptrdiff_t len = percent_replace((char *)s.at, s.len, true);
    return len < 0 ? (str){0} : (str){s.at, (size_t)len};
}

struct disposition {
    bool seen;
    str name, filename, extended;
};

static const char *disposition_parse(char *at, char *end, struct disposition *d)
{
    if (d->seen)
        return "has two Content-Disposition headers";
    d->seen = true;
    char *type = at;
    while (at < end && is_token(*at))
        at++;
    if (!str_eq_nocase((str){type, (size_t)(at - type)}, STR("form-data")))
        return "has a Content-Disposition that is not form-data";
    struct param param;
    enum param_step step;
    while ((step = param_next(&at, end, &param)) == PARAM_ONE) {
        str *into = str_eq_nocase(param.name, STR("name"))        ? &d->name
                    : str_eq_nocase(param.name, STR("filename"))  ? &d->filename
                    : str_eq_nocase(param.name, STR("filename*")) ? &d->extended
                                                                  : NULL;
        if (!into)
            continue;
        if (into->at)
            return "has a Content-Disposition that names one thing twice";
        *into = param.value;
    }
    return step == PARAM_BAD ? "has a malformed Content-Disposition" : NULL;
}

static const char *disposition_take(const struct disposition *d, struct multipart_part *part)
{
    if (!d->seen)
        return "has no Content-Disposition header";
    if (!d->name.at)
        return "has no name";
    part->name = browser_text(d->name);
    part->filename = extended_text(d->extended);
    if (!part->filename.at && d->filename.at)
        part->filename = browser_text(d->filename);
    if (!part->filename.at && d->extended.at)
        return "has a filename* that is not UTF-8''text";
    if (!str_utf8_ok(part->name) || !str_utf8_ok(part->filename))
        return "has a name or filename that is not UTF-8";
    return NULL;
}

static bool encoding_ok(str encoding)
{
    return str_eq_nocase(encoding, STR("binary")) || str_eq_nocase(encoding, STR("8bit")) ||
           str_eq_nocase(encoding, STR("7bit"));
}

static const char *line_parse(char *at, char *end, struct disposition *d,
                              struct multipart_part *part)
{
    char *name = at;
    while (at < end && is_token(*at))
        at++;
    str field = {name, (size_t)(at - name)};
    if (field.len == 0 || at == end || *at != ':')
        return "has a malformed header";
    at = skip_space(at + 1, end);
    while (end > at && is_space(end[-1]))
        end--;
    if (str_eq_nocase(field, STR("content-disposition")))
        return disposition_parse(at, end, d);
    str value = {at, (size_t)(end - at)};
    if (str_eq_nocase(field, STR("content-type")))
        part->content_type = value;
    if (str_eq_nocase(field, STR("content-transfer-encoding")) && !encoding_ok(value))
        return "has a Content-Transfer-Encoding other than binary";
    return NULL;
}

/* Joins folded lines (RFC 5322 2.2.3) and finds what may not be in a header. */
static bool lines_unfold(char *block, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool line_end = block[i] == '\r' && i + 1 < len && block[i + 1] == '\n';
        if (line_end && i > 0 && i + 2 < len && is_space(block[i + 2]))
            block[i] = block[i + 1] = ' ';
        else if (line_end)
            i++;
        else if ((unsigned char)block[i] < ' ' && block[i] != '\t')
            return false;
    }
    return true;
}

const char *part_parse(char *block, size_t len, struct multipart_part *part)
{
    *part = (struct multipart_part){0};
    if (!lines_unfold(block, len))
        return "has a control character in its headers";
    struct disposition disposition = {0};
    char *end = block + len;
    for (char *at = block; at < end;) {
        char *stop = memchr(at, '\r', (size_t)(end - at));
        if (!stop)
            stop = end;
        const char *wrong = line_parse(at, stop, &disposition, part);
        if (wrong)
            return wrong;
        at = end - stop > 2 ? stop + 2 : end;
    }
    return disposition_take(&disposition, part);
}
