/* Sessions on a real store: rotation, reuse, ending, tickets, expiry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/sessions.h"
#include "base/time.h"
#include "store/migrations.h"

#define KEY STR("a key for the tests, of more than thirty-two bytes")
#define PATH STR("/channels/0191a1b2-0000-7000-8000-000000000001/listen")

static struct arena mem;
static struct log quiet = {.level = LOG_ERROR, .fd = 2};
static struct store *store;
static struct events *events;
static struct accounts *accounts;
static struct db db;
static char folder[] = "/tmp/accounts-test-XXXXXX";
static char file[sizeof(folder) + 16];
static int64_t now;

static void good(err e)
{
    if (e)
        fail_msg("%s: %.*s %.*s", e->code, STR_ARGS(e->detail), STR_ARGS(e->inside));
}

static void bad(err e, int status, const char *code)
{
    if (!e)
        fail_msg("taken instead of %s", code);
    if (e->status != status || !err_is(e, code))
        fail_msg("%d %s instead of %d %s", e->status, e->code, status, code);
}

static void store_make(void)
{
    struct store_options options = {.path = file, .log = &quiet};
    int applied = 0;
    good(migrations_make(&mem, embedded_files, &options.migrations, &options.migration_count));
    good(store_open(&mem, &options, &store));
    good(store_migrate_up(store, &mem, &applied));
    assert_int_equal(applied, options.migration_count);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&mem, 64 << 20);
    strcpy(folder + sizeof(folder) - 7, "XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof(file), "%s/store.db", folder);
    store_make();
    struct events_options events_options = {.store = store, .log = &quiet, .keep_days = 7};
    good(events_open(&mem, &events_options, &events));
    struct accounts_options options = {.events = events,
                                       .store = store,
                                       .log = &quiet,
                                       .secret_key = KEY,
                                       .access_token_seconds = 300,
                                       .refresh_token_seconds = 1209600,
                                       .session_seconds = 90 * 86400};
    good(accounts_open(&mem, &options, &accounts));
    db = (struct db){.store = store, .mem = &mem};
    now = time_now();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    accounts_close(accounts);
    events_close(events);
    store_close(store);
    char path[sizeof(file) + 8];
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < LENGTH(ends); i++) {
        snprintf(path, sizeof(path), "%s%s", file, ends[i]);
        unlink(path);
    }
    arena_done(&mem);
    return rmdir(folder);
}

static struct account registered(const char *email)
{
    struct account account = {
        .primary_email = str_of(email), .password = STR("no hash"), .is_active = true};
    CLEANUP(tx_done) struct tx tx = {0};
    db.actor = (str){0};
    good(db_begin(&db, &tx));
    good(account_insert(accounts, &tx, &account, now));
    good(tx_commit(&tx));
    return account;
}

static struct tokens signed_in(const struct account *account)
{
    struct tokens tokens = {0};
    struct visitor visitor = {STR("tests"), STR("127.0.0.1")};
    good(session_open(accounts, &db, account, &visitor, now, &tokens));
    return tokens;
}

static struct request asked(struct db *own, str path)
{
    own->store = store;
    own->mem = own->mem ? own->mem : &mem;
    return (struct request){.mem = own->mem, .db = own, .now = now, .path = path};
}

static err authenticated(str token)
{
    struct db own = {0};
    struct request rq = asked(&own, PATH);
    return accounts_authenticate(&rq, STR("JWT"), token, (str){0}, accounts);
}

static int64_t last_event(str team)
{
    int64_t last, oldest;
    CLEANUP(tx_done) struct tx tx = {0};
    good(db_read(&db, &tx));
    good(events_range(&tx, team, &last, &oldest));
    good(tx_commit(&tx));
    return last;
}

static int64_t count(const char *table)
{
    int64_t n = -1;
    CLEANUP(tx_done) struct tx tx = {0};
    good(db_read(&db, &tx));
    if (strcmp(table, "sessions") == 0)
        good(tx_number(&tx, &n, "SELECT count(*) FROM sessions"));
    else
        good(tx_number(&tx, &n, "SELECT count(*) FROM tickets"));
    good(tx_commit(&tx));
    return n;
}

static void test_signed_in(void **state)
{
    (void)state;
    struct account ada = registered("Ada@example.com");
    struct tokens tokens = signed_in(&ada);
    for (int i = 0; i < 2; i++) { /* from the store, then from the cache */
        struct db own = {0};
        struct request rq = asked(&own, PATH);
        good(accounts_authenticate(&rq, STR("JWT"), tokens.access, (str){0}, accounts));
        assert_true(str_eq(rq.account, ada.id));
        assert_true(str_eq(rq.team, ada.team));
        assert_true(str_eq(own.actor, ada.id));
        assert_int_equal(rq.session.len, 36);
        assert_false(rq.superuser);
    }
    bad(authenticated(tokens.refresh), 401, "token_not_valid");
    now += 300 * US_PER_S;
    bad(authenticated(tokens.access), 401, "token_not_valid");
    assert_int_equal(last_event(ada.team), 2); /* registered, started */
}

