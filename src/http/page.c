/* Keyset pages: one row more than asked for shows that there is another page. */
#include "http/page.h"

#include "http/route.h"

#include <string.h>

const struct field page_fields[] = {
    FIELD(struct page, limit, FIELD_INT, .min = 1, .max = 1000,
          .help = "Entries of a page; 100 when not given"),
    FIELD(struct page, after, FIELD_STR, .max = 1000, .help = "From links.next"),
    FIELD(struct page, before, FIELD_STR, .max = 1000, .help = "From links.prev"),
    FIELD_LAST,
};

err page_ask(struct request *rq, struct page *out)
{
    *out = (struct page){.limit = 100};
    TRY(request_query(rq, page_fields, out));
    if (out->after.at && out->before.at)
        return field_err(rq->mem, "before", "Can't be given together with after.");
    return NULL;
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
            next = page_link(rq, "after", last, page->limit);
        if (back ? more : page->after.at != NULL)
            prev = page_link(rq, "before", first, page->limit);
    }
    return reply_list(rq, fields, size, list, next, prev);
}
