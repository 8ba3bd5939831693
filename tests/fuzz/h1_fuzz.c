/*
 * A connection of HTTP/1 with the whole of src/http behind it: the first 8 bytes are choices (how
 * the bytes arrive and leave, when a pool, the disk or the clock acts), what follows is what the
 * peer sends, requests one after another.
 *
 * What is written is answers, whole and well-formed, whatever came. And where only the pieces
 * differ in which the bytes came, the answers are the same, byte for byte.
 */
#include "fuzz/peer.h"

#define CHOICES 8

static bool is_h2(str in)
{
    return str_starts(in, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
}

struct answer_seen {
    int64_t status, length; /* length -1: none is told */
    bool closes;
};

static str line_cut(str *rest)
{
    const char *end = rest->len ? memmem(rest->at, rest->len, "\r\n", 2) : NULL;
    CHECK(end);
    str line = {rest->at, (size_t)(end - rest->at)};
    *rest = str_sub(*rest, line.len + 2, rest->len);
    for (size_t i = 0; i < line.len; i++)
        CHECK((unsigned char)line.at[i] >= ' ' || line.at[i] == '\t');
    return line;
}

static bool head_whole(str rest)
{
    return rest.len && memmem(rest.at, rest.len, "\r\n\r\n", 4);
}

static void head_read(str *rest, struct answer_seen *seen)
{
    str line = line_cut(rest);
    *seen = (struct answer_seen){.length = -1};
    CHECK(str_starts(line, STR("HTTP/1.1 ")) && line.len > 13 && line.at[12] == ' ');
    CHECK(str_i64(str_sub(line, 9, 3), &seen->status));
    CHECK(seen->status == 100 || (seen->status >= 200 && seen->status < 600));
    while ((line = line_cut(rest)).len) {
        str value = line, name = str_cut(&value, ':');
        CHECK(value.at && name.len && str_find(name, ' ') < 0);
        if (str_eq(name, STR("Content-Length"))) {
            CHECK(seen->length < 0);
            CHECK(str_i64(str_trim(value), &seen->length) && seen->length >= 0);
        }
        seen->closes |= str_eq(name, STR("Connection")) && str_eq(value, STR(" close"));
    }
    CHECK(seen->length < 0 || (seen->status != 204 && seen->status != 304));
}

/* An answer to HEAD has a length and no body: what follows it is the next answer, or nothing. */
static void body_skip(str *rest, const struct answer_seen *seen, bool cut)
{
    if (seen->length < 0 && seen->status >= 200 && seen->status != 204 && seen->status != 304) {
        /* A stream, which ends with the connection; or HEAD of one. */
        CHECK(seen->closes || rest->len == 0 || str_starts(*rest, STR("HTTP/1.1 ")));
        *rest = seen->closes ? STR("") : *rest;
        return;
    }
    if (seen->length <= 0 || rest->len == 0 || str_starts(*rest, STR("HTTP/1.1 ")))
        return;
    CHECK((int64_t)rest->len >= seen->length || cut);
    *rest = str_sub(*rest, (size_t)seen->length, rest->len);
}

/* `cut`: the connection broke off, or was closed in the middle. */
static void answers_check(str out, bool cut)
{
    bool over = false;
    while (out.len) {
        struct answer_seen seen;
        if (cut && !head_whole(out))
            return;
        CHECK(!over);
        head_read(&out, &seen);
        over = seen.closes;
        body_skip(&out, &seen, cut);
    }
}

/* All at once, with everything done at once. */
static str answers_at_once(str in)
{
    struct loop *loop = peer_connect(in, true);
    peer.there = in.len;
    all_happens(loop);
    peer_leave(loop);
    return buf_str(&peer.out);
}

static void answers_in_pieces(str in)
{
    struct loop *loop = peer_connect(in, true);
    while (peer.in.len && loop->conn_count) {
        size_t n = 1 + choose(&peer.choices, 64);
        peer.there = n < peer.in.len ? n : peer.in.len;
        all_happens(loop);
        if (peer.there)
            break; /* it reads no more */
    }
    peer_leave(loop);
}

static void same_in_pieces(str in)
{
    str once = answers_at_once(in);
    answers_check(once, !peer.said_end);
    answers_in_pieces(in);
    if (!str_eq(once, buf_str(&peer.out)) && getenv("FUZZ_SHOW"))
        fprintf(stderr,
                "once:\n%.*s\nin pieces:\n%.*s\n",
                STR_ARGS(once),
                STR_ARGS(buf_str(&peer.out)));
    CHECK(str_eq(once, buf_str(&peer.out)));
    free((char *)(uintptr_t)once.at);
}

/* In pieces, with everything else in an order that the input chooses. */
static void whatever_happens(str in)
{
    struct loop *loop = peer_connect(in, false);
    size_t steps = 100 + in.len;
    while (steps-- && loop->conn_count)
        something_happens(loop);
    peer_leave(loop);
    if (!is_h2(in))
        answers_check(buf_str(&peer.out), !peer.said_end || peer.broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    peer_server();
    str in = choices_take(&peer.choices, CHOICES, data, size);
    if (is_h2(in) || (size && data[0] & 0x80))
        whatever_happens(in);
    else
        same_in_pieces(in);
    buf_done(&peer.out);
    return 0;
}
