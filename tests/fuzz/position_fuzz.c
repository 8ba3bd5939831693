/*
 * Where a listener says it was: the first byte says what the stream is, the first line is the
 * header Last-Event-ID (or, when empty, none), what follows the query.
 *
 * What is taken is not negative, is the same by header and by query, and is taken again when it is
 * printed; the block that a listener gets is one block, and its data is what was meant.
 */
#include "events/events.h"
#include "events/types.h"
#include "fuzz/fuzz.h"
#include "http/asking.h"
#include "http/page.h"

#define MEMORY ((size_t)1 << 20)

static const char *const prefixes[] = {NULL, "c", "0198c5d2-0000-7000-8000-000000000001", ""};

/* What a listener asks, with a header or without. */
static enum position_kind ask_position(struct arena *mem, str header, str query, str prefix,
                                       int64_t *n)
{
    struct header headers[] = {{STR("last-event-id"), header}};
    struct asking ask = {.headers = headers, .header_count = header.at ? 1 : 0};
    struct exchange exchange = {.ask = &ask};
    ask.rq = (struct request){.mem = mem, .query = query, .exchange = &exchange};
    *n = -1;
    return position_ask(&ask.rq, prefix, n);
}

static str printed(struct arena *mem, str prefix, int64_t n)
{
    return prefix.at ? str_fmt(mem, "%.*s:%lld", STR_ARGS(prefix), (long long)n)
                     : str_fmt(mem, "%lld", (long long)n);
}

static void taken_again(struct arena *mem, str prefix, int64_t n)
{
    int64_t again;
    CLEANUP(buf_done) struct buf query;
    buf_init(&query, MEMORY);
    str id = printed(mem, prefix, n);
    CHECK(ask_position(mem, id, (str){0}, prefix, &again) == POSITION_AT && again == n);
    buf_add(&query, STR("a=b&lastEventId="));
    url_print(&query, id);
    CHECK(ask_position(mem, (str){0}, buf_str(&query), prefix, &again) == POSITION_AT);
    CHECK(again == n);
}

/* The lines of a block as a client reads them (WHATWG HTML 9.2.6). */
static void block_check(str data)
{
    struct frame *frame = frame_event(STR("message"), STR("c:1"), data);
    CHECK(frame);
    str block = frame_bytes(frame), first = STR("event: message\nid: c:1\ndata: ");
    CHECK(str_starts(block, first) && str_ends(block, STR("\n\n")));
    str line = str_sub(block, first.len, block.len - first.len - 2);
    CHECK(line.len == data.len && str_find(line, '\n') < 0 && str_find(line, '\r') < 0);
    for (size_t i = 0; i < line.len; i++)
        CHECK(line.at[i] == data.at[i] || line.at[i] == ' ');
    frame_unref(frame);
}

static void types_once(struct arena *mem, str query)
{
    struct strs types = {arena_array(mem, query.len + 1, sizeof(str)), 0};
    for (str rest = query; rest.at;)
        types.at[types.n++] = str_cut(&rest, '&');
    if (types_check(mem, &types))
        return;
    for (size_t i = 1; i < types.n; i++)
        CHECK(str_cmp(types.at[i - 1], types.at[i]) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    char *copy = exact_copy((str){(const char *)data + 1, size - 1});
    str query = {copy, size - 1}, header = str_cut(&query, '\n');
    str prefix = str_of(prefixes[data[0] % LENGTH(prefixes)]);
    int64_t n;
    enum position_kind kind = ask_position(&mem, header.len ? header : (str){0}, query, prefix, &n);
    CHECK(kind != POSITION_AT || n >= 0);
    CHECK(kind == POSITION_AT || n == -1);
    CHECK(kind != POSITION_NONE || (header.len == 0));
    if (kind == POSITION_AT)
        taken_again(&mem, prefix, n);
    block_check(header);
    types_once(&mem, query);
    free(copy);
    return 0;
}
