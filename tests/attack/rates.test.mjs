// Limits of requests: by address, by account, as set, told in order, and from memory.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Server, test } from "../api/harness.mjs";
import { account, Account, call, PASSWORD } from "../api/client.mjs";
import { tell } from "./gauge.mjs";

async function serve(t, env) {
    const server = new Server({ env: { LOG_LEVEL: "error", ...env } });
    t.after(() => server.end());
    return server.start();
}

const guess = (server, headers) => call(server, "POST", "/auth/tokens/refresh/", { json: { refresh: "x" }, headers });

/** Asks `n` times, some side by side; how many were let through. The refused ones are as they should be. */
async function passed(n, ask, code = "rate_limited") {
    const replies = [];
    while (replies.length < n)
        replies.push(...(await Promise.all(Array.from({ length: Math.min(20, n - replies.length) }, ask))));
    const refused = replies.filter((reply) => reply.status === 429);
    for (const reply of refused) {
        assert.equal(reply.body.code, code);
        const wait = Number(reply.headers.get("retry-after"));
        assert.ok(wait >= 1 && wait <= 60, `Retry-After: ${wait}`);
    }
    return n - refused.length;
}

/** `limit` at once, and what a minute's even share has brought since. */
function about(limit, got, began) {
    const more = Math.ceil(((Date.now() - began) * limit) / 60_000) + 1;
    assert.ok(got >= limit && got <= limit + more, `${got} of ${limit} let through`);
}

test("200 a minute for an address without a token, 2,000 for an account, unless set otherwise", async (t) => {
    const server = await serve(t, { RATE_LIMIT: undefined });
    const me = await account(server);
    let began = Date.now();
    const anonymous = await passed(260, () => guess(server));
    about(198, anonymous, began); // two were spent on the account
    began = Date.now();
    const own = await passed(2_300, () => me.call("GET", "/auth/users/me/"));
    about(2_000, own, began);
    tell("limits as they come", { "without a token": anonymous, "of an account": own });
    await passed(60, () => guess(server));
    assert.equal((await call(server, "GET", "/health")).status, 200, "health is never limited");
});

test("both are settable, and off", async (t) => {
    for (const [env, anonymous, own] of [
        [{ RATE_LIMIT: "10", ACCOUNT_RATE_LIMIT: "30" }, 8, 30],
        [{ RATE_LIMIT: "10", ACCOUNT_RATE_LIMIT: "off" }, 8, Infinity],
        [{ RATE_LIMIT: "off", ACCOUNT_RATE_LIMIT: "10" }, Infinity, 10],
        [{ RATE_LIMIT: "off" }, Infinity, Infinity],
    ]) {
        const server = await serve(t, env);
        const me = await account(server);
        for (const [limit, ask] of [
            [anonymous, () => guess(server)],
            [own, () => me.call("GET", "/auth/users/me/")],
        ]) {
            const began = Date.now();
            const got = await passed(60, ask);
            if (limit === Infinity) assert.equal(got, 60);
            else about(limit, got, began);
        }
    }
});

test("an account is one, whatever its sessions, and is not slowed by strangers of its address", async (t) => {
    const server = await serve(t, { RATE_LIMIT: "20", ACCOUNT_RATE_LIMIT: "40" });
    const me = await account(server);
    const again = await new Account(server, me.email).signIn();
    await passed(60, () => guess(server));
    const began = Date.now();
    const got = await passed(30, () => me.call("GET", "/tables/"));
    assert.equal(got, 30);
    about(40, got + (await passed(30, () => again.call("GET", "/tables/"))), began);
});

test("who has no token, or a wrong one, is a stranger", async (t) => {
    const server = await serve(t, { RATE_LIMIT: "30" });
    const me = await account(server);
    expectEnded(await me.call("POST", "/auth/tokens/blacklist/", { json: { refresh: me.refresh } }));
    const ways = [
        () => call(server, "GET", "/tables/"),
        () => call(server, "GET", "/tables/", { token: "a.b.c" }),
        () => call(server, "GET", "/tables/", { headers: { authorization: "Basic eDp5" } }),
        () => call(server, "GET", "/events/listen/?ticket=guessed"),
        () => me.call("GET", "/tables/"),
    ];
    const began = Date.now();
    let got = 0;
    for (const ask of ways) got += await passed(20, ask);
    about(27, got, began); // three were spent on the account
});

function expectEnded(reply) {
    assert.equal(reply.status, 205);
}

test("the token of an ended session is refused from memory", async (t) => {
    const server = await serve(t, { RATE_LIMIT: "off" });
    const me = await account(server);
    expectEnded(await me.call("POST", "/auth/tokens/blacklist/", { json: { refresh: me.refresh } }));
    for (let i = 0; i < 10; i++) {
        const reply = await me.call("GET", "/tables/");
        assert.equal(reply.status, 401);
        assert.equal(reply.body.code, "session_ended");
    }
});

test("X-Forwarded-For is a claim like any other", async (t) => {
    const server = await serve(t, { RATE_LIMIT: "10" });
    let i = 0;
    const began = Date.now();
    const got = await passed(60, () =>
        guess(server, { "x-forwarded-for": `10.0.0.${i++}`, "x-real-ip": `10.0.0.${i}` }),
    );
    about(10, got, began);
});

test("a proxy that is named is believed, and no more than it says", async (t) => {
    const server = await serve(t, { RATE_LIMIT: "10", TRUSTED_PROXIES: "127.0.0.1, 10.1.0.0/16" });
    let i = 0;
    const began = Date.now();
    assert.equal(await passed(60, () => guess(server, { "x-forwarded-for": `10.0.0.${i++}` })), 60);
    about(10, await passed(60, () => guess(server, { "x-forwarded-for": `10.0.1.${i++}, 192.0.2.1` })), began);
    about(
        10,
        await passed(60, () => guess(server, { "x-forwarded-for": `10.0.1.${i++}, 192.0.2.2, 10.1.2.3` })),
        began,
    );
    about(10, await passed(60, () => guess(server, { "x-forwarded-for": `2001:db8::${(i++).toString(16)}` })), began);
});

test("429 is answered from memory: no thread and no store", async (t) => {
    const server = await serve(t, { RATE_LIMIT: "20", WORKERS: "1" });
    const stored = () => readFileSync(path.join(server.dataDir, "store.db-wal")).length;
    const register = (n) =>
        call(server, "POST", "/auth/users/register/", {
            json: { primary_email: `m${n}@example.com`, password: PASSWORD },
        });
    // the one thread that hashes has work for seconds
    const busy = Array.from({ length: 20 }, (_, n) => register(n));
    await Promise.race(busy);
    const before = stored();
    const began = performance.now();
    assert.equal((await register(999)).status, 429);
    const waited = performance.now() - began;
    const all = await Promise.all(busy);
    assert.deepEqual(new Set(all.map((reply) => reply.status)), new Set([201]));
    tell("limits from memory", { "ms while all threads are busy": Math.round(waited) });
    assert.ok(performance.now() - began > waited * 2, `${waited} ms while the others took no longer`);
    assert.ok(before > 0);
});
