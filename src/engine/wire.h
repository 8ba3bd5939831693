/*
 * How the server and an engine process talk: frames over a stream socket, values inside them.
 *
 * A frame is a head (length, kind) and a body of at most WIRE_BODY_MAX bytes. A body is read into
 * an arena, and the texts in it are views of that memory. Values are described once, for both
 * directions: the same function writes a struct into a frame or fills it from one, depending on the
 * wire it is given. Neither side trusts the other: every read is checked against what is left, a
 * count against the bytes its items need at least; after the first fault the wire stays failed and
 * gives zeroes.
 */
#ifndef ENGINE_WIRE_H
#define ENGINE_WIRE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define WIRE_BODY_MAX (64u * 1024 * 1024)

enum wire_kind {
    WIRE_CALL = 1, /* server to process: an operation and what it is asked */
    WIRE_PROGRESS, /* process to server: how far a load is */
    WIRE_ANSWER,   /* process to server: the operation's result; the last frame of a call */
    WIRE_FAILURE,  /* process to server: its err, instead of an answer */
};

struct wire {
    struct buf *out; /* writing: where to; NULL when reading */
    const char *at;  /* reading: what is left */
    size_t left;
    struct arena *mem; /* reading: for arrays and NUL-terminated texts */
    bool failed; /* reading: the bytes are not what they should be; writing: see out->failed */
};

struct wire wire_writer(struct buf *out);
struct wire wire_reader(struct arena *mem, str body);
bool wire_writing(const struct wire *w);
/* Nothing failed and, when reading, nothing is left over. */
bool wire_ok(const struct wire *w);

void wire_bool(struct wire *w, bool *value);
void wire_i64(struct wire *w, int64_t *value);
void wire_size(struct wire *w, size_t *value);
/* 0 to `max`. */
void wire_enum(struct wire *w, int *value, int max);
void wire_str(struct wire *w, str *value); /* absent stays absent */
/* NULL-able, NUL-terminated; a text with a NUL inside fails. */
void wire_c(struct wire *w, char **value);
/*
 * The length of an array of items that take at least one byte each. When reading, makes the array,
 * `size` bytes an item, zeroed. Returns the array to fill or to write.
 */
void *wire_array(struct wire *w, void *at, size_t *n, size_t size);

#define WIRE_HEAD 5 /* bytes: length, little-endian, then kind */

/* A frame to be: wire_frame_begin leaves room for the head, wire_frame_end fills it in. One frame a
 * buf. */
void wire_frame_begin(struct buf *frame);
bool wire_frame_end(struct buf *frame, enum wire_kind kind);

/* A frame on its way in. Zeroed to start with, and again for the next one. */
struct wire_input {
    unsigned char head[WIRE_HEAD];
    size_t head_len, body_len;
    enum wire_kind kind;
    size_t length;
    char *body;        /* in the arena, `length` bytes */
    char progress[16]; /* the body of a WIRE_PROGRESS, which takes no memory of the arena */
};

enum wire_state { WIRE_MORE, WIRE_DONE, WIRE_END, WIRE_BAD };

/*
 * Takes what the socket has: WIRE_DONE when the frame is whole, WIRE_MORE when the socket is dry
 * (non-blocking), WIRE_END when the other side is gone, WIRE_BAD for a head that can't be or a body
 * that the arena has no room for.
 */
enum wire_state wire_receive(int fd, struct arena *mem, struct wire_input *in);
str wire_body(const struct wire_input *in);
/* Blocks (in poll when `fd` is non-blocking) until all is sent; false: the other side is gone, or
 * `limit_ms` passed (-1: none). */
bool wire_send(int fd, str frame, int64_t limit_ms) MUST_CHECK;

/* Messages on a socket that keeps them apart (SOCK_SEQPACKET), with at most one descriptor (-1:
 * none) each. */
bool wire_pass(int fd, const void *message, size_t size, int passed) MUST_CHECK;
/*
 * Bytes received, 0: the other side is gone, -1: nothing there or a fault (errno). A message longer
 * than `size`, or with more than one descriptor, is a fault. What was passed (-1: none) is the
 * caller's to close, also after a fault.
 */
ptrdiff_t wire_take(int fd, void *message, size_t size, int *passed) MUST_CHECK;

#endif
