/* What a request says: its head, parameters, query, form and body. */
#include "http/request.h"

#include <string.h>

#include "http/accept.h"
#include "http/asking.h"

/* All names and values in one piece of memory. */
static err headers_copy(struct asking *ask, const struct exchange_head *head)
{
    size_t bytes = 0, n = head->header_count;
    for (size_t i = 0; i < n; i++)
        bytes += head->headers[i].name.len + head->headers[i].value.len;
    struct header *headers = arena_array(&ask->mem, n, sizeof(*headers));
    char *to = arena_alloc(&ask->mem, bytes);
    if (!headers || !to)
        return &err_no_memory;
    for (size_t i = 0; i < n; i++) {
        str name = head->headers[i].name, value = head->headers[i].value;
        headers[i] = (struct header){{to, name.len}, {to + name.len, value.len}};
        if (name.len)
            memcpy(to, name.at, name.len);
        if (value.len)
            memcpy(to + name.len, value.at, value.len);
        to += name.len + value.len;
    }
    ask->headers = headers;
    ask->header_count = n;
    return NULL;
}

err request_take_head(struct asking *ask, const struct exchange_head *head)
{
    struct request *rq = &ask->rq;
    rq->method = str_copy(&ask->mem, head->method);
    str target = str_copy(&ask->mem, head->target);
    rq->path = str_cut(&target, '?');
    rq->query = target.at ? target : STR("");
    TRY(headers_copy(ask, head));
    return arena_failed(&ask->mem) ? &err_no_memory : NULL;
}

str asking_header(const struct asking *ask, str name)
{
    str found = {0};
    for (size_t i = 0; i < ask->header_count; i++) {
        const struct header *header = &ask->headers[i];
        if (!str_eq(header->name, name))
            continue;
        found = found.at
                    ? str_fmt(ask->rq.mem, "%.*s, %.*s", STR_ARGS(found), STR_ARGS(header->value))
                    : header->value;
    }
    return found;
}

str request_header(const struct request *rq, const char *name)
{
    return asking_header(rq->exchange->ask, str_of(name));
}

str request_path(const struct request *rq, const char *name)
{
    const struct route_match *match = &rq->exchange->ask->match;
    int at = route_param(rq->route, name);
    return at < 0 || (size_t)at >= match->param_count ? STR("") : match->params[at];
}

err request_body(struct request *rq, const struct field *fields, void *into)
{
    return fields_parse(rq->mem, fields, rq->body.at ? rq->body : STR(""), into);
}

const struct field no_fields[] = {FIELD_LAST};

err request_nothing(struct request *rq)
{
    return request_body(rq, no_fields, NULL);
}

err request_query(struct request *rq, const struct field *fields, void *into)
{
    return fields_parse_query(rq->mem, fields, rq->query, into);
}

static void header_add(struct buf *query, const char *name, str value)
{
    if (query->len)
        buf_char(query, '&');
    buf_add(query, str_of(name));
    buf_char(query, '=');
    for (size_t i = 0; i < value.len; i++)
        buf_fmt(query, "%%%02x", (unsigned char)value.at[i]);
}

/* In the words of a query, which the table can read. */
err request_headers(struct request *rq, const struct field *fields, void *into)
{
    CLEANUP(buf_done) struct buf query;
    buf_init(&query, EXCHANGE_HEAD_MAX * 4);
    for (const struct field *field = fields; field->type != FIELD_END; field++) {
        str name = str_lower(rq->mem, str_of(field->name));
        str value = asking_header(rq->exchange->ask, name);
        if (value.at)
            header_add(&query, field->name, value);
    }
    if (query.failed || arena_failed(rq->mem))
        return &err_no_memory;
    return fields_parse_query(rq->mem, fields, query.len ? buf_str(&query) : STR(""), into);
}

str request_form(const struct request *rq, const char *name)
{
    const struct form_value *values = rq->form.at;
    for (size_t i = 0; i < rq->form.n; i++) {
        if (str_eq(values[i].name, str_of(name)))
            return values[i].value;
    }
    return (str){0};
}

int request_accepts(const struct request *rq, const char *const *offers)
{
    return accept_best(request_header(rq, "accept"), offers);
}

err request_parse_form(struct asking *ask)
{
    struct arena *mem = &ask->mem;
    size_t n = 0, most = 1;
    str rest = buf_str(&ask->body);
    for (size_t i = 0; i < rest.len; i++)
        most += rest.at[i] == '&';
    struct form_value *values = arena_array(mem, most, sizeof(*values));
    while (values && rest.len) {
        str pair = str_cut(&rest, '&');
        if (pair.len == 0)
            continue;
        str name = str_cut(&pair, '=');
        struct form_value *value = &values[n++];
        if (!percent_decode(mem, name, true, &value->name) ||
            !percent_decode(mem, pair.at ? pair : STR(""), true, &value->value))
            return arena_failed(mem)
                       ? &err_no_memory
                       : err_new(mem, 400, "malformed_form", "The form has a bad escape.");
    }
    ask->rq.form = (struct list){values, n};
    return arena_failed(mem) ? &err_no_memory : NULL;
}
