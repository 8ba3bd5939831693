/*
 * libFuzzer target of the form parser. The first byte says how the rest is cut; the parser must
 * give the same whether it is fed at once or in pieces.
 *
 *     clang -std=gnu17 -D_GNU_SOURCE -Isrc -g -O1 -fsanitize=fuzzer,address,undefined -o
 * multipart_fuzz \ tests/fuzz/multipart_fuzz.c src/http/multipart.c src/http/part.c
 * src/base/{arena,err,str}.c
 */
#include <stdlib.h>
#include <string.h>

#include "http/multipart.h"

/* What the callbacks were given, with marks between the parts. */
static err fuzz_begin(void *arg, const struct multipart_part *part)
{
    struct buf *tape = arg;
    buf_char(tape, 1);
    buf_add(tape, part->name);
    buf_char(tape, part->filename.at ? 2 : 3);
    buf_add(tape, part->filename);
    buf_char(tape, 4);
    buf_add(tape, part->content_type);
    buf_char(tape, 5);
    return NULL;
}

static err fuzz_data(void *arg, str bytes)
{
    if (bytes.len == 0)
        abort();
    buf_add(arg, bytes);
    return NULL;
}

static err fuzz_end(void *arg)
{
    buf_char(arg, 6);
    return NULL;
}

static const struct multipart_calls fuzz_calls = {fuzz_begin, fuzz_data, fuzz_end};

static err piece_feed(struct multipart *m, str piece)
{
    char *copy = malloc(piece.len);
    if (!copy)
        abort();
    memcpy(copy, piece.at, piece.len);
    err e = multipart_feed(m, (str){copy, piece.len});
    free(copy);
    return e;
}

static err body_feed(struct arena *mem, struct buf *tape, str body, size_t step)
{
    struct multipart *m;
    TRY(multipart_new(mem, STR("multipart/form-data; boundary=b"), &fuzz_calls, tape, &m));
    for (size_t at = 0; at < body.len; at += step)
        TRY(piece_feed(m, str_sub(body, at, step)));
    return multipart_end(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    str body = {(const char *)data + 1, size - 1};
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, 1 << 20);
    CLEANUP(buf_done) struct buf whole = {0};
    CLEANUP(buf_done) struct buf cut = {0};
    buf_init(&whole, 4 << 20);
    buf_init(&cut, 4 << 20);
    err e_whole = body_feed(&mem, &whole, body, body.len + 1);
    err e_cut = body_feed(&mem, &cut, body, 1 + (size_t)data[0]);
    if (!e_whole != !e_cut || (!e_whole && !str_eq(buf_str(&whole), buf_str(&cut))))
        abort();
    return 0;
}
