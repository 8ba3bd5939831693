/*
 * The head of an HTTP/1.1 request (RFC 9112), parsed whole by llhttp and then held to the strict
 * rules that keep two readers from taking it differently: one Host, one length, no bare CR or LF,
 * no folded lines, no space before a colon, no coding but chunked.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http/exchange.h"

struct head_fault {
    int status;
    const char *code, *detail;
};

struct head_parsed {
    struct exchange_head head; /* views of the text; `headers` points to `list` */
    struct header list[EXCHANGE_HEADERS_MAX];
    bool chunked, keep_alive;
    bool old; /* HTTP/1.0 */
};

/* Where the head ends (behind its empty line); 0: not yet. `*scanned` remembers how far it looked.
 */
size_t head_end(str text, size_t *scanned);
/* What is too long already, though it has not ended; NULL: nothing. */
const struct head_fault *head_too_long(str text);
/* Rewrites the names to lower case in place. NULL: fine. */
const struct head_fault *head_parse(char *text, size_t len, struct head_parsed *out);

/* Nothing in it that could end the host and begin something else; may be empty. */
bool head_host_ok(str host);

#endif
