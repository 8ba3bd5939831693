/*
 * Tokens and tickets, shown to the real accounts with a real store behind: the first byte says what
 * the rest is.
 *
 * Nobody is let in but by the token and the ticket that were given out; a token with another
 * signature, another head or one byte changed is refused; what a hostile holder of the key could
 * write is read without harm, and taken only with all its claims.
 */
#include <sodium.h>
#include <unistd.h>

#include "accounts/sessions.h"
#include "accounts/ticket.h"
#include "accounts/token.h"
#include "base/id.h"
#include "base/time.h"
#include "fuzz/fuzz.h"
#include "store/migrations.h"

#define KEY STR("a key for the fuzzer, of more than thirty-two bytes")
#define PATH STR("/channels/0191a1b2-0000-7000-8000-000000000001/listen")
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define MEMORY ((size_t)8 << 20)

static struct {
    struct arena mem;
    struct log quiet;
    struct store *store;
    struct accounts *accounts;
    struct account account;
    struct tokens tokens;
    str ticket;
    int64_t now;
    char dir[64];
} world;

static void must(err e)
{
    if (e)
        fprintf(stderr, "%s: %.*s %.*s\n", e->code, STR_ARGS(e->detail), STR_ARGS(e->inside));
    CHECK(!e);
}

static void world_remove(void)
{
    char command[128];
    accounts_close(world.accounts);
    store_close(world.store);
    snprintf(command, sizeof(command), "rm -rf %s", world.dir);
    CHECK(system(command) == 0);
}

static void store_once(struct arena *mem)
{
    int applied;
    snprintf(world.dir, sizeof(world.dir), "/tmp/fuzz-token-XXXXXX");
    CHECK(mkdtemp(world.dir));
    world.quiet = (struct log){.level = LOG_ERROR, .fd = 2};
    struct store_options options = {.path = str_c(mem, str_fmt(mem, "%s/store.db", world.dir)),
                                    .log = &world.quiet};
    must(migrations_make(mem, embedded_files, &options.migrations, &options.migration_count));
    must(store_open(mem, &options, &world.store));
    must(store_migrate_up(world.store, mem, &applied));
}

/* One account with one session, and its tokens. */
static void session_once(struct arena *mem)
{
    bool created;
    struct db db = {.store = world.store, .mem = mem, .actor = STR("system")};
    must(superuser_make(
        world.accounts, &db, STR("ada@example.com"), STR("a long and dull sentence"), &created));
    CLEANUP(tx_done) struct tx tx = {0};
    must(db_read(&db, &tx));
    must(account_by_email(&tx, STR("ada@example.com"), &world.account, &created));
    must(tx_commit(&tx));
    struct visitor visitor = {STR("fuzz"), STR("127.0.0.1")};
    must(session_open(world.accounts, &db, &world.account, &visitor, world.now, &world.tokens));
}

static void request_init(struct request *rq, struct db *db, struct arena *mem)
{
    *db = (struct db){.store = world.store, .mem = mem};
    *rq = (struct request){.mem = mem, .db = db, .now = world.now, .path = PATH};
}

static void ticket_once(struct arena *mem)
{
    struct request rq;
    struct db db;
    struct claims claims;
    int64_t expires;
    request_init(&rq, &db, mem);
    must(token_read(mem, KEY, TOKEN_ACCESS, world.tokens.access, world.now / US_PER_S, &claims));
    rq.account = claims.account;
    rq.session = claims.session;
    rq.team = claims.team;
    must(ticket_issue(world.accounts, &rq, PATH, &world.ticket, &expires));
}

static void world_once(void)
{
    static struct events *events;
    if (world.store)
        return;
    arena_init(&world.mem, (size_t)64 << 20);
    world.now = time_now();
    store_once(&world.mem);
    struct events_options log = {.store = world.store, .log = &world.quiet, .keep_days = 30};
    must(events_open(&world.mem, &log, &events));
    struct accounts_options options = {.events = events,
                                       .store = world.store,
                                       .log = &world.quiet,
                                       .secret_key = KEY,
                                       .access_token_seconds = 86400,
                                       .refresh_token_seconds = 864000,
                                       .session_seconds = 8640000};
    must(accounts_open(&world.mem, &options, &world.accounts));
    atexit(world_remove);
    session_once(&world.mem);
    ticket_once(&world.mem);
}

