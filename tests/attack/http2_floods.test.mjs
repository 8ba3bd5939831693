// HTTP/2 floods: frames that cost the peer nothing. Each ends with GOAWAY or a closed connection, and others are answered.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import * as h2 from "./frames.mjs";
import { Gauge } from "./gauge.mjs";
import { short } from "./wire.mjs";

const server = useServer({ env: { LOG_LEVEL: "error" } });
const seconds = short ? 1 : 10;
const SIDE_BY_SIDE = 4;

/** Sends `make(i)`, i from 0 on, until the server has had enough; how many were taken before that. */
async function flood(session, make, end) {
    let sent = 0;
    while (!session.gone && session.goaway === undefined && Date.now() < end) {
        const batch = [];
        for (let i = 0; i < 100; i++) batch.push(make(sent + i));
        if (!(await session.send(Buffer.concat(batch)))) break;
        sent += 100;
        if (sent % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    return sent;
}

const odd = (i) => 2 * i + 1;
const big = (size) => Buffer.alloc(size, "a");
const opened = h2.headers(1, h2.request("/auth/users/register/", { method: "POST" }), h2.END_HEADERS);
const broken = h2.headers(1, h2.request(), h2.END_STREAM);

/** 4 KB that say 3 MB: a header is put into the table of headers and then named again and again. */
const bomb = Buffer.concat([
    h2.request(),
    h2.field("x", "y".repeat(1_000), true),
    ...Array.from({ length: 3_000 }, () => h2.indexed(62)),
]);

/** What the server must cut off, frame by frame. */
const floods = {
    "rapid reset": (i) => Buffer.concat([h2.get(odd(i), "/ready"), h2.reset(odd(i))]),
    "windows too wide, so that we reset": (i) =>
        Buffer.concat([h2.get(odd(i), "/ready"), h2.widen(odd(i), 2 ** 31 - 1)]),
    "more data than was declared, so that we reset": (i) =>
        Buffer.concat([
            h2.headers(
                odd(i),
                h2.request("/ready", { method: "POST", more: [["content-length", "0"]] }),
                h2.END_HEADERS,
            ),
            h2.frame(h2.DATA, 0, odd(i), big(1)),
        ]),
    "streams beyond the limit": (i) => h2.headers(odd(i), h2.request("/health", { method: "POST" }), h2.END_HEADERS),
    "heads beyond all measure": (i) => h2.headers(odd(i), bomb),
    SETTINGS: () => h2.settings([4, 65_535]),
    "SETTINGS that change every window": (i) => h2.settings([4, i % 2 ? 0 : 2 ** 31 - 1]),
    "SETTINGS that change the table of headers": (i) => h2.settings([1, i % 2 ? 0 : 2 ** 20]),
    PING: () => h2.frame(h2.PING, 0, 0, big(8)),
    PRIORITY: (i) => h2.frame(h2.PRIORITY, 0, odd(i), Buffer.concat([h2.u32(0), big(1)])),
    "empty DATA": (i) => (i ? h2.frame(h2.DATA, 0, 1) : opened),
    "DATA that is padding only": (i) =>
        i ? h2.frame(h2.DATA, h2.PADDED, 1, Buffer.concat([Buffer.from([255]), big(255)])) : opened,
    CONTINUATION: (i) => (i ? h2.frame(h2.CONTINUATION, 0, 1, h2.field(`x-${i}`, "y")) : broken),
    "empty CONTINUATION": (i) => (i ? h2.frame(h2.CONTINUATION, 0, 1) : broken),
};

/** One session after the other, each until the server ends it, which the first has `patience` ms more for. */
async function storm(t, make, end, patience = 0) {
    const counts = { ended: 0, frames: 0 };
    for (let last = end + patience; Date.now() < last; last = end) {
        const session = h2.session(t, server.port);
        counts.frames += await flood(session, make, last);
        if (Date.now() >= last) return counts;
        await session.stopped();
        await until(() => session.gone, "the connection to be closed");
        counts.ended++;
    }
    return counts;
}

for (const [what, make] of Object.entries(floods)) {
    test(`a flood: ${what}`, async (t) => {
        const gauge = new Gauge(t, server);
        const end = Date.now() + seconds * 1_000;
        const storms = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => storm(t, make, end, 20_000)));
        const ended = storms.reduce((sum, one) => sum + one.ended, 0);
        const frames = storms.reduce((sum, one) => sum + one.frames, 0);
        await gauge.end(`${what}, ${frames} frames, ${ended} sessions ended`);
        assert.ok(ended >= SIDE_BY_SIDE, `${ended} sessions ended`);
    });
}

/** What a peer may send as much of as it likes: it costs no more than any bytes do. */
const harmless = {
    "frames of an unknown type": () => h2.frame(0xbe, 0, 0, big(8)),
    "bytes of the connection's window, one at a time": () => h2.widen(0, 1),
};

for (const [what, make] of Object.entries(harmless)) {
    test(`a flood that is only bytes: ${what}`, async (t) => {
        const gauge = new Gauge(t, server);
        const end = Date.now() + seconds * 1_000;
        const storms = await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => storm(t, make, end)));
        const frames = storms.reduce((sum, one) => sum + one.frames, 0);
        await gauge.end(`${what}, ${frames} frames`);
    });
}
