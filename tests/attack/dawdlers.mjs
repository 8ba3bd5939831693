// Clients that dawdle: many that do the same, each of which must be closed in bounded time.
import assert from "node:assert/strict";
import { slow, until } from "../api/harness.mjs";
import { Gauge } from "./gauge.mjs";
import { short } from "./wire.mjs";

const CROWD = short ? 50 : 150;

/** What is dripped, byte by byte and without end, after `first`. */
export function* endlessly(first, piece) {
    yield first;
    for (;;) yield piece;
}

/** Many that do the same: all are closed within `most` seconds, and others are answered meanwhile. */
export async function dawdle(t, server, what, most, start) {
    const gauge = new Gauge(t, server);
    const began = Date.now();
    const crowd = Array.from({ length: CROWD }, start);
    await until(() => crowd.every((one) => one.gone), `all of ${what} to be closed`, (most + 15) * 1_000);
    const last = Math.max(...crowd.map((one) => one.gone)) - began;
    assert.ok(last < (most + 5) * 1_000 * slow, `${what}: closed after ${last} ms`);
    await gauge.end(`slow: ${what}, ${CROWD} clients, closed after ${(last / 1_000).toFixed(1)} s`);
    return crowd;
}

/** One that drips into a connection that is made by `make`. */
export function dripping(t, make, first, piece, every = 500) {
    return () => {
        const made = make();
        t.after(() => made.close());
        made.drip(endlessly(first, piece), every);
        return made;
    };
}