static void test_same_address(void **state)
{
    (void)state;
    registered("Ada@example.com");
    registered("ada+test@example.com");
    struct account again = {
        .primary_email = STR(" ADA@EXAMPLE.COM"), .password = STR("no hash"), .is_active = true};
    struct tx tx = {0};
    good(db_begin(&db, &tx));
    err e = account_insert(accounts, &tx, &again, now);
    tx_done(&tx);
    bad(e, 422, "invalid_fields");
    assert_true(str_starts(e->errors, STR("{\"primary_email\": [")));
    bool found;
    good(db_read(&db, &tx));
    good(account_by_email(&tx, STR(" aDa@Example.com "), &again, &found));
    good(tx_commit(&tx));
    assert_true(found && str_eq(again.primary_email, STR("Ada@example.com")));
}

static void test_rotation(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens first = signed_in(&ada), second = {0}, third = {0};
    good(session_renew(accounts, &db, first.refresh, (str){0}, now, &second));
    good(authenticated(first.access));
    good(authenticated(second.access));
    good(session_renew(accounts, &db, second.refresh, (str){0}, now, &third));
    bad(session_renew(accounts, &db, third.access, (str){0}, now, &third), 401, "token_not_valid");
    good(authenticated(third.access));

    /* One that was used before ends it all. */
    bad(session_renew(accounts, &db, first.refresh, (str){0}, now, &second),
        401,
        "token_not_valid");
    bad(authenticated(first.access), 401, "session_ended");
    bad(authenticated(third.access), 401, "session_ended");
    bad(session_renew(accounts, &db, third.refresh, (str){0}, now, &third), 401, "session_ended");
    assert_int_equal(last_event(ada.team), 3); /* registered, started, ended once */
}

/* Who lost the answer asks once more, in the name of the same renewal. */
static void test_lost_answer(void **state)
{
    (void)state;
    str mine = STR("0123456789abcdef"), other = STR("0123456789abcdeF");
    struct account ada = registered("ada@example.com");
    struct tokens first = signed_in(&ada), lost = {0}, second = {0}, third = {0};
    good(session_renew(accounts, &db, first.refresh, mine, now, &lost));
    good(session_renew(accounts, &db, first.refresh, mine, now, &second));
    good(session_renew(accounts, &db, second.refresh, other, now, &third));

    /* Too late: what it brought has been used. */
    bad(session_renew(accounts, &db, first.refresh, mine, now, &lost), 401, "token_not_valid");
    bad(authenticated(third.access), 401, "session_ended");

    /* What was lost is good for nothing, when another was given in its place. */
    first = signed_in(&ada);
    good(session_renew(accounts, &db, first.refresh, mine, now, &lost));
    good(session_renew(accounts, &db, first.refresh, mine, now, &second));
    bad(session_renew(accounts, &db, lost.refresh, mine, now, &third), 401, "token_not_valid");
    bad(authenticated(second.access), 401, "session_ended");

    /* Another renewal, or none, is somebody else. */
    const str others[] = {other, STR("0123456789abcde"), {0}};
    for (size_t i = 0; i < LENGTH(others); i++) {
        first = signed_in(&ada);
        good(session_renew(accounts, &db, first.refresh, mine, now, &second));
        bad(session_renew(accounts, &db, first.refresh, others[i], now, &lost),
            401,
            "token_not_valid");
        bad(authenticated(second.access), 401, "session_ended");
    }
    first = signed_in(&ada);
    good(session_renew(accounts, &db, first.refresh, (str){0}, now, &second));
    bad(session_renew(accounts, &db, first.refresh, (str){0}, now, &lost), 401, "token_not_valid");
}

