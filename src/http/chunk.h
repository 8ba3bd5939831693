/*
 * The chunked transfer coding (RFC 9112 7.1), read strictly: lines end in CR LF and nothing else,
 * sizes are plain hex, extensions and trailers are skipped within narrow limits. What two readers
 * could take differently is refused.
 */
#ifndef HTTP_CHUNK_H
#define HTTP_CHUNK_H

#include "base/str.h"

#define CHUNK_LINE_MAX 256     /* bytes of a size with its extensions */
#define CHUNK_TRAILER_MAX 8192 /* bytes of all trailers */
#define CHUNK_OVERHEAD_MAX 16  /* times the data, besides CHUNK_OVERHEAD_FREE */
#define CHUNK_OVERHEAD_FREE 65536

struct chunk {
    uint64_t left;           /* of the chunk's data */
    uint64_t data, overhead; /* bytes seen */
    uint32_t line;           /* bytes of this line, or of the trailers */
    uint8_t state;
    bool trailer_line; /* has something on it */
};

enum chunk_step { CHUNK_MORE, CHUNK_DATA, CHUNK_END, CHUNK_BAD };

/* Takes what it can off `in`. DATA: a view of it is in `data`; call again. MORE: `in` is used up.
 */
enum chunk_step chunk_next(struct chunk *chunk, str *in, str *data);

#endif
