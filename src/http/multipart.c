/* The push parser of multipart/form-data: finds boundaries, wherever the bytes were cut, and passes
 * parts on. */
#include <string.h>

#include "http/multipart.h"
#include "http/part.h"

enum multipart_state {
    IN_PREAMBLE,  /* before the first boundary */
    AT_DELIMITER, /* in the rest of a boundary's line */
    IN_HEADERS,
    IN_DATA,
    IN_EPILOGUE, /* behind the closing boundary: anything, ignored */
    IS_BROKEN,
};

#define DELIMITER_MAX (4 + MULTIPART_BOUNDARY_MAX)

struct multipart {
    struct arena *mem;
    const struct multipart_calls *calls;
    void *arg;
    enum multipart_state state;
    int64_t offset;  /* in the body, of the next byte to look at */
    int64_t part_at; /* where the part began */
    int64_t size;    /* of the part's data so far */
    int parts;
    bool is_file;
    char last;       /* AT_DELIMITER: the kind of the byte before; 0 right behind the boundary */
    size_t matched;  /* bytes of the delimiter that what was fed ends with */
    size_t not_data; /* so many of them are not the part's, should the delimiter not go on */
    size_t delimiter_len;
    char delimiter[DELIMITER_MAX]; /* CR LF "--" boundary */
    size_t headers_len;
    char headers[MULTIPART_HEADERS_MAX];
};

static err form_malformed(struct multipart *m, int64_t offset, const char *what)
{
    m->state = IS_BROKEN;
    return err_new(m->mem, 400, "malformed_form", "At byte %lld %s.", (long long)offset, what);
}

static err form_too_large(struct multipart *m, int64_t offset, const char *what, int64_t max)
{
    m->state = IS_BROKEN;
    return err_new(m->mem,
                   413,
                   "form_too_large",
                   "At byte %lld %s: the most is %lld.",
                   (long long)offset,
                   what,
                   (long long)max);
}

static bool boundary_ok(str boundary)
{
    if (boundary.len < 1 || boundary.len > MULTIPART_BOUNDARY_MAX ||
        boundary.at[boundary.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < boundary.len; i++) {
        char c = boundary.at[i];
        bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && (c == 0 || !strchr("'()+_,-./:=? ", c)))
            return false;
    }
    return true;
}

static const char media_type[] = "multipart/form-data";
#define MEDIA_TYPE_LEN (sizeof media_type - 1)

bool multipart_is(str content_type)
{
    if (!str_eq_nocase(str_sub(content_type, 0, MEDIA_TYPE_LEN), str_of(media_type)))
        return false;
    str rest = str_sub(content_type, MEDIA_TYPE_LEN, content_type.len - MEDIA_TYPE_LEN);
    return rest.len == 0 || rest.at[0] == ';' || rest.at[0] == ' ' || rest.at[0] == '\t';
}

static err boundary_find(struct arena *mem, str content_type, str *boundary)
{
    if (!multipart_is(content_type))
        return err_new(mem, 415, "unsupported_media_type", "The body must be multipart/form-data.");
    str copy = str_copy(mem, content_type);
    if (!copy.at)
        return &err_no_memory;
    char *at = (char *)copy.at + MEDIA_TYPE_LEN, *end = (char *)copy.at + copy.len;
    struct param param;
    enum param_step step;
    *boundary = (str){0};
    while ((step = param_next(&at, end, &param)) == PARAM_ONE) {
        if (!str_eq_nocase(param.name, STR("boundary")))
            continue;
        if (boundary->at)
            return err_new(mem, 400, "malformed_form", "The Content-Type names two boundaries.");
        *boundary = param.value;
    }
    if (step == PARAM_BAD)
        return err_new(mem, 400, "malformed_form", "The Content-Type is malformed.");
    if (!boundary_ok(*boundary))
        return err_new(mem,
                       400,
                       "malformed_form",
                       "The Content-Type of a form must name a boundary of 1 to %d characters.",
                       MULTIPART_BOUNDARY_MAX);
    return NULL;
}

err multipart_new(struct arena *mem, str content_type, const struct multipart_calls *calls,
                  void *arg, struct multipart **out)
{
    str boundary = {0};
    TRY(boundary_find(mem, content_type, &boundary));
    struct multipart *m = NEW(mem, struct multipart);
    if (!m)
        return &err_no_memory;
    m->mem = mem;
    m->calls = calls;
    m->arg = arg;
    m->state = IN_PREAMBLE;
    m->matched = m->not_data = 2; /* the first boundary needs no line before it */
    m->delimiter_len = 4 + boundary.len;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.at, boundary.len);
    *out = m;
    return NULL;
}

/* Bytes that are no delimiter: the part's, or the preamble's. */
static err text_pass(struct multipart *m, str text)
{
    if (text.len == 0)
        return NULL;
    if (m->state == IN_PREAMBLE) {
        if (m->offset + (int64_t)text.len > MULTIPART_PREAMBLE_MAX)
            return form_malformed(
                m, 0, "the form does not begin with the boundary that its Content-Type names");
        return NULL;
    }
    m->size += (int64_t)text.len;
    if (!m->is_file && m->size > MULTIPART_FIELD_MAX)
        return form_too_large(
            m, m->part_at, "a field of the form has too many bytes", MULTIPART_FIELD_MAX);
    return m->calls->data(m->arg, text);
}

static err delimiter_pass(struct multipart *m)
{
    bool in_part = m->state == IN_DATA;
    m->state = AT_DELIMITER;
    m->matched = m->not_data = 0;
    m->last = 0;
    return in_part ? m->calls->end(m->arg) : NULL;
}

