/* Keyset pages: one row more than asked for shows that there is another page. */
#include "http/page.h"

#include "http/route.h"

#include <string.h>

struct plain_query {
    struct page page;
};

const struct field page_fields[] = {PAGE_FIELDS(struct plain_query, page), FIELD_LAST};

err page_check(struct request *rq, const struct page *page)
{
    if (page->after.at && page->before.at)
        return field_err(rq->mem, "before", "Can't be given together with after.");
    return NULL;
}

err page_ask(struct request *rq, struct page *out)
{
    struct plain_query query = {.page.limit = PAGE_LIMIT};
    TRY(request_query(rq, page_fields, &query));
    *out = query.page;
    return page_check(rq, out);
}

int64_t page_rows(const struct page *page)
{
    return page->limit + 1;
}

void url_print(struct buf *out, str text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            buf_char(out, (char)c);
        } else {
            buf_char(out, '%');
            buf_char(out, hex[c >> 4]);
            buf_char(out, hex[c & 15]);
        }
    }
}

/* The route's path with the parameters as they have to be in a URL. */
static void path_print(struct buf *out, const struct request *rq)
{
    str rest = str_of(rq->route->path);
    while (rest.at) {
        str plain = str_cut(&rest, '{');
        buf_add(out, plain);
        if (rest.at)
            url_print(out, request_path(rq, str_c(rq->mem, str_cut(&rest, '}'))));
    }
}

str page_link(struct request *rq, const char *name, str value, int64_t limit)
{
    CLEANUP(buf_done) struct buf link;
    buf_init(&link, 16 * 1024);
    path_print(&link, rq);
    buf_fmt(&link, "/?limit=%lld&%s=", (long long)limit, name);
    url_print(&link, value);
    return str_copy(rq->mem, buf_str(&link));
}

static str side_link(struct request *rq, const struct page *page, const char *name, str key)
{
    str link = page_link(rq, name, key, page->limit);
    return page->more.at ? str_fmt(rq->mem, "%.*s%.*s", STR_ARGS(link), STR_ARGS(page->more))
                         : link;
}

static void reverse(char *at, size_t n, size_t size, char *spare)
{
    for (size_t i = 0; i < n / 2; i++) {
        memcpy(spare, at + i * size, size);
        memcpy(at + i * size, at + (n - 1 - i) * size, size);
        memcpy(at + (n - 1 - i) * size, spare, size);
    }
}

err page_reply(struct request *rq, const struct page *page, const struct field *fields, size_t size,
               struct list list, size_t key)
{
    bool more = list.n > (size_t)page->limit, back = page->before.at;
    if (more)
        list.n = (size_t)page->limit;
    char *spare = arena_alloc(rq->mem, size);
    if (!spare)
        return &err_no_memory;
    if (back)
        reverse(list.at, list.n, size, spare);
    str next = {0}, prev = {0};
    if (list.n) {
        str first = *(str *)((char *)list.at + key);
        str last = *(str *)((char *)list.at + (list.n - 1) * size + key);
        if (more || back)
            next = side_link(rq, page, "after", last);
        if (back ? more : page->after.at != NULL)
            prev = side_link(rq, page, "before", first);
    }
    return reply_list(rq, fields, size, list, next, prev);
}
