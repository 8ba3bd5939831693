// Sign-ins by the thousand, and by guessing: memory is bounded, others are answered, and each failure costs time.
import assert from "node:assert/strict";
import http from "node:http";
import { cpus } from "node:os";
import { Server, test, until } from "../api/harness.mjs";
import { account, Account, call, PASSWORD } from "../api/client.mjs";
import { Gauge, tell } from "./gauge.mjs";
import * as h2 from "./frames.mjs";
import { short } from "./wire.mjs";

const HASH_MB = 64;
const THREADS = Math.max(1, Math.floor(cpus().length / 2));
const QUEUE = 64;

async function serve(t, env) {
    const server = new Server({ env: { LOG_LEVEL: "error", TRUSTED_PROXIES: "127.0.0.1", ...env } });
    t.after(() => server.end());
    return server.start();
}

const from = (address) => ({ "x-forwarded-for": address });
const signIn = (server, primary_email, password, address = "192.0.2.1") =>
    call(server, "POST", "/auth/tokens/obtain/", { json: { primary_email, password }, headers: from(address) });

/** A sign-in on a connection of its own: {status, retry, code}. */
function alone(server, i) {
    const json = JSON.stringify({ primary_email: `crowd${i}@example.com`, password: `wrong ${i} wrong` });
    return new Promise((resolve, reject) => {
        const asked = http.request(
            `${server.url}/auth/tokens/obtain/`,
            {
                method: "POST",
                agent: false,
                headers: {
                    "content-type": "application/json",
                    "content-length": json.length,
                    ...from(`10.${i >> 8}.0.${i & 255}`),
                },
            },
            (answer) => {
                let text = "";
                answer.on("data", (piece) => (text += piece));
                answer.on("end", () =>
                    resolve({ status: answer.statusCode, headers: answer.headers, ...JSON.parse(text) }),
                );
            },
        );
        asked.once("error", reject);
        asked.end(json);
    });
}

test(
    "1,000 sign-ins at once",
    async (t) => {
        const server = await serve(t);
        const me = await account(server);
        await me.get("/tables/");
        const gauge = new Gauge(t, server, { path: "/tables/", token: me.access });
        const began = Date.now();
        const replies = await Promise.all(Array.from({ length: 1_000 }, (_, i) => alone(server, i)));
        const checked = replies.filter((reply) => reply.status === 401);
        const refused = replies.filter((reply) => reply.status === 503);
        assert.equal(checked.length + refused.length, 1_000);
        for (const reply of refused) {
            assert.match(reply.headers["retry-after"], /^[1-9]\d*$/);
            assert.match(reply.headers["content-type"], /^application\/problem\+json/);
        }
        assert.ok(
            checked.length >= QUEUE && refused.length > 0,
            `${checked.length} checked, ${refused.length} refused`,
        );
        await gauge.end(
            `1,000 sign-ins at once: ${checked.length} checked, ${refused.length} told to come back, ${THREADS} threads of ${HASH_MB} MB, ${((Date.now() - began) / 1_000).toFixed(1)} s`,
            { wait: 5_000, grown: THREADS * HASH_MB + 48 },
        );
        assert.equal((await signIn(server, me.email, PASSWORD)).status, 200);
    },
    { timeout: 300_000 },
);

