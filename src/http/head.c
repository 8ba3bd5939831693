/* Parsing a request's head: llhttp for the grammar, then what it is too kind about. */
#include "http/head.h"

#include <llhttp/llhttp.h>
#include <string.h>

static const struct head_fault malformed = {
    400, "malformed_request", "The request's head is not well-formed HTTP/1.1."};
static const struct head_fault too_many = {
    431, "headers_too_large", "The request has too many or too long headers."};
static const struct head_fault target_long = {
    414, "target_too_long", "The path and query may have at most 8192 bytes."};
static const struct head_fault bad_host = {
    400, "bad_host", "The request must have one Host header, which is that of its target."};
static const struct head_fault two_lengths = {
    400, "ambiguous_length", "The length of the body is given more than once."};
static const struct head_fault bad_coding = {
    501, "unknown_coding", "The only transfer coding known here is chunked."};
static const struct head_fault bad_version = {
    505, "unknown_version", "This port speaks HTTP/1.0, HTTP/1.1 and HTTP/2."};
static const struct head_fault bad_method = {
    501, "unknown_method", "This method is not known here."};

#define LINE_REST 32 /* of a request line beside its target */

size_t head_end(str text, size_t *scanned)
{
    size_t from = *scanned > 3 ? *scanned - 3 : 0;
    const char *hit = memmem(text.at + from, text.len - from, "\r\n\r\n", 4);
    *scanned = text.len;
    return hit ? (size_t)(hit - text.at) + 4 : 0;
}

const struct head_fault *head_too_long(str text)
{
    size_t line_most = EXCHANGE_TARGET_MAX + LINE_REST;
    if (text.len > line_most && !memchr(text.at, '\n', line_most))
        return &target_long;
    return text.len > EXCHANGE_HEAD_MAX + line_most ? &too_many : NULL;
}

struct parse {
    struct head_parsed *out;
    size_t n; /* headers whose name has begun */
    uint16_t flags;
    uint64_t length;
    bool complete, overflow;
};

static void extend(str *s, const char *at, size_t len)
{
    *s = s->at ? (str){s->at, (size_t)(at + len - s->at)} : (str){at, len};
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct parse *parse = parser->data;
    extend(&parse->out->head.target, at, len);
    return 0;
}

static int on_name(llhttp_t *parser, const char *at, size_t len)
{
    struct parse *parse = parser->data;
    struct header *last = parse->n ? &parse->out->list[parse->n - 1] : NULL;
    if (last && !last->value.at) {
        extend(&last->name, at, len);
        return 0;
    }
    if (parse->n == EXCHANGE_HEADERS_MAX) {
        parse->overflow = true;
        return -1;
    }
    parse->out->list[parse->n++] = (struct header){.name = {at, len}};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct parse *parse = parser->data;
    if (parse->n)
        extend(&parse->out->list[parse->n - 1].value, at, len);
    return 0;
}

/* A header may be empty: then no bytes of a value ever come. */
static int on_value_complete(llhttp_t *parser)
{
    struct parse *parse = parser->data;
    if (parse->n && !parse->out->list[parse->n - 1].value.at)
        parse->out->list[parse->n - 1].value = STR("");
    return 0;
}

/* 1: the body, if any, is not the parser's; an upgrade that was offered is not taken. */
static int on_head(llhttp_t *parser)
{
    struct parse *parse = parser->data;
    parse->flags = parser->flags;
    parse->length = parser->content_length;
    parse->complete = true;
    parse->out->keep_alive = llhttp_should_keep_alive(parser);
    parse->out->old = parser->http_minor == 0;
    parser->upgrade = 0;
    return 1;
}

static bool is_token(str s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!plain && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return s.len > 0;
}

/* Lines end in CR LF and begin with neither blank nor tab; no NUL anywhere. */
static bool lines_ok(const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    while (at < end) {
        const char *cr = memchr(at, '\r', (size_t)(end - at));
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        if (!cr && !lf)
            break;
        if (!cr || lf != cr + 1)
            return false;
        at = lf + 1;
        if (at < end && (*at == ' ' || *at == '\t'))
            return false;
    }
    return !memchr(text, '\0', len);
}

static bool target_ok(str target)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.at[i];
        if (c <= ' ' || c >= 0x7F || c == '#')
            return false;
    }
    return target.len > 0;
}

