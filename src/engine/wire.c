/* The wire: values in bodies, bodies in frames, frames and descriptors over sockets. */
#include "engine/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/time.h"

#define STR_ABSENT UINT32_MAX

struct wire wire_writer(struct buf *out)
{
    return (struct wire){.out = out};
}

struct wire wire_reader(struct arena *mem, str body)
{
    return (struct wire){.at = body.at, .left = body.len, .mem = mem};
}

bool wire_writing(const struct wire *w)
{
    return w->out != NULL;
}

bool wire_ok(const struct wire *w)
{
    return w->out ? !w->out->failed && !w->failed : !w->failed && w->left == 0;
}

/* The next `n` bytes of what is read; NULL, and the wire fails, when there are fewer. */
static const char *take(struct wire *w, size_t n)
{
    if (w->failed || n > w->left) {
        w->failed = true;
        return NULL;
    }
    const char *at = w->at;
    w->at += n;
    w->left -= n;
    return at;
}

static void put_number(struct buf *out, uint64_t n, size_t bytes)
{
    char at[8];
    for (size_t i = 0; i < bytes; i++)
        at[i] = (char)(unsigned char)(n >> (8 * i));
    buf_add(out, (str){at, bytes});
}

static uint64_t take_number(struct wire *w, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)take(w, bytes);
    uint64_t n = 0;
    for (size_t i = 0; at && i < bytes; i++)
        n |= (uint64_t)at[i] << (8 * i);
    return n;
}

void wire_bool(struct wire *w, bool *value)
{
    if (w->out) {
        put_number(w->out, *value, 1);
        return;
    }
    uint64_t n = take_number(w, 1);
    w->failed = w->failed || n > 1;
    *value = n == 1 && !w->failed;
}

void wire_i64(struct wire *w, int64_t *value)
{
    if (w->out)
        put_number(w->out, (uint64_t)*value, 8);
    else
        *value = (int64_t)take_number(w, 8);
}

void wire_size(struct wire *w, size_t *value)
{
    if (w->out)
        put_number(w->out, *value, 8);
    else
        *value = (size_t)take_number(w, 8);
}

void wire_enum(struct wire *w, int *value, int max)
{
    if (w->out) {
        put_number(w->out, (uint64_t)*value, 1);
        return;
    }
    uint64_t n = take_number(w, 1);
    w->failed = w->failed || n > (uint64_t)max;
    *value = w->failed ? 0 : (int)n;
}

static void put_str(struct wire *w, str value)
{
    if (value.at && value.len > WIRE_BODY_MAX) {
        w->failed = true;
        return;
    }
    put_number(w->out, value.at ? value.len : STR_ABSENT, 4);
    buf_add(w->out, value);
}

void wire_str(struct wire *w, str *value)
{
    if (w->out) {
        put_str(w, *value);
        return;
    }
    *value = (str){0};
    uint64_t len = take_number(w, 4);
    if (w->failed || len == STR_ABSENT)
        return;
    const char *at = take(w, len);
    if (at)
        *value = (str){at, len};
}

void wire_c(struct wire *w, char **value)
{
    str s = w->out ? str_of(*value) : (str){0};
    wire_str(w, &s);
    if (w->out)
        return;
    *value = NULL;
    if (!s.at)
        return;
    w->failed = w->failed || str_find(s, '\0') >= 0;
    char *copy = w->failed ? NULL : str_c(w->mem, s);
    w->failed = w->failed || arena_failed(w->mem);
    *value = w->failed ? NULL : copy;
}

void *wire_array(struct wire *w, void *at, size_t *n, size_t size)
{
    if (w->out) {
        put_number(w->out, *n, 4);
        w->failed = w->failed || *n > UINT32_MAX;
        return at;
    }
    uint64_t count = take_number(w, 4);
    w->failed = w->failed || count > w->left;
    void *items = w->failed || count == 0 ? NULL : arena_array(w->mem, count, size);
    w->failed = w->failed || (count && !items);
    *n = w->failed ? 0 : count;
    return items;
}

void wire_frame_begin(struct buf *frame)
{
    put_number(frame, 0, WIRE_HEAD);
}

