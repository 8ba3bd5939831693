/* Keyset pages of lists: ?limit=&after=&before=, and the links that lead on. */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include "http/request.h"

struct page {
    int64_t limit;
    str after, before; /* a key, or absent */
    str more;          /* what the links have besides: "&state=running", or absent */
};

extern const struct field page_fields[];

#define PAGE_LIMIT 100 /* when none is given */

/* A page among the fields of a larger query: those of its member `page`. */
#define PAGE_FIELDS(type_, member)                                                     \
    {.name = "limit",                                                                  \
     .type = FIELD_INT,                                                                \
     .offset = offsetof(type_, member.limit),                                          \
     .min = 1,                                                                         \
     .max = 1000,                                                                      \
     .help = "Entries of a page; 100 when not given"},                                 \
        {.name = "after",                                                              \
         .type = FIELD_STR,                                                            \
         .offset = offsetof(type_, member.after),                                      \
         .max = 1000,                                                                  \
         .help = "From links.next"},                                                   \
    {                                                                                  \
        .name = "before", .type = FIELD_STR, .offset = offsetof(type_, member.before), \
        .max = 1000, .help = "From links.prev"                                         \
    }

#define ID_LAST "g" /* after every id */

MUST_CHECK err page_ask(struct request *rq, struct page *out);
/* Of a page that was read as part of a larger query. */
MUST_CHECK err page_check(struct request *rq, const struct page *page);
/* How many rows to ask for: one more than the page, which tells whether there is another. */
int64_t page_rows(const struct page *page);
/*
 * Replies with the page. `list` came in the order asked for: ascending by key, descending with
 * `before`; `key` is the offset of the str in an item that is its key.
 */
MUST_CHECK err page_reply(struct request *rq, const struct page *page, const struct field *fields,
                          size_t size, struct list list, size_t key);
/* Percent-encodes all but the unreserved characters of RFC 3986. */
void url_print(struct buf *out, str text);
/* "<path>/?<name>=<value>&limit=<n>" */
str page_link(struct request *rq, const char *name, str value, int64_t limit);

#endif