static err authenticate(struct arena *mem, str token, str ticket)
{
    struct request rq;
    struct db db;
    request_init(&rq, &db, mem);
    err e = accounts_authenticate(&rq, STR("JWT"), token, ticket, world.accounts);
    CHECK(!e == (rq.account.at != NULL));
    CHECK(e || (str_eq(rq.account, world.account.id) && id_ok(rq.session)));
    CHECK(!e || e->status == 401);
    return e;
}

/* A token that we did not make. */
static void token_foreign(struct arena *mem, str token)
{
    struct claims claims;
    if (str_eq(token, world.tokens.access))
        return;
    CHECK(authenticate(mem, token, (str){0}));
    err e = token_read(mem, KEY, TOKEN_ACCESS, token, 0, &claims);
    CHECK(e && e->status == 401);
    e = token_read(mem, KEY, TOKEN_REFRESH, token, 0, &claims);
    CHECK(str_eq(token, world.tokens.refresh) ? !e : e && e->status == 401);
}

static void encoded_add(struct buf *out, const void *bytes, size_t len)
{
    CHECK(buf_reserve(out, sodium_base64_encoded_len(len, BASE64)));
    sodium_bin2base64(out->at + out->len, out->size - out->len, bytes, len, BASE64);
    out->len += strlen(out->at + out->len);
}

/* Head and payload as they are, with our signature. */
static void token_signed(struct arena *mem, str head, str payload)
{
    unsigned char signature[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    struct claims claims;
    str key = KEY;
    CLEANUP(buf_done) struct buf token;
    buf_init(&token, MEMORY);
    encoded_add(&token, head.at, head.len);
    buf_char(&token, '.');
    encoded_add(&token, payload.at, payload.len);
    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.at, key.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)token.at, token.len);
    crypto_auth_hmacsha256_final(&state, signature);
    buf_char(&token, '.');
    encoded_add(&token, signature, sizeof(signature));
    for (int type = TOKEN_ACCESS; type <= TOKEN_REFRESH; type++) {
        err e = token_read(
            mem, KEY, (enum token_type)type, buf_str(&token), world.now / US_PER_S, &claims);
        CHECK(!e || e->status == 401);
        CHECK(e || (id_ok(claims.account) && id_ok(claims.session) && id_ok(claims.team)));
        CHECK(e || (id_ok(claims.id) && claims.expires_s > world.now / US_PER_S));
    }
    CHECK(authenticate(mem, buf_str(&token), (str){0}));
}

/* The good token with some bytes at one place taken out, changed or put in. */
static void token_changed(struct arena *mem, struct choices *choices, str bytes)
{
    str good = choose(choices, 2) ? world.tokens.access : world.tokens.refresh;
    size_t at = choose(choices, 256) * 2U % (good.len + 1), out = choose(choices, 4);
    CLEANUP(buf_done) struct buf token;
    buf_init(&token, MEMORY);
    buf_add(&token, str_sub(good, 0, at));
    buf_add(&token, bytes);
    buf_add(&token, str_sub(good, at + out, good.len));
    token_foreign(mem, buf_str(&token));
}

static void ticket_foreign(struct arena *mem, str ticket)
{
    if (!str_eq(ticket, world.ticket))
        CHECK(authenticate(mem, (str){0}, ticket.at ? ticket : STR("")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    world_once();
    struct choices choices;
    char *copy = exact_copy((str){(const char *)data + 1, size - 1});
    str rest = {copy, size - 1}, payload = rest;
    CLEANUP(arena_done) struct arena mem;
    arena_init(&mem, MEMORY);
    switch (data[0] % 5) {
    case 0:
        token_foreign(&mem, rest);
        break;
    case 1:
        token_signed(&mem, STR("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), rest);
        break;
    case 2:
        payload = rest;
        rest = str_cut(&payload, '\n');
        token_signed(&mem, rest, payload.at ? payload : STR("{}"));
        break;
    case 3:
        rest = choices_take(&choices, 3, data + 1, size - 1);
        token_changed(&mem, &choices, rest);
        break;
    default:
        ticket_foreign(&mem, rest);
    }
    /* What was refused has used nothing up. */
    CHECK(!authenticate(&mem, world.tokens.access, (str){0}));
    free(copy);
    return 0;
}
