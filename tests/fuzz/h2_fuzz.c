/*
 * A connection of HTTP/2 with the whole of src/http behind it: the first 8 bytes are choices, what
 * follows are records that become frames: type and flags, stream, length, payload. A record can
 * also be bytes as they are, and a head can be put together from a list of headers.
 *
 * What is written is frames, in an order that a stream may have them.
 */
#include "fuzz/peer.h"

#define CHOICES 8
#define IN_MAX ((size_t)1 << 20)
#define FRAME_HEAD 9
#define FRAME_MAX 16384
#define STREAMS_SEEN 256

#define RECORD_RAW 0x80     /* of a record's first byte: the bytes are sent as they are */
#define RECORD_LONG 0x40    /* the payload is 64 times as long, of its own bytes repeated */
#define RECORD_HEADERS 0x20 /* each byte of the payload is a header of `headers` */
#define RECORD_TYPE 0x0F

static const struct header headers[] = {
    {STR(":method"), STR("GET")},
    {STR(":method"), STR("POST")},
    {STR(":method"), STR("HEAD")},
    {STR(":method"), STR("PUT")},
    {STR(":method"), STR("OPTIONS")},
    {STR(":method"), STR("CONNECT")},
    {STR(":scheme"), STR("http")},
    {STR(":authority"), STR("a")},
    {STR(":path"), STR("/toys")},
    {STR(":path"), STR("/toys/create")},
    {STR(":path"), STR("/toys/x?id=1")},
    {STR(":path"), STR("/big?id=20000")},
    {STR(":path"), STR("/file?id=200000")},
    {STR(":path"), STR("/uploads")},
    {STR(":path"), STR("/listen?lastEventId=c:139&ticket=t1")},
    {STR(":path"), STR("/status?id=204")},
    {STR(":path"), STR("/")},
    {STR(":path"), STR("*")},
    {STR("host"), STR("a")},
    {STR("host"), STR("b")},
    {STR("content-type"), STR("application/json")},
    {STR("content-type"), STR("multipart/form-data; boundary=b")},
    {STR("content-length"), STR("5")},
    {STR("content-length"), STR("0")},
    {STR("content-length"), STR("99999999")},
    {STR("authorization"), STR("JWT good")},
    {STR("authorization"), STR("Bearer x")},
    {STR("expect"), STR("100-continue")},
    {STR("accept-encoding"), STR("gzip")},
    {STR("origin"), STR("https://a.example")},
    {STR("last-event-id"), STR("c:7")},
    {STR("te"), STR("trailers")},
    {STR("connection"), STR("close")},
    {STR("transfer-encoding"), STR("chunked")},
    {STR("cookie"), STR("a=b")},
    {STR(":protocol"), STR("websocket")},
    {STR("X"), STR("y")},
    {STR("x"), STR("a\r\nb: c")},
};

/* A literal that no table is asked for (RFC 7541 6.2.2); all texts are short. */
static void header_print(struct buf *out, const struct header *header)
{
    buf_char(out, 0);
    buf_char(out, (char)header->name.len);
    buf_add(out, header->name);
    buf_char(out, (char)header->value.len);
    buf_add(out, header->value);
}

static void frame_print(struct buf *out, unsigned type, unsigned flags, uint32_t stream,
                        str payload)
{
    uint32_t len = (uint32_t)payload.len;
    const uint8_t head[FRAME_HEAD] = {(uint8_t)(len >> 16),
                                      (uint8_t)(len >> 8),
                                      (uint8_t)len,
                                      (uint8_t)type,
                                      (uint8_t)flags,
                                      (uint8_t)(stream >> 24),
                                      (uint8_t)(stream >> 16),
                                      (uint8_t)(stream >> 8),
                                      (uint8_t)stream};
    buf_add(out, (str){(const char *)head, sizeof(head)});
    buf_add(out, payload);
}

static unsigned byte_take(str *rest)
{
    unsigned byte = rest->len ? (unsigned char)rest->at[0] : 0;
    *rest = str_sub(*rest, 1, rest->len);
    return byte;
}