static void test_prolonged(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens tokens = signed_in(&ada), next = {0};
    now += 1209000 * US_PER_S;
    good(session_renew(accounts, &db, tokens.refresh, (str){0}, now, &next));
    now += 1209000 * US_PER_S;
    good(session_renew(accounts, &db, next.refresh, (str){0}, now, &next));
    now += 1209601 * US_PER_S;
    bad(session_renew(accounts, &db, next.refresh, (str){0}, now, &next), 401, "token_not_valid");
}

/* However often it is renewed: 90 days. */
static void test_longest(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens tokens = signed_in(&ada);
    int64_t began = now;
    for (int day = 10; day < 90; day += 10) {
        now = began + day * 86400 * US_PER_S;
        good(session_renew(accounts, &db, tokens.refresh, (str){0}, now, &tokens));
    }
    now = began + 90 * 86400 * US_PER_S - US_PER_S;
    good(session_renew(accounts, &db, tokens.refresh, (str){0}, now, &tokens));
    good(authenticated(tokens.access));
    now = began + 90 * 86400 * US_PER_S;
    bad(session_renew(accounts, &db, tokens.refresh, (str){0}, now, &tokens),
        401,
        "token_not_valid");
    bad(authenticated(tokens.access), 401, "token_not_valid");
}

static void test_closed(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens here = signed_in(&ada), there = signed_in(&ada), next = {0};
    good(authenticated(here.access));
    good(session_close(accounts, &db, here.refresh, now));
    bad(authenticated(here.access), 401, "session_ended");
    bad(session_renew(accounts, &db, here.refresh, (str){0}, now, &next), 401, "session_ended");
    bad(session_close(accounts, &db, here.refresh, now), 401, "session_ended");
    good(authenticated(there.access));
    /* Closed with a token that was used before, too. */
    good(session_renew(accounts, &db, there.refresh, (str){0}, now, &next));
    good(session_close(accounts, &db, there.refresh, now));
    bad(authenticated(next.access), 401, "session_ended");
}

/* The rows of another store: the session is not there. */
static void test_unknown(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens tokens = signed_in(&ada);
    CLEANUP(tx_done) struct tx tx = {0};
    good(db_begin(&db, &tx));
    good(tx_run(&tx, "DELETE FROM sessions"));
    good(tx_commit(&tx));
    bad(authenticated(tokens.access), 401, "token_not_valid");
}

static void test_inactive(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens tokens = signed_in(&ada);
    CLEANUP(tx_done) struct tx tx = {0};
    good(db_begin(&db, &tx));
    good(tx_run(&tx, "UPDATE accounts SET is_active = $1", A(false)));
    good(tx_commit(&tx));
    bad(authenticated(tokens.access), 401, "user_inactive");
    bad(session_renew(accounts, &db, tokens.refresh, (str){0}, now, &tokens), 401, "user_inactive");
}

static struct request member(struct db *own, str access)
{
    struct request rq = asked(own, PATH);
    good(accounts_authenticate(&rq, STR("JWT"), access, (str){0}, accounts));
    return rq;
}

