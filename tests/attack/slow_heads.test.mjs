// Heads that never end, over HTTP/1.1 and HTTP/2: closed in bounded time, and nobody is kept out.
import assert from "node:assert/strict";
import { program, slow, Server, test, until, useServer } from "../api/harness.mjs";
import { dawdle, dripping, endlessly } from "./dawdlers.mjs";
import * as h2 from "./frames.mjs";
import { tell } from "./gauge.mjs";
import { exchange, head, short, Wire, wire } from "./wire.mjs";

const server = useServer({ env: { LOG_LEVEL: "error" } });
const plain = () => new Wire(server.port);
const two = () => new h2.Session(server.port);

test(
    "heads that never end",
    async (t) => {
        const crowds = await Promise.all([
            dawdle(t, server, "a request line", 15, dripping(t, plain, "GET /", "a")),
            dawdle(t, server, "headers", 15, dripping(t, plain, "GET /health HTTP/1.1\r\nHost: x\r\n", "A: b\r\n")),
            dawdle(t, server, "nothing at all", 15, dripping(t, plain, "", "")),
            dawdle(t, server, "empty lines before the request", 15, dripping(t, plain, "", "\r\n")),
            dawdle(t, server, "a second request's head", 15, dripping(t, plain, head("GET", "/health"), "G")),
            dawdle(t, server, "HTTP/2: half of the preface", 15, dripping(t, plain, h2.preface.subarray(0, 10), "")),
            dawdle(
                t,
                server,
                "HTTP/2: headers in continuations",
                17,
                dripping(
                    t,
                    two,
                    h2.headers(1, h2.request(), h2.END_STREAM),
                    h2.frame(h2.CONTINUATION, 0, 1, h2.field("a", "b")),
                    3_000,
                ),
            ),
            dawdle(
                t,
                server,
                "HTTP/2: a frame of headers, byte by byte",
                17,
                dripping(
                    t,
                    two,
                    Buffer.concat([
                        h2.headers(1, h2.request(), h2.END_STREAM),
                        Buffer.from([0, 0x3f, 0xff, 9, 0, 0, 0, 0, 1]),
                    ]),
                    "a",
                ),
            ),
        ]);
        for (const one of crowds[1]) assert.deepEqual(one.statuses, [408]);
        for (const one of crowds[4]) assert.deepEqual(one.statuses, [200, 408]);
        for (const one of crowds[6]) assert.equal(one.goaway, h2.CALM_DOWN);
    },
    { timeout: 120_000 },
);

test(
    "SETTINGS once in a while do not keep a connection that asks for nothing",
    async (t) => {
        const session = h2.session(t, server.port);
        const began = Date.now();
        session.drip(endlessly(Buffer.alloc(0), h2.settings()), 5_000);
        await until(() => session.gone, "the connection to be closed", 90_000);
        tell("slow: HTTP/2 with nothing but SETTINGS", {
            "closed after s": Math.round((session.gone - began) / 1_000),
        });
    },
    { timeout: 120_000, skip: short },
);

test(
    "more dawdlers than there are connections do not keep others out",
    async (t) => {
        const own = new Server({
            env: { LOG_LEVEL: "error" },
            wrap: (args) => ["sh", ["-c", 'ulimit -n 700; exec "$@"', "sh", program, ...args]],
        });
        t.after(() => own.end());
        await own.start();
        const waits = [];
        const crowd = { over: false, made: 0 };
        t.after(() => (crowd.over = true));
        const dawdler = async () => {
            while (!crowd.over) {
                const one = wire(t, own.port);
                crowd.made++;
                one.send("GET /health HTTP/1.1\r\nHost: ");
                await one.closed;
            }
        };
        Array.from({ length: 900 }, dawdler);
        await until(() => crowd.made >= 900, "the crowd");
        for (let i = 0; i < 2; i++) {
            const began = Date.now();
            const text = await exchange(own.port, head("GET", "/health", { Connection: "close" }));
            assert.match(text, /^HTTP\/1.1 200/);
            waits.push(Date.now() - began);
        }
        crowd.over = true;
        tell("slow: 900 dawdlers for 444 places", { others: waits.length, "slowest ms": Math.max(...waits) });
        assert.ok(Math.max(...waits) < 10_000 * slow, `another client waited ${Math.max(...waits)} ms`);
    },
    { timeout: 120_000 },
);