static void payload_print(struct buf *out, unsigned kind, str bytes)
{
    for (size_t i = 0; (kind & RECORD_HEADERS) && i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.at[i];
        if (c < LENGTH(headers))
            header_print(out, &headers[c]);
        else
            buf_char(out, (char)c);
    }
    for (int i = 0; !(kind & RECORD_HEADERS) && i < (kind & RECORD_LONG ? 64 : 1); i++)
        buf_add(out, bytes);
}

static void record_print(struct buf *out, str *rest)
{
    unsigned kind = byte_take(rest);
    unsigned flags = kind & RECORD_RAW ? 0 : byte_take(rest);
    unsigned stream = kind & RECORD_RAW ? 0 : byte_take(rest);
    size_t len = byte_take(rest);
    str bytes = str_sub(*rest, 0, len);
    *rest = str_sub(*rest, bytes.len, rest->len);
    CLEANUP(buf_done) struct buf payload = {.max = FRAME_MAX + 1024};
    payload_print(&payload, kind, bytes);
    if (kind & RECORD_RAW)
        buf_add(out, bytes);
    else
        frame_print(out,
                    kind & RECORD_TYPE,
                    flags,
                    stream == 0xFF ? UINT32_MAX : stream,
                    buf_str(&payload));
}

/* What has been seen of a stream: 1, its head; 2, its end. */
static void answer_frame(uint8_t seen[STREAMS_SEEN], unsigned type, unsigned flags, uint32_t stream)
{
    CHECK(stream >> 31 == 0);
    if (stream >= STREAMS_SEEN)
        return;
    uint8_t *of = &seen[stream];
    if (type == 0 || type == 1) {
        CHECK(stream & 1 && !(*of & 2));
        CHECK(type == 1 || (*of & 1));
        *of |= (uint8_t)(1 | (flags & 1 ? 2 : 0));
    } else if (type == 3) {
        CHECK(stream);
        *of |= 2;
    }
}

/* `whole`: the connection was not cut. A peer that allows larger frames gets none. */
static void frames_check(str out, bool whole)
{
    static const uint8_t zeroes[STREAMS_SEEN];
    uint8_t seen[STREAMS_SEEN];
    memcpy(seen, zeroes, sizeof(seen));
    bool continues = false;
    while (out.len >= FRAME_HEAD) {
        const unsigned char *at = (const unsigned char *)out.at;
        size_t len = (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
        uint32_t stream =
            (uint32_t)at[5] << 24 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 8 | at[8];
        CHECK(len <= FRAME_MAX && at[3] <= 9);
        CHECK(continues == (at[3] == 9));
        answer_frame(seen, at[3], at[4], stream);
        continues = (at[3] == 1 || at[3] == 9) && !(at[4] & 4);
        if (out.len < FRAME_HEAD + len)
            break;
        out = str_sub(out, FRAME_HEAD + len, out.len);
    }
    CHECK(!whole || (out.len == 0 && !continues));
}

static void conversation(str in, bool patient)
{
    struct loop *loop = peer_connect(in, patient);
    size_t steps = 100 + in.len;
    while (steps-- && loop->conn_count) {
        if (patient)
            all_happens(loop);
        something_happens(loop);
    }
    peer_leave(loop);
    /* A preface that does not come in time is answered as any request that does not. */
    if (!str_starts(buf_str(&peer.out), STR("HTTP/1.1 408 ")))
        frames_check(buf_str(&peer.out), peer.said_end && !peer.broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    peer_server();
    CLEANUP(buf_done) struct buf in;
    buf_init(&in, IN_MAX);
    str rest = choices_take(&peer.choices, CHOICES, data, size);
    buf_add(&in, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    if (size && !(data[0] & 0x40))
        frame_print(&in, 4, 0, 0, STR(""));
    while (rest.len)
        record_print(&in, &rest);
    conversation(buf_str(&in), size && data[0] & 0x80);
    buf_done(&peer.out);
    return 0;
}