static err ticket_tried(str ticket, str path, struct request *rq, struct db *own)
{
    *rq = asked(own, path);
    return accounts_authenticate(rq, (str){0}, (str){0}, ticket, accounts);
}

static void test_ticket(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens tokens = signed_in(&ada);
    struct db own = {0}, other = {0};
    struct request rq = member(&own, tokens.access), used;
    str ticket, slash;
    int64_t expires;
    good(ticket_issue(accounts, &rq, PATH, &ticket, &expires));
    good(ticket_issue(accounts, &rq, str_fmt(&mem, "%.*s/", STR_ARGS(PATH)), &slash, &expires));
    assert_int_equal(expires, now + TICKET_SECONDS * US_PER_S);
    bad(ticket_tried(ticket, STR("/events/listen"), &used, &other), 401, "ticket_not_valid");
    bad(ticket_tried(STR("x"), PATH, &used, &other), 401, "ticket_not_valid");
    bad(ticket_tried(STR(""), PATH, &used, &other), 401, "ticket_not_valid");
    good(ticket_tried(ticket, PATH, &used, &other));
    assert_true(str_eq(used.account, ada.id));
    assert_true(str_eq(used.team, ada.team));
    assert_true(str_eq(used.session, rq.session));
    bad(ticket_tried(ticket, PATH, &used, &other), 401, "ticket_not_valid");
    good(ticket_tried(slash, PATH, &used, &other));
    assert_int_equal(count("tickets"), 0);

    good(ticket_issue(accounts, &rq, PATH, &ticket, &expires));
    now = expires;
    bad(ticket_tried(ticket, PATH, &used, &other), 401, "ticket_not_valid");
}

static void test_ticket_of_ended(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens tokens = signed_in(&ada);
    struct db own = {0}, other = {0};
    struct request rq = member(&own, tokens.access), used;
    str ticket;
    int64_t expires;
    good(ticket_issue(accounts, &rq, PATH, &ticket, &expires));
    good(session_close(accounts, &db, tokens.refresh, now));
    bad(ticket_tried(ticket, PATH, &used, &other), 401, "ticket_not_valid");
    good(ticket_issue(accounts, &rq, PATH, &ticket, &expires));
    bad(ticket_tried(ticket, PATH, &used, &other), 401, "session_ended");
}

static void test_ticket_limit(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens tokens = signed_in(&ada);
    struct db own = {0};
    struct request rq = member(&own, tokens.access);
    str ticket;
    int64_t expires;
    for (int i = 0; i < TICKETS_MAX; i++)
        good(ticket_issue(accounts, &rq, PATH, &ticket, &expires));
    bad(ticket_issue(accounts, &rq, PATH, &ticket, &expires), 429, "too_many_tickets");
    rq.now += TICKET_SECONDS * US_PER_S;
    good(ticket_issue(accounts, &rq, PATH, &ticket, &expires));
}

static void test_trim(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    signed_in(&ada);
    int64_t real = now;
    now -= 1209601 * US_PER_S; /* one long ago, that has a ticket */
    struct tokens old = signed_in(&ada);
    struct db own = {0};
    struct request rq = member(&own, old.access);
    str ticket;
    int64_t expires;
    good(ticket_issue(accounts, &rq, PATH, &ticket, &expires));
    now = real;
    assert_int_equal(count("sessions"), 2);
    good(accounts_trim(accounts, &mem));
    assert_int_equal(count("sessions"), 1);
    assert_int_equal(count("tickets"), 0);
    assert_int_equal(last_event(ada.team), 4); /* registered, started twice, ended */
}

