/* Packing with zlib, in one piece. */
#include "http/gzip.h"

#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* the largest window, and a gzip head instead of a zlib one */

bool gzip_pack(str in, int level, struct buf *out)
{
    z_stream z = {0};
    if (in.len > UINT32_MAX / 2 ||
        deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t bound = deflateBound(&z, in.len);
    bool room = buf_reserve(out, bound);
    int end = Z_MEM_ERROR;
    if (room) {
        z.next_in = (Bytef *)(uintptr_t)in.at;
        z.avail_in = (uInt)in.len;
        z.next_out = (Bytef *)out->at + out->len;
        z.avail_out = (uInt)bound;
        end = deflate(&z, Z_FINISH);
        out->len += bound - z.avail_out;
    }
    size_t packed = bound - z.avail_out;
    deflateEnd(&z);
    return end == Z_STREAM_END && packed < in.len;
}

bool gzip_worth(const char *content_type)
{
    static const char *const kinds[] = {"text/",
                                        "application/json",
                                        "application/problem+json",
                                        "application/javascript",
                                        "image/svg+xml"};
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        if (strncmp(content_type, kinds[i], strlen(kinds[i])) == 0)
            return strncmp(content_type, "text/event-stream", 17) != 0;
    }
    return false;
}
