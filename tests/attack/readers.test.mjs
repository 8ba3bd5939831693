// Readers that stop: a stream or an answer that nobody takes costs a bounded part of memory, and nobody waits for it.
import assert from "node:assert/strict";
import { slow, test, until, useServer } from "../api/harness.mjs";
import { account } from "../api/client.mjs";
import * as h2 from "./frames.mjs";
import { connected, Gauge, tell } from "./gauge.mjs";
import { head, short, wire } from "./wire.mjs";

const server = useServer({ env: { LOG_LEVEL: "error" } });
const READERS = short ? 4 : 10; // sessions of 20 streams
const EVENTS = short ? 30 : 100;
const EVENTS_FILL = 300; // more than the kernel keeps for a connection
const LATE_MS = 2_000;

/** An event of 60 KB in the log each time: a view's text is in it. */
async function noise(me, i) {
    const sql_query = `SELECT ${i} AS n -- ${"x".repeat(60_000)}`;
    if (i === 0) await me.view("noisy", sql_query);
    else await me.patch("/views/noisy/", { sql_query });
}

/** The ids of a log's stream, which must rise one by one. */
function ids(text) {
    return [...text.matchAll(/^id: (?:\d+-)?(\d+)$/gm)].map((found) => Number(found[1]));
}

/** `n` events, one after the other, each with who reads at once; the slowest of these in ms. */
async function tellAll(me, quick, n) {
    let slowest = 0;
    for (let i = 0; i < n; i++) {
        await noise(me, i);
        const began = Date.now();
        await quick.next("message", (event) => event.text.includes(`SELECT ${i} AS n`));
        slowest = Math.max(slowest, Date.now() - began);
    }
    assert.ok(slowest < LATE_MS * slow, `an event took ${slowest} ms to who reads`);
    return slowest;
}

/** All that `quick` has, one by one. */
function checkAll(text, quick, n) {
    const got = ids(text);
    assert.deepEqual(got, ids(quick.text));
    for (const [i, id] of got.entries()) if (i) assert.equal(id, got[i - 1] + 1, "an event is missing or twice");
    assert.ok(got.length >= n, `${got.length} events`);
    return got.length;
}

test(
    "readers whose windows shut, and open again",
    async (t) => {
        const me = await account(server);
        const more = [["authorization", `JWT ${me.access}`]];
        const sessions = Array.from({ length: READERS }, () => h2.session(t, server.port, { first: [[4, 2_200]] }));
        for (const session of sessions) {
            const streams = Array.from({ length: 20 }, (_, i) => h2.get(2 * i + 1, "/events/listen/", { more }));
            await session.send(Buffer.concat(streams));
        }
        const open = (session) => session.of(h2.DATA).length >= 20;
        await until(() => sessions.every(open), "all streams to open");
        const quick = await me.listenLog(t);
        const gauge = new Gauge(t, server);
        const slowest = await tellAll(me, quick, EVENTS);
        const streams = READERS * 20;
        // a quarter of a MB each, and no more than all of it is for each
        await gauge.end(
            `${streams} readers that stop, ${EVENTS} events of 60 KB, the slowest to who reads ${slowest} ms`,
            {
                grown: 64 + Math.min(streams / 3, (streams * EVENTS * 60) / 1_024),
            },
        );
        for (const session of sessions) {
            session.send(
                Buffer.concat([
                    h2.widen(0, 2 ** 30),
                    ...Array.from({ length: 20 }, (_, i) => h2.widen(2 * i + 1, 2 ** 30)),
                ]),
            );
        }
        const last = ids(quick.text).at(-1);
        const whole = (session, i) => session.body(2 * i + 1).includes(`\nid: ${last}\n`);
        let events = 0;
        for (const session of sessions) {
            for (let i = 0; i < 20; i++) {
                await until(() => whole(session, i), "the rest to come", 60_000);
                events += checkAll(session.body(2 * i + 1), quick, EVENTS);
            }
        }
        tell("readers that went on", { readers: streams, events, missing: 0, repeated: 0 });
    },
    { timeout: 300_000 },
);

test(
    "a reader of HTTP/1.1 that stops, and goes on",
    async (t) => {
        const me = await account(server);
        const one = wire(t, server.port);
        await one.send(head("GET", "/events/listen/", { Authorization: `JWT ${me.access}` }));
        await until(() => one.text.includes("stream-open"), "its stream to open");
        one.socket.pause();
        const quick = await me.listenLog(t);
        await tellAll(me, quick, EVENTS_FILL);
        one.socket.resume();
        const last = ids(quick.text).at(-1);
        await until(() => one.gone || ids(one.text).at(-1) === last, "the rest to come", 30_000);
        if (one.gone) {
            // cut off: it goes on from what it has
            const again = await me.listenLog(t, { lastEventId: String(ids(one.text).at(-1)) });
            await until(() => ids(again.text).at(-1) === last, "the rest to come to who comes back", 30_000);
            checkAll(one.text + again.text, quick, EVENTS_FILL);
        } else {
            checkAll(one.text, quick, EVENTS_FILL);
        }
        tell("a reader of HTTP/1.1 that went on", {
            events: EVENTS_FILL,
            "cut off": Number(Boolean(one.gone)),
            missing: 0,
        });
    },
    { timeout: 300_000, skip: short },
);

