/*
 * A file on its way to a client: read piece by piece by libuv's threads, one piece ahead of what
 * the transport has yet to write.
 */
#include <stdlib.h>
#include <unistd.h>

#include "http/asking.h"

#define PIECE ((size_t)256 * 1024)

struct file_sending {
    uv_fs_t read;              /* data: the sending */
    struct exchange *exchange; /* NULL: gone */
    int fd;
    int64_t at, left; /* to be read */
    struct buf piece; /* being read, or waiting for room */
    bool reading, waiting;
};

static void sending_free(struct file_sending *file)
{
    uv_fs_req_cleanup(&file->read);
    buf_done(&file->piece);
    close(file->fd);
    free(file);
}

/* The exchange ends, in order or not. */
static void sending_end(struct file_sending *file, bool whole)
{
    struct exchange *exchange = file->exchange;
    const struct transport *calls = exchange->calls;
    void *transport = exchange->transport;
    sending_free(file);
    exchange_free(exchange);
    if (whole)
        calls->end(transport);
    else
        calls->abort(transport);
}

static void piece_read(uv_fs_t *read);

static bool read_next(struct file_sending *file)
{
    size_t size = file->left < (int64_t)PIECE ? (size_t)file->left : PIECE;
    buf_init(&file->piece, PIECE);
    if (!buf_reserve(&file->piece, size))
        return false;
    uv_buf_t into = uv_buf_init(file->piece.at, (unsigned)size);
    uv_fs_req_cleanup(&file->read);
    file->reading =
        uv_fs_read(
            &file->exchange->loop->uv, &file->read, file->fd, &into, 1, file->at, piece_read) == 0;
    return file->reading;
}

static void piece_send(struct file_sending *file)
{
    struct exchange *exchange = file->exchange;
    file->waiting = false;
    struct frame *frame = frame_new(&file->piece);
    if (!frame) {
        sending_end(file, false);
        return;
    }
    exchange->calls->body(exchange->transport, frame);
    frame_unref(frame);
    if (file->left == 0)
        sending_end(file, true);
    else if (!read_next(file))
        sending_end(file, false);
}

static void piece_read(uv_fs_t *read)
{
    struct file_sending *file = read->data;
    file->reading = false;
    if (!file->exchange) {
        sending_free(file);
        return;
    }
    if (read->result <= 0) {
        sending_end(file, false);
        return;
    }
    file->piece.len = (size_t)read->result;
    file->at += read->result;
    file->left -= read->result;
    if (file->exchange->calls->queued(file->exchange->transport))
        file->waiting = true;
    else
        piece_send(file);
}

bool file_send(struct exchange *exchange, int fd, int64_t size)
{
    struct file_sending *file = calloc(1, sizeof(*file));
    if (!file) {
        close(fd);
        return false;
    }
    *file = (struct file_sending){.exchange = exchange, .fd = fd, .left = size};
    file->read.data = file;
    exchange->state = EXCHANGE_FILE;
    exchange->file = file;
    if (read_next(file))
        return true;
    sending_free(file);
    exchange->state = EXCHANGE_NEW;
    return false;
}

void file_drained(struct file_sending *file)
{
    if (file->waiting)
        piece_send(file);
}

void file_gone(struct file_sending *file)
{
    file->exchange = NULL;
    if (!file->reading)
        sending_free(file);
}
