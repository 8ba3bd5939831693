/* A reader of chunked bodies, byte by byte outside of the data. */
#include "http/chunk.h"

enum {
    SIZE_FIRST, /* at least one digit */
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,
    TRAILER_LF,
    END,
    BAD
};

static int digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int size_byte(struct chunk *chunk, unsigned char c)
{
    int value = digit(c);
    if (value >= 0) {
        if (chunk->left >> 56)
            return BAD;
        chunk->left = chunk->left << 4 | (unsigned)value;
        return SIZE;
    }
    if (chunk->state == SIZE_FIRST)
        return BAD;
    return c == ';' ? EXTENSION : c == '\r' ? SIZE_LF : BAD;
}

static int trailer_byte(struct chunk *chunk, unsigned char c)
{
    if (c == '\r')
        return TRAILER_LF;
    chunk->trailer_line = true;
    return c == '\n' || c == '\0' || chunk->line > CHUNK_TRAILER_MAX ? BAD : TRAILER;
}

static int line_end(struct chunk *chunk)
{
    chunk->line = 0;
    return chunk->left ? DATA : TRAILER;
}

static int trailer_end(struct chunk *chunk)
{
    bool more = chunk->trailer_line;
    chunk->trailer_line = false;
    return more ? TRAILER : END;
}

static int next_state(struct chunk *chunk, unsigned char c)
{
    switch (chunk->state) {
    case SIZE_FIRST:
    case SIZE:
        return size_byte(chunk, c);
    case EXTENSION:
        if (c == '\r')
            return SIZE_LF;
        return (c < ' ' && c != '\t') || c == 0x7F || chunk->line > CHUNK_LINE_MAX ? BAD
                                                                                   : EXTENSION;
    case SIZE_LF:
        return c == '\n' ? line_end(chunk) : BAD;
    case DATA_CR:
        return c == '\r' ? DATA_LF : BAD;
    case DATA_LF:
        chunk->line = 0;
        return c == '\n' ? SIZE_FIRST : BAD;
    case TRAILER:
        return trailer_byte(chunk, c);
    case TRAILER_LF:
        return c == '\n' ? trailer_end(chunk) : BAD;
    default:
        return chunk->state;
    }
}

static bool overhead_bad(const struct chunk *chunk)
{
    return chunk->overhead > chunk->data * CHUNK_OVERHEAD_MAX + CHUNK_OVERHEAD_FREE;
}

enum chunk_step chunk_next(struct chunk *chunk, str *in, str *data)
{
    while (in->len && chunk->state != BAD && chunk->state != END) {
        if (chunk->state == DATA) {
            size_t n = chunk->left < in->len ? (size_t)chunk->left : in->len;
            *data = str_sub(*in, 0, n);
            *in = str_sub(*in, n, in->len);
            chunk->left -= n;
            chunk->data += n;
            if (chunk->left == 0)
                chunk->state = DATA_CR;
            return CHUNK_DATA;
        }
        chunk->line++;
        chunk->overhead++;
        chunk->state = (uint8_t)next_state(chunk, (unsigned char)in->at[0]);
        *in = str_sub(*in, 1, in->len);
        if (overhead_bad(chunk))
            chunk->state = BAD;
    }
    return chunk->state == END ? CHUNK_END : chunk->state == BAD ? CHUNK_BAD : CHUNK_MORE;
}