test(
    "readers of a stream that never go on are cut off",
    async (t) => {
        const me = await account(server);
        const one = wire(t, server.port, { keep: false });
        await one.send(head("GET", "/events/listen/", { Authorization: `JWT ${me.access}` }));
        await until(() => one.received > 2_000, "the stream to open");
        one.socket.pause();
        for (let i = 0; i < EVENTS_FILL; i++) await noise(me, i);
        const began = Date.now();
        await until(() => !connected(server.port, one.socket.localPort), "the server to close", 90_000);
        tell("a reader that never goes on", { "closed after s": Math.round((Date.now() - began) / 1_000) });
    },
    { timeout: 200_000, skip: short },
);

test(
    "answers that nobody reads: HTTP/2 with windows that stay shut",
    async (t) => {
        const me = await account(server);
        await me.table(
            "wide",
            `n,text\n${Array.from({ length: 2_000 }, (_, i) => `${i},${"x".repeat(2_000)}\n`).join("")}`,
        );
        const gauge = new Gauge(t, server, { path: "/tables/", token: me.access });
        const sessions = Array.from({ length: short ? 4 : 10 }, () =>
            h2.session(t, server.port, { first: [[4, 0]], keep: true }),
        );
        const more = [["authorization", `JWT ${me.access}`]];
        for (const session of sessions)
            await session.send(
                Buffer.concat(
                    Array.from({ length: 60 }, (_, i) => h2.get(2 * i + 1, "/tables/wide/rows/?limit=2000", { more })),
                ),
            );
        const answered = () =>
            sessions.reduce((sum, one) => sum + new Set(one.of(h2.HEADERS).map((frame) => frame.id)).size, 0);
        await until(() => answered() === sessions.length * 60, `all to be answered or refused`, 60_000);
        await gauge.end(`${sessions.length * 60} answers of 4 MB that nobody reads`, { wait: 4_000, grown: 1_024 });
        // who opens a window gets its answer all the same
        const session = h2.session(t, server.port, { first: [[4, 0]] });
        await session.send(h2.get(1, "/docs"));
        await until(() => session.of(h2.HEADERS, 1).length, "the head");
        for (let i = 0; i < 200; i++) await session.send(Buffer.concat([h2.widen(1, 1_000), h2.widen(0, 1_000)]));
        await session.outcome(1);
        assert.match(session.body(1), /<html/i);
        await Promise.all(sessions.map((one) => one.close()));
    },
    { timeout: 200_000 },
);

test("windows of one byte", async (t) => {
    const gauge = new Gauge(t, server);
    const sessions = Array.from({ length: 20 }, () => h2.session(t, server.port, { first: [[4, 1]] }));
    for (const session of sessions) {
        await session.send(Buffer.concat(Array.from({ length: 100 }, (_, i) => h2.get(2 * i + 1, "/openapi.json"))));
        await until(() => session.of(h2.DATA).length >= 100, "a byte for each");
    }
    for (const session of sessions) {
        const all = Array.from({ length: 100 }, (_, i) => h2.widen(2 * i + 1, 1));
        for (let i = 0; i < (short ? 20 : 200); i++) await session.send(Buffer.concat(all));
    }
    await gauge.end("2,000 streams with windows of one byte", { grown: 64 });
});

test("HTTP/1.1: requests by the thousand, and not one answer read", async (t) => {
    const gauge = new Gauge(t, server);
    const crowd = Array.from({ length: short ? 20 : 100 }, () => wire(t, server.port, { keep: false }));
    const requests = head("GET", "/openapi.json").repeat(200);
    for (const one of crowd) one.socket.pause();
    let sent = 0;
    const end = Date.now() + (short ? 2_000 : 20_000);
    await Promise.all(
        crowd.map(async (one) => {
            while (Date.now() < end) {
                const taken = await Promise.race([
                    one.send(requests),
                    new Promise((resolve) => setTimeout(resolve, 500, false)),
                ]);
                if (!taken) return;
                sent += 200;
            }
        }),
    );
    await gauge.end(`${crowd.length} connections, ${sent} requests, no answer read`, {
        wait: 10_000,
        grown: 24 + 2 * crowd.length,
    });
});
