/*
 * A crowd of listeners to one stream, and the publisher they listen to, in one thread and by one
 * clock.
 *
 *   crowd PORT COUNT ROUNDS LISTEN_REQUEST PUBLISH_REQUEST
 *
 * Opens COUNT streams with LISTEN_REQUEST, prints "open MICROSECONDS", and waits for a line on
 * standard input. Then, ROUNDS times, one after another: sends PUBLISH_REQUEST, waits until its
 * answer is complete and every stream has got one event, and prints
 *
 *   round ANSWERED FIRST LAST FIRST_WALL DATA
 *
 * with the microseconds from the sending of the request to the first byte of its answer, to the
 * first and to the last arrival of the event, the wall clock at the first arrival in microseconds,
 * and the event's data. An event is what begins with a line "data: {": the empty ones that open a
 * stream and keep it alive do not count.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loopback.h"

#define COUNT_MAX 19000
#define ROUNDS_MAX 100000
#define OPENING_MAX 128 /* streams that are being opened at one time */
#define PATIENCE_MS 30000
#define READ_SIZE (256 * 1024)
#define DATA_SIZE 4096
#define BATCH 512

static const char mark[] = "\ndata: {";
#define MARK_LEN (sizeof(mark) - 1)

enum stream_state { STREAM_CONNECTING, STREAM_ASKED, STREAM_OPEN };

struct stream {
    int fd;
    enum stream_state state;
    size_t matched; /* bytes of the mark at the end of what came last */
};

struct round {
    int64_t sent, answered, first, last, first_wall;
    size_t arrivals;
    char data[DATA_SIZE];
};

struct crowd {
    uint16_t port;
    int epoll;
    const char *listen_request, *publish_request;
    struct stream *streams; /* the one after the last is the publisher */
    size_t count, started, open;
    size_t answer_left; /* bytes of the answer's body still to come */
    struct round *round;
    char bytes[READ_SIZE + 1];
};

static struct stream *publisher(struct crowd *crowd)
{
    return &crowd->streams[crowd->count];
}

static void watch(struct crowd *crowd, struct stream *stream, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = stream};
    if (epoll_ctl(crowd->epoll, operation, stream->fd, &event) != 0)
        give_up("epoll: %s", strerror(errno));
}

static void stream_start(struct crowd *crowd, struct stream *stream)
{
    stream->fd = loopback_connect(crowd->port, false);
    if (stream->fd < 0)
        give_up("connection %zu: %s", crowd->started, strerror(errno));
    stream->state = STREAM_CONNECTING;
    watch(crowd, stream, EPOLL_CTL_ADD, EPOLLOUT);
}

static void stream_ask(struct crowd *crowd, struct stream *stream)
{
    if (!loopback_send(stream->fd, crowd->listen_request))
        give_up("a listener's request could not be sent: %s", strerror(errno));
    stream->state = STREAM_ASKED;
    watch(crowd, stream, EPOLL_CTL_MOD, EPOLLIN);
}

/* Into crowd->bytes, ended by a NUL. */
static size_t stream_read(struct crowd *crowd, struct stream *stream)
{
    ssize_t got = recv(stream->fd, crowd->bytes, READ_SIZE, 0);
    if (got <= 0)
        give_up("%s was closed: %s",
                stream == publisher(crowd) ? "the publisher" : "a stream",
                got ? strerror(errno) : "end of file");
    crowd->bytes[got] = '\0';
    return (size_t)got;
}

static void answer_check(const char *head)
{
    if (strncmp(head, "HTTP/1.1 2", 10) != 0)
        give_up("refused: %.600s", head);
}

/* How much of the mark the bytes end with, having begun with `matched` of it. */
static size_t tail_match(const char *bytes, size_t len, size_t matched)
{
    size_t from = len > MARK_LEN ? len - MARK_LEN : 0;
    if (from > 0)
        matched = 0;
    for (size_t i = from; i < len; i++) {
        matched = bytes[i] == mark[matched] ? matched + 1 : bytes[i] == mark[0];
        if (matched == MARK_LEN)
            matched = 0;
    }
    return matched;
}

/* The bytes after the mark when an event begins in these bytes, or between the last ones and
 * these. */
static const char *event_find(struct stream *stream, const char *bytes, size_t len)
{
    const char *found = NULL;
    size_t missing = MARK_LEN - stream->matched;
    if (stream->matched && len >= missing && memcmp(bytes, mark + stream->matched, missing) == 0)
        found = bytes + missing;
    else if ((found = memmem(bytes, len, mark, MARK_LEN)))
        found += MARK_LEN;
    stream->matched = tail_match(bytes, len, stream->matched);
    return found;
}

static void round_arrival(struct round *round, const char *data)
{
    round->last = steady_us();
    if (round->arrivals++ > 0)
        return;
    round->first = round->last;
    round->first_wall = wall_us();
    snprintf(round->data, DATA_SIZE, "{%.*s", (int)strcspn(data, "\r\n"), data);
}