bool head_host_ok(str host)
{
    static const char others[] = "-._~!$&'()*+,;=:[]%";
    for (size_t i = 0; i < host.len; i++) {
        char c = host.at[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (!plain && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return true;
}

/* "http://host/path" is "/path" (RFC 9112 3.2.2); without a host `authority` is absent. A tunnel's
 * target and any other are not for us. */
static bool target_split(const struct exchange_head *head, str *authority, str *path)
{
    str target = head->target;
    *authority = (str){0};
    *path = target;
    size_t scheme = str_eq_nocase(str_sub(target, 0, 7), STR("http://"))    ? 7
                    : str_eq_nocase(str_sub(target, 0, 8), STR("https://")) ? 8
                                                                            : 0;
    if (scheme) {
        str rest = str_sub(target, scheme, target.len);
        ptrdiff_t slash = str_find(rest, '/');
        *authority = slash < 0 ? rest : str_sub(rest, 0, (size_t)slash);
        *path = slash < 0 ? STR("/") : str_sub(rest, (size_t)slash, rest.len);
        return authority->len > 0 && head_host_ok(*authority);
    }
    return target.at[0] == '/' ||
           (str_eq(target, STR("*")) && str_eq(head->method, STR("OPTIONS")));
}

static void lower_in_place(str name)
{
    char *at = (char *)(uintptr_t)name.at;
    for (size_t i = 0; i < name.len; i++)
        at[i] = at[i] >= 'A' && at[i] <= 'Z' ? (char)(at[i] | 0x20) : at[i];
}

/* `authority` is the target's, if it has one. */
static const struct head_fault *headers_check(struct head_parsed *out, str authority)
{
    size_t hosts = 0, lengths = 0, codings = 0;
    str host = {0};
    for (size_t i = 0; i < out->head.header_count; i++) {
        struct header *header = &out->list[i];
        if (!is_token(header->name))
            return &malformed;
        lower_in_place(header->name);
        header->value = str_trim(header->value);
        if (str_eq(header->name, STR("host"))) {
            hosts++;
            host = header->value;
        }
        lengths += str_eq(header->name, STR("content-length"));
        if (!str_eq(header->name, STR("transfer-encoding")))
            continue;
        codings++;
        if (!str_eq_nocase(header->value, STR("chunked")))
            return &bad_coding;
    }
    if (hosts > 1 || (hosts == 0 && !out->old) || !head_host_ok(host) ||
        (hosts && authority.at && !str_eq_nocase(host, authority)))
        return &bad_host;
    if (lengths > 1 || codings > 1 || (lengths && codings) || (codings && out->old))
        return &two_lengths;
    out->chunked = codings > 0;
    return NULL;
}

/* llhttp's own words for what it would not take. */
static const struct head_fault *parser_fault(const struct parse *parse, llhttp_errno_t why)
{
    if (parse->overflow)
        return &too_many;
    switch (why) {
    case HPE_INVALID_METHOD:
        return &bad_method;
    case HPE_INVALID_VERSION:
        return &bad_version;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return &two_lengths;
    default:
        return &malformed;
    }
}

/* The rest of the line, about which llhttp is generous: more blanks, other protocols. The head has
 * an end, so there is something to look at. */
static bool version_ok(str target)
{
    static const char version[] = " HTTP/1.";
    const char *rest = target.at + target.len;
    return strncmp(rest, version, sizeof(version) - 1) == 0 && rest[sizeof(version)] == '\r';
}

static const struct head_fault *head_check(struct parse *parse, const char *text)
{
    struct head_parsed *out = parse->out;
    str method = {text, 0};
    while (text[method.len] != ' ')
        method.len++;
    out->head.method = method;
    out->head.headers = out->list;
    out->head.header_count = parse->n;
    if (out->head.target.len > EXCHANGE_TARGET_MAX)
        return &target_long;
    if (!target_ok(out->head.target) || out->head.target.at != text + method.len + 1)
        return &malformed;
    str authority, path;
    if (!version_ok(out->head.target) || !target_split(&out->head, &authority, &path))
        return &malformed;
    out->head.target = path;
    const struct head_fault *fault = headers_check(out, authority);
    if (fault)
        return fault;
    if (parse->length > INT64_MAX)
        return &malformed;
    out->head.body_size = out->chunked                        ? -1
                          : (parse->flags & F_CONTENT_LENGTH) ? (int64_t)parse->length
                                                              : 0;
    return NULL;
}

const struct head_fault *head_parse(char *text, size_t len, struct head_parsed *out)
{
    static const llhttp_settings_t settings = {.on_url = on_url,
                                               .on_header_field = on_name,
                                               .on_header_value = on_value,
                                               .on_header_value_complete = on_value_complete,
                                               .on_headers_complete = on_head};
    out->head = (struct exchange_head){0};
    out->chunked = out->keep_alive = out->old = false;
    if (len > EXCHANGE_HEAD_MAX + EXCHANGE_TARGET_MAX + LINE_REST)
        return &too_many;
    if (!lines_ok(text, len))
        return &malformed;
    struct parse parse = {.out = out};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &parse;
    llhttp_errno_t why = llhttp_execute(&parser, text, len);
    bool paused = why == HPE_PAUSED_UPGRADE;
    if ((why != HPE_OK && !paused) || !parse.complete)
        return parser_fault(&parse, why);
    if (parser.http_major != 1 || parser.http_minor > 1)
        return &bad_version;
    return head_check(&parse, text);
}