/* How many bytes at the end of `text` are the beginning of a delimiter. */
static size_t delimiter_begun(const struct multipart *m, str text)
{
    size_t most = m->delimiter_len - 1 < text.len ? m->delimiter_len - 1 : text.len;
    const char *end = text.at + text.len, *cr = memrchr(end - most, '\r', most);
    return cr && memcmp(cr, m->delimiter, (size_t)(end - cr)) == 0 ? (size_t)(end - cr) : 0;
}

/* Goes on with a delimiter that the bytes before may have begun. */
static err delimiter_go_on(struct multipart *m, str bytes, size_t *used)
{
    size_t left = m->delimiter_len - m->matched, n = bytes.len < left ? bytes.len : left;
    if (memcmp(bytes.at, m->delimiter + m->matched, n) == 0) {
        *used = n;
        m->matched += n;
        return n == left ? delimiter_pass(m) : NULL;
    }
    str held = {m->delimiter + m->not_data,
                m->matched > m->not_data ? m->matched - m->not_data : 0};
    m->matched = m->not_data = 0;
    return text_pass(m, held);
}

/*
 * A delimiter begins with CR and no boundary may contain one. So when a delimiter that has begun
 * does not go on, none began in between: what was held back is text, it is equal to the delimiter's
 * own beginning, and need not be kept.
 */
static err text_feed(struct multipart *m, str bytes, size_t *used)
{
    if (m->matched > 0)
        return delimiter_go_on(m, bytes, used);
    const char *found = memmem(bytes.at, bytes.len, m->delimiter, m->delimiter_len);
    if (!found) {
        size_t begun = delimiter_begun(m, bytes);
        TRY(text_pass(m, str_sub(bytes, 0, bytes.len - begun)));
        m->matched = begun;
        *used = bytes.len;
        return NULL;
    }
    size_t text_len = (size_t)(found - bytes.at);
    TRY(text_pass(m, str_sub(bytes, 0, text_len)));
    *used = text_len + m->delimiter_len;
    return delimiter_pass(m);
}

static err part_start(struct multipart *m)
{
    m->part_at = m->offset + 1;
    if (++m->parts > MULTIPART_PARTS_MAX)
        return form_too_large(m, m->part_at, "the form has too many parts", MULTIPART_PARTS_MAX);
    m->state = IN_HEADERS;
    memcpy(m->headers,
           "\r\n",
           2); /* as if of the line before, so that no header at all is found the same way */
    m->headers_len = 2;
    return NULL;
}

/* Behind a boundary: "--" closes the form; else white space, and the line ends. */
static err delimiter_feed(struct multipart *m, char c)
{
    bool space = c == ' ' || c == '\t';
    if (m->last == '-' && c == '-') {
        m->state = IN_EPILOGUE;
        return NULL;
    }
    if (m->last == '\r' && c == '\n')
        return part_start(m);
    bool ok = (m->last == 0 && (c == '-' || space || c == '\r')) ||
              (m->last == ' ' && (space || c == '\r'));
    m->last = space ? ' ' : c;
    return ok ? NULL
              : form_malformed(
                    m, m->offset, "a line begins with the boundary but does not end there");
}

static err part_malformed(struct multipart *m, const char *wrong)
{
    long long at = m->part_at;
    m->state = IS_BROKEN;
    return err_new(m->mem, 400, "malformed_form", "At byte %lld a part of the form %s.", at, wrong);
}

static err headers_pass(struct multipart *m)
{
    struct multipart_part part;
    const char *wrong = part_parse(m->headers + 2, m->headers_len - 4, &part);
    if (wrong)
        return part_malformed(m, wrong);
    m->state = IN_DATA;
    m->size = 0;
    m->is_file = part.filename.at != NULL;
    m->matched = m->not_data =
        2; /* of a part without data the empty line may belong to the delimiter */
    return m->calls->begin(m->arg, &part);
}

static err headers_feed(struct multipart *m, str bytes, size_t *used)
{
    size_t room = sizeof m->headers - m->headers_len, n = bytes.len < room ? bytes.len : room;
    size_t before = m->headers_len, from = before < 3 ? 0 : before - 3;
    memcpy(m->headers + before, bytes.at, n);
    const char *found = memmem(m->headers + from, before + n - from, "\r\n\r\n", 4);
    if (found) {
        m->headers_len = (size_t)(found - m->headers) + 4;
        *used = m->headers_len - before;
        return headers_pass(m);
    }
    m->headers_len += n;
    *used = n;
    if (m->headers_len == sizeof m->headers)
        return form_too_large(
            m, m->part_at, "the headers of a part have too many bytes", MULTIPART_HEADERS_MAX);
    return NULL;
}

static err bytes_take(struct multipart *m, str bytes, size_t *used)
{
    switch (m->state) {
    case IN_PREAMBLE:
    case IN_DATA:
        return text_feed(m, bytes, used);
    case AT_DELIMITER:
        *used = 1;
        return delimiter_feed(m, bytes.at[0]);
    case IN_HEADERS:
        return headers_feed(m, bytes, used);
    case IN_EPILOGUE:
        *used = bytes.len;
        return NULL;
    case IS_BROKEN:
        break;
    }
    return err_internal(m->mem, "multipart_feed after an error");
}

err multipart_feed(struct multipart *m, str bytes)
{
    while (bytes.len > 0) {
        size_t used = 0;
        err e = bytes_take(m, bytes, &used);
        if (e) {
            m->state = IS_BROKEN;
            return e;
        }
        m->offset += (int64_t)used;
        bytes = str_sub(bytes, used, bytes.len - used);
    }
    return NULL;
}

err multipart_end(struct multipart *m)
{
    if (m->state == IN_EPILOGUE)
        return NULL;
    if (m->state == IS_BROKEN)
        return err_internal(m->mem, "multipart_end after an error");
    return form_malformed(m, m->offset, "the form ends without its closing boundary");
}