bool wire_frame_end(struct buf *frame, enum wire_kind kind)
{
    if (frame->failed || frame->len < WIRE_HEAD || frame->len - WIRE_HEAD > WIRE_BODY_MAX)
        return false;
    size_t length = frame->len - WIRE_HEAD;
    for (size_t i = 0; i < 4; i++)
        frame->at[i] = (char)(unsigned char)(length >> (8 * i));
    frame->at[4] = (char)kind;
    return true;
}

/* Reads the socket until `want` bytes are there; counts them in *have. */
static enum wire_state fill(int fd, void *into, size_t want, size_t *have)
{
    while (*have < want) {
        ssize_t n = recv(fd, (char *)into + *have, want - *have, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return WIRE_MORE;
        if (n <= 0)
            return WIRE_END;
        *have += (size_t)n;
    }
    return WIRE_DONE;
}

/* Checks the head that has come, and makes room for its body. */
static bool input_open(struct wire_input *in, struct arena *mem)
{
    uint32_t length = 0;
    for (size_t i = 0; i < 4; i++)
        length |= (uint32_t)in->head[i] << (8 * i);
    unsigned kind = in->head[4];
    if (kind < WIRE_CALL || kind > WIRE_FAILURE || length > WIRE_BODY_MAX)
        return false;
    in->kind = (enum wire_kind)kind;
    in->length = length;
    if (in->kind == WIRE_PROGRESS) {
        in->body = in->progress;
        return length == sizeof(in->progress);
    }
    in->body = arena_alloc(mem, length);
    return in->body != NULL;
}

enum wire_state wire_receive(int fd, struct arena *mem, struct wire_input *in)
{
    if (!in->body) {
        enum wire_state state = fill(fd, in->head, WIRE_HEAD, &in->head_len);
        if (state != WIRE_DONE)
            return state;
        if (!input_open(in, mem))
            return WIRE_BAD;
    }
    return fill(fd, in->body, in->length, &in->body_len);
}

str wire_body(const struct wire_input *in)
{
    return (str){in->body, in->length};
}

/* Waits until the socket takes more; false when `end_ms` (0: never) has passed. */
static bool wait_writable(int fd, int64_t end_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int64_t left = end_ms ? end_ms - time_steady() / 1000 : -1;
    if (end_ms && left <= 0)
        return false;
    int ready = poll(&poll_fd, 1, left > 60000 ? 60000 : (int)left);
    return ready >= 0 || errno == EINTR;
}

bool wire_send(int fd, str frame, int64_t limit_ms)
{
    int64_t end_ms = limit_ms < 0 ? 0 : time_steady() / 1000 + limit_ms;
    while (frame.len) {
        ssize_t n = send(fd, frame.at, frame.len, MSG_NOSIGNAL);
        if (n > 0) {
            frame = (str){frame.at + n, frame.len - (size_t)n};
            continue;
        }
        bool full = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        if (full ? !wait_writable(fd, end_ms) : errno != EINTR)
            return false;
    }
    return true;
}

union passed_fd {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

bool wire_pass(int fd, const void *message, size_t size, int passed)
{
    struct iovec part = {.iov_base = (void *)message, .iov_len = size};
    struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};
    union passed_fd control = {0};
    if (passed >= 0) {
        head.msg_control = control.bytes;
        head.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *c = CMSG_FIRSTHDR(&head);
        *c = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(c), &passed, sizeof(int));
    }
    ssize_t n;
    do
        n = sendmsg(fd, &head, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)size;
}

ptrdiff_t wire_take(int fd, void *message, size_t size, int *passed)
{
    struct iovec part = {.iov_base = message, .iov_len = size};
    union passed_fd control = {0};
    struct msghdr head = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = control.bytes,
                          .msg_controllen =
                              CMSG_LEN(sizeof(int))}; /* one, not what padding holds */
    *passed = -1;
    ssize_t n;
    do
        n = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&head) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(passed, CMSG_DATA(c), sizeof(int));
    if (n < 0 || !(head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return n;
    errno = EMSGSIZE;
    return -1;
}
