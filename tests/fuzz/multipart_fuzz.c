/*
 * Forms: the first byte says how the rest is cut, the first line is the Content-Type, what follows
 * the body.
 *
 * The parser gives the same whether it is fed at once or in pieces, and a form that is printed of
 * what it gave is parsed to the same parts.
 */
#include "fuzz/fuzz.h"
#include "http/multipart.h"

#define TAPE_MAX ((size_t)4 << 20)

struct form {
    struct buf tape;    /* what the callbacks were given, with marks between */
    struct buf printed; /* the form again */
    str delimiter;      /* CR LF "--" boundary */
    bool in_part;
};

static void tape_add(struct buf *tape, char mark, str s)
{
    buf_char(tape, s.at ? mark : '-');
    buf_i64(tape, (int64_t)s.len);
    buf_char(tape, ':');
    buf_add(tape, s);
}

/* As browsers write it; a '%' can't be told from one of their escapes, but no name has one. */
static void quoted_print(struct buf *out, str s)
{
    buf_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '"' || c == '\r' || c == '\n')
            buf_fmt(out, "%%%02X", c);
        else if (c == '\\')
            buf_add(out, STR("\\\\"));
        else
            buf_char(out, c);
    }
    buf_char(out, '"');
}

static void part_print(struct buf *out, const struct multipart_part *part)
{
    buf_add(out, STR("\r\nContent-Disposition: form-data; name="));
    quoted_print(out, part->name);
    if (part->filename.at)
        buf_add(out, STR("; filename*=UTF-8''"));
    for (size_t i = 0; i < part->filename.len; i++)
        buf_fmt(out, "%%%02x", (unsigned char)part->filename.at[i]);
    if (part->content_type.at) {
        buf_add(out, STR("\r\nContent-Type: "));
        buf_add(out, part->content_type);
    }
    buf_add(out, STR("\r\n\r\n"));
}

static err form_begin(void *arg, const struct multipart_part *part)
{
    struct form *form = arg;
    CHECK(!form->in_part);
    CHECK(part->name.at && str_utf8_ok(part->name) && str_utf8_ok(part->filename));
    form->in_part = true;
    tape_add(&form->tape, 'n', part->name);
    tape_add(&form->tape, 'f', part->filename);
    tape_add(&form->tape, 't', part->content_type);
    buf_add(&form->printed, form->delimiter);
    part_print(&form->printed, part);
    return NULL;
}

static err form_data(void *arg, str bytes)
{
    struct form *form = arg;
    CHECK(form->in_part && bytes.len > 0);
    buf_add(&form->tape, bytes);
    buf_add(&form->printed, bytes);
    return NULL;
}

static err form_end(void *arg)
{
    struct form *form = arg;
    CHECK(form->in_part);
    form->in_part = false;
    buf_char(&form->tape, 'e');
    return NULL;
}

static const struct multipart_calls form_calls = {form_begin, form_data, form_end};

static void form_init(struct form *form, str delimiter)
{
    *form = (struct form){.delimiter = delimiter};
    buf_init(&form->tape, TAPE_MAX);
    buf_init(&form->printed, TAPE_MAX);
}

static void form_done(struct form *form)
{
    buf_done(&form->tape);
    buf_done(&form->printed);
}

static err piece_feed(struct multipart *m, str piece)
{
    char *copy = exact_copy(piece);
    err e = multipart_feed(m, (str){copy, piece.len});
    free(copy);
    return e;
}

static err body_feed(struct arena *mem, struct form *form, str content_type, str body, size_t step)
{
    struct multipart *m;
    TRY(multipart_new(mem, content_type, &form_calls, form, &m));
    for (size_t at = 0; at < body.len; at += step)
        TRY(piece_feed(m, str_sub(body, at, step)));
    return multipart_end(m);
}

/* Prints with another boundary, which no part may have in it: the first one that fits. */
static str boundary_free(struct arena *mem, str body)
{
    for (int i = 0;; i++) {
        str boundary = str_fmt(mem, "x%d", i);
        if (!body.len || !memmem(body.at, body.len, boundary.at, boundary.len))
            return boundary;
    }
}

static void form_again(struct arena *mem, const struct form *form, str boundary)
{
    struct form again;
    form_init(&again, form->delimiter);
    CLEANUP(buf_done) struct buf body;
    buf_init(&body, 2 * TAPE_MAX);
    buf_add(&body, buf_str(&form->printed));
    buf_add(&body, form->delimiter);
    buf_add(&body, STR("--\r\n"));
    str type = str_fmt(mem, "multipart/form-data; boundary=%.*s", STR_ARGS(boundary));
    err e = body_feed(mem, &again, type, buf_str(&body), 7);
    /* Escapes make names longer: the headers of a part may then have too many bytes. */
    bool longer = e && e->status == 413;
    CHECK(longer || (!e && str_eq(buf_str(&form->tape), buf_str(&again.tape))));
    form_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    str body = {(const char *)data + 1, size - 1}, type = str_cut(&body, '\n');
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, 1 << 20);
    str boundary = boundary_free(&mem, body);
    str delimiter = str_fmt(&mem, "\r\n--%.*s", STR_ARGS(boundary));
    CLEANUP(form_done) struct form whole;
    CLEANUP(form_done) struct form cut;
    form_init(&whole, delimiter);
    form_init(&cut, delimiter);
    err e_whole = body_feed(&mem, &whole, type, body, body.len + 1);
    err e_cut = body_feed(&mem, &cut, type, body, 1 + (size_t)data[0]);
    CHECK(!e_whole == !e_cut);
    if (e_whole) {
        CHECK(e_whole->status == e_cut->status && e_whole->status < 500);
        CHECK(str_eq(e_whole->detail, e_cut->detail));
        return 0;
    }
    CHECK(str_eq(buf_str(&whole.tape), buf_str(&cut.tape)));
    form_again(&mem, &whole, boundary);
    return 0;
}