static void test_superuser(void **state)
{
    (void)state;
    bool created = false;
    bad(superuser_make(accounts, &db, STR("no address"), STR("abcdefg7"), &created),
        422,
        "invalid_fields");
    db.actor = STR("system");
    good(superuser_make(accounts, &db, STR("Root@example.com"), STR("abcdefg7"), &created));
    assert_true(created);
    struct account root = {0};
    bool found;
    CLEANUP(tx_done) struct tx tx = {0};
    good(db_read(&db, &tx));
    good(account_by_email(&tx, STR("root@example.com"), &root, &found));
    good(tx_commit(&tx));
    assert_true(found && root.is_superuser && root.is_active);

    struct tokens tokens = signed_in(&root);
    struct db own = {0};
    assert_true(member(&own, tokens.access).superuser);
    good(superuser_make(accounts, &db, STR("root@example.com"), STR("abcdefg8"), &created));
    assert_false(created);
    bad(authenticated(tokens.access), 401, "session_ended");
}

/* Many at once with one refresh token: one gets the next pair, and the session does not outlive it.
 */
struct renewal {
    str refresh;
    bool renewed;
    pthread_barrier_t *start;
};

static void *renew(void *arg)
{
    struct renewal *renewal = arg;
    struct arena own;
    arena_init(&own, 1 << 20);
    struct db mine = {.store = store, .mem = &own};
    struct tokens tokens;
    pthread_barrier_wait(renewal->start);
    renewal->renewed =
        session_renew(accounts, &mine, renewal->refresh, (str){0}, now, &tokens) == NULL;
    arena_done(&own);
    return NULL;
}

static void test_renewed_at_once(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    struct tokens tokens = signed_in(&ada);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, 4);
    struct renewal renewals[4];
    pthread_t threads[4];
    int renewed = 0;
    for (size_t i = 0; i < 4; i++) {
        renewals[i] = (struct renewal){.refresh = tokens.refresh, .start = &start};
        assert_int_equal(pthread_create(&threads[i], NULL, renew, &renewals[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        renewed += renewals[i].renewed;
    }
    pthread_barrier_destroy(&start);
    assert_int_equal(renewed, 1);
    bad(authenticated(tokens.access), 401, "session_ended");
}

/* Asked without pause while the session is closed: once that is done, nobody gets in. */
struct asker {
    str access;
    atomic_bool *closed;
    atomic_size_t *asked;
    bool late; /* let in after the close had returned */
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    bool out = false;
    while (!out) {
        bool closed = atomic_load(asker->closed);
        struct arena own;
        arena_init(&own, 1 << 20);
        struct db mine = {.mem = &own};
        struct request rq = asked(&mine, PATH);
        bool in = !accounts_authenticate(&rq, STR("JWT"), asker->access, (str){0}, accounts);
        asker->late = asker->late || (closed && in);
        out = !in || asker->late;
        atomic_fetch_add(asker->asked, 1);
        arena_done(&own);
    }
    return NULL;
}

static void test_closed_while_asked(void **state)
{
    (void)state;
    struct account ada = registered("ada@example.com");
    for (int round = 0; round < 20; round++) {
        struct tokens tokens = signed_in(&ada);
        atomic_bool closed = false;
        atomic_size_t asked_n = 0;
        struct asker askers[2];
        pthread_t threads[2];
        for (size_t i = 0; i < 2; i++) {
            askers[i] = (struct asker){tokens.access, &closed, &asked_n, false};
            assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
        }
        while (atomic_load(&asked_n) < 10)
            sched_yield();
        good(session_close(accounts, &db, tokens.refresh, now));
        atomic_store(&closed, true);
        for (size_t i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
            assert_false(askers[i].late);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_signed_in),
        TEST(test_same_address),
        TEST(test_rotation),
        TEST(test_lost_answer),
        TEST(test_prolonged),
        TEST(test_longest),
        TEST(test_closed),
        TEST(test_unknown),
        TEST(test_inactive),
        TEST(test_ticket),
        TEST(test_ticket_of_ended),
        TEST(test_ticket_limit),
        TEST(test_trim),
        TEST(test_superuser),
        TEST(test_renewed_at_once),
        TEST(test_closed_while_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