static void stream_readable(struct crowd *crowd, struct stream *stream)
{
    size_t len = stream_read(crowd, stream);
    if (stream->state == STREAM_ASKED) {
        answer_check(crowd->bytes);
        stream->state = STREAM_OPEN;
        crowd->open++;
    }
    const char *data = event_find(stream, crowd->bytes, len);
    if (data && crowd->round)
        round_arrival(crowd->round, data);
}

/* The head is taken to come in one piece. */
static void answer_begin(struct crowd *crowd, size_t len)
{
    answer_check(crowd->bytes);
    const char *end = strstr(crowd->bytes, "\r\n\r\n");
    const char *length = strcasestr(crowd->bytes, "\r\nContent-Length:");
    if (!end || !length || length > end)
        give_up("an answer without its length: %.600s", crowd->bytes);
    size_t body = (size_t)strtoull(length + strlen("\r\nContent-Length:"), NULL, 10);
    size_t have = len - (size_t)(end + 4 - crowd->bytes);
    if (have > body)
        give_up("an answer that is longer than it says");
    crowd->round->answered = steady_us();
    crowd->answer_left = body - have;
}

static void publisher_readable(struct crowd *crowd)
{
    size_t len = stream_read(crowd, publisher(crowd));
    if (crowd->round && !crowd->round->answered)
        answer_begin(crowd, len);
    else if (len <= crowd->answer_left)
        crowd->answer_left -= len;
    else
        give_up("an answer that nobody asked for");
}

static void crowd_step(struct crowd *crowd)
{
    struct epoll_event events[BATCH];
    int n = epoll_wait(crowd->epoll, events, BATCH, PATIENCE_MS);
    if (n < 0 && errno == EINTR)
        return;
    if (n <= 0)
        give_up("nothing for %d s: %zu of %zu streams open, %zu arrivals",
                PATIENCE_MS / 1000,
                crowd->open,
                crowd->count,
                crowd->round ? crowd->round->arrivals : 0);
    for (int i = 0; i < n; i++) {
        struct stream *stream = events[i].data.ptr;
        if (stream == publisher(crowd))
            publisher_readable(crowd);
        else if (stream->state == STREAM_CONNECTING)
            stream_ask(crowd, stream);
        else
            stream_readable(crowd, stream);
    }
}

static void crowd_open(struct crowd *crowd)
{
    int64_t began = steady_us();
    while (crowd->open < crowd->count) {
        while (crowd->started < crowd->count && crowd->started - crowd->open < OPENING_MAX)
            stream_start(crowd, &crowd->streams[crowd->started++]);
        crowd_step(crowd);
    }
    printf("open %lld\n", (long long)(steady_us() - began));
    fflush(stdout);
}

static void publisher_open(struct crowd *crowd)
{
    struct stream *stream = publisher(crowd);
    stream->fd = loopback_connect(crowd->port, true);
    if (stream->fd < 0)
        give_up("the publisher can't connect: %s", strerror(errno));
    watch(crowd, stream, EPOLL_CTL_ADD, EPOLLIN);
}

static void crowd_round(struct crowd *crowd)
{
    struct round round = {.sent = steady_us()};
    crowd->round = &round;
    if (!loopback_send(publisher(crowd)->fd, crowd->publish_request))
        give_up("the publisher's request could not be sent: %s", strerror(errno));
    while (!round.answered || crowd->answer_left > 0 || round.arrivals < crowd->count)
        crowd_step(crowd);
    crowd->round = NULL;
    if (round.arrivals != crowd->count)
        give_up("%zu arrivals at %zu listeners", round.arrivals, crowd->count);
    printf("round %lld %lld %lld %lld %s\n",
           (long long)(round.answered - round.sent),
           (long long)(round.first - round.sent),
           (long long)(round.last - round.sent),
           (long long)round.first_wall,
           crowd->count ? round.data : "{}");
    fflush(stdout);
}

static void descriptors_raise(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    static struct crowd crowd;
    char line[16];
    if (argc != 6)
        give_up("usage: crowd PORT COUNT ROUNDS LISTEN_REQUEST PUBLISH_REQUEST");
    crowd.port = (uint16_t)number_of(argv[1], 1, UINT16_MAX);
    crowd.count = (size_t)number_of(argv[2], 0, COUNT_MAX);
    int64_t rounds = number_of(argv[3], 0, ROUNDS_MAX);
    crowd.listen_request = argv[4];
    crowd.publish_request = argv[5];
    crowd.streams = calloc(crowd.count + 1, sizeof(*crowd.streams));
    crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!crowd.streams || crowd.epoll < 0)
        give_up("no memory");
    descriptors_raise();
    crowd_open(&crowd);
    if (!fgets(line, sizeof(line), stdin))
        return 0;
    if (rounds > 0)
        publisher_open(&crowd);
    for (int64_t i = 0; i < rounds; i++)
        crowd_round(&crowd);
    return 0;
}