test("sign-ins that nobody waits for any more are not done", async (t) => {
    const server = await serve(t);
    const me = await account(server);
    const json = Buffer.from(JSON.stringify({ primary_email: "nobody@example.com", password: "wrong" }));
    for (let round = 0; round < 10; round++) {
        const session = h2.session(t, server.port);
        const all = [];
        for (let id = 1; id < 100; id += 2) {
            const more = [
                ["content-type", "application/json"],
                ["x-forwarded-for", `10.${round}.0.${id}`],
            ];
            all.push(h2.headers(id, h2.request("/auth/tokens/obtain/", { method: "POST", more }), h2.END_HEADERS));
            all.push(h2.frame(h2.DATA, h2.END_STREAM, id, json));
        }
        await session.send(Buffer.concat([...all, h2.frame(h2.PING, 0, 0, Buffer.alloc(8))]));
        await until(() => session.of(h2.PING).length, "all to be taken");
        await session.close();
    }
    const began = Date.now();
    await until(async () => (await signIn(server, me.email, PASSWORD)).status === 200, "a place in the queue");
    const waited = Date.now() - began;
    tell("500 sign-ins of connections that are gone", { "the next one, ms": waited });
    // 64 of them would be in the queue, and each would take as long as this one
    const again = Date.now();
    assert.equal((await signIn(server, me.email, PASSWORD)).status, 200);
    assert.ok(
        waited < 20 * (Date.now() - again),
        `${waited} ms behind those that are gone, ${Date.now() - again} ms alone`,
    );
});

/** Fails `n` times, one after the other; the statuses. */
async function fail(server, n, email, address) {
    const replies = [];
    for (let i = 0; i < n; i++) replies.push(await signIn(server, email(i), `wrong ${i}`, address(i)));
    for (const reply of replies.filter((one) => one.status === 429)) {
        assert.equal(reply.body.code, "too_many_attempts");
        assert.match(reply.headers.get("retry-after"), /^[1-9]\d*$/);
    }
    return replies.map((reply) => reply.status);
}

const count = (statuses, status) => statuses.filter((one) => one === status).length;

test("guessing at one account from one address: five, then it gets slow", async (t) => {
    const server = await serve(t);
    const [me, other] = [await account(server), await account(server)];
    const statuses = await fail(
        server,
        30,
        () => me.email,
        () => "192.0.2.7",
    );
    assert.deepEqual(statuses.slice(0, 5), Array(5).fill(401));
    assert.ok(count(statuses, 429) >= 20, statuses.join(" "));
    assert.equal((await signIn(server, me.email, PASSWORD, "192.0.2.7")).status, 429);
    assert.equal((await signIn(server, other.email, PASSWORD, "192.0.2.7")).status, 200);
    assert.equal((await signIn(server, me.email, PASSWORD, "192.0.2.8")).status, 200);
});

test("one address, many accounts: twenty, then it gets slow", async (t) => {
    const server = await serve(t);
    const me = await account(server);
    assert.equal((await signIn(server, me.email, PASSWORD, "192.0.2.9")).status, 200);
    const statuses = await fail(
        server,
        60,
        (i) => `sprayed${i}@example.com`,
        () => "192.0.2.9",
    );
    assert.ok(count(statuses, 401) >= 20 && count(statuses, 401) <= 30, statuses.join(" "));
    assert.equal((await signIn(server, me.email, PASSWORD, "192.0.2.9")).status, 200, "who is known there");
    assert.equal((await signIn(server, me.email, PASSWORD, "192.0.2.10")).status, 200, "from elsewhere");
});

test("one address of IPv6 is a network of them", async (t) => {
    const server = await serve(t);
    const me = await account(server);
    const statuses = await fail(
        server,
        30,
        () => me.email,
        (i) => `2001:db8:0:1::${i}`,
    );
    assert.ok(count(statuses, 401) <= 12, statuses.join(" "));
});

test("many addresses, one account: fifty, then it gets slow, but not for its own", async (t) => {
    const server = await serve(t);
    const me = await account(server);
    assert.equal((await signIn(server, me.email, PASSWORD, "192.0.2.11")).status, 200);
    const statuses = await fail(
        server,
        short ? 60 : 300,
        () => me.email,
        (i) => `10.${i >> 8}.3.${i & 255}`,
    );
    assert.ok(count(statuses, 401) >= 50 && count(statuses, 429) >= 5, statuses.join(" "));
    assert.equal((await signIn(server, me.email, PASSWORD, "192.0.2.12")).status, 429);
    assert.equal((await signIn(server, me.email, PASSWORD, "192.0.2.11")).status, 200, "where it has signed in before");
    await new Account(server, (await account(server)).email).signIn();
});
