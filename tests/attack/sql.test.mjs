// Hostile SQL against the program as it is: refused with a reason or stopped by a named limit, while others go on working.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Server, slow, test } from "../api/harness.mjs";
import { ENV, LIMIT_MS, Neighbour, QUERY_SECONDS, Siege, some } from "./siege.mjs";
import { grown, innocent, refused, stopped } from "./statements.mjs";

const server = new Server({ env: ENV });
const siege = new Siege(server);
const LIMITS = {
    query_timeout: new RegExp(`longer than the ${QUERY_SECONDS} second`),
    query_memory: /more memory than the 256 MB/,
    query_depth: /nested more deeply/,
};
const counts = { statements: 0, views: 0, refused: 0, stopped: {} };
let me;

before(async () => {
    await server.start();
    me = await siege.begin();
}, { timeout: 60_000 * slow });
after(async () => {
    siege.end();
    await server.end();
    const limits = Object.entries(counts.stopped).map(([code, n]) => `${n} by ${code}`);
    console.log(
        `hostile sql: statements ${counts.statements} | as views ${counts.views} | refused ${counts.refused} | stopped ${limits.join(", ")} | leaked 0`,
    );
});

/** Sends a statement as a query or a view: {reply, about}; it answers in time, and its team can go on. */
async function send(sql, as) {
    const text = siege.fill(sql, me);
    const began = Date.now();
    const reply =
        as === "view"
            ? await me.call("POST", "/views/", { json: { view_name: "hostile", sql_query: text } })
            : await me.call("POST", "/queries/", { json: { sql: text } });
    const about = siege.silent(reply, text);
    assert.ok(Date.now() - began < LIMIT_MS * slow, `${Date.now() - began} ms for ${about}`);
    await siege.works(me, about);
    counts[as === "view" ? "views" : "statements"]++;
    return { reply, about };
}

/** A refusal says what is wrong with the statement; on a busy machine one that is large may meet a limit before. */
function isRefused({ reply, about }) {
    if (reply.body.code in LIMITS) {
        isStopped({ reply, about });
        return;
    }
    assert.equal(reply.status, 422, about);
    assert.ok(["invalid_query", "invalid_fields"].includes(reply.body.code), about);
    assert.ok((reply.body.detail + JSON.stringify(reply.body.errors ?? "")).length > 15, about);
    counts.refused++;
}

function isStopped({ reply, about }) {
    const { code, detail } = reply.body;
    assert.ok(reply.status === 422 || reply.status === 504, about);
    assert.ok(code in LIMITS, about);
    assert.match(detail, LIMITS[code], about);
    counts.stopped[code] = (counts.stopped[code] ?? 0) + 1;
}

async function noViews() {
    assert.deepEqual(await me.all("/views/"), []);
    siege.untouched();
}

for (const [name, statements] of Object.entries(refused)) {
    test(`${name}: ${statements.length} statements are refused`, async (t) => {
        const neighbour = new Neighbour(t, siege);
        for (const sql of statements) isRefused(await send(sql, "query"));
        for (const sql of statements.filter((_, i) => i % 2 === 0)) isRefused(await send(sql, "view"));
        await neighbour.end();
        await noViews();
    }, { timeout: 120_000 });
}

for (const [name, statements] of Object.entries(stopped)) {
    const chosen = some(statements, 6);
    test(`${name}: ${chosen.length} statements are stopped`, async (t) => {
        const neighbour = new Neighbour(t, siege);
        for (const sql of chosen) isStopped(await send(sql, "query"));
        for (const sql of chosen.filter((_, i) => i % 3 === 0)) isStopped(await send(sql, "view"));
        console.log(`${name}: ${await neighbour.end()}`);
        await noViews();
    }, { timeout: 600_000 });
}

test("a view that grows is stopped at its refresh, and keeps its rows", async (t) => {
    const chosen = some(grown, 3);
    const neighbour = new Neighbour(t, siege);
    await me.table("dial", "n\n1\n");
    for (const [i, sql] of chosen.entries()) await me.view(`grown${i}`, sql);
    const old = await Promise.all(chosen.map((_, i) => me.rows(`grown${i}`, "views")));
    await me.post("/tables/dial/rows/", { rows: [{ n: 1_000_000 }] }, 201);
    for (const i of chosen.keys()) {
        const reply = await me.call("POST", `/views/grown${i}/refresh/`);
        isStopped({ reply, about: siege.silent(reply, chosen[i]) });
        await siege.works(me, chosen[i]);
        assert.deepEqual(await me.rows(`grown${i}`, "views"), old[i]);
        assert.equal((await me.get(`/views/grown${i}/`)).version, 1);
    }
    for (const i of chosen.keys()) await me.del(`/views/grown${i}/`);
    await me.del("/tables/dial/");
    await neighbour.end();
    await noViews();
}, { timeout: 120_000 });

test("a statement that only looks hostile is taken, and tells nothing but itself", async () => {
    for (const sql of innocent) {
        const reply = await me.call("POST", "/queries/", { json: { sql } });
        assert.equal(reply.status, 200, siege.silent(reply, sql));
    }
});

test("many at once leave the neighbour alone", async (t) => {
    const neighbour = new Neighbour(t, siege);
    const chosen = [...some(stopped.processor, 6), ...some(stopped.memory, 6), ...stopped.depth].slice(0, 24);
    const others = [me, await siege.attacker(), await siege.attacker()];
    await Promise.all(
        others.map(async (one, i) => {
            for (const sql of chosen.filter((_, at) => at % others.length === i)) {
                const reply = await one.call("POST", "/queries/", { json: { sql } });
                isStopped({ reply, about: siege.silent(reply, sql) });
            }
        }),
    );
    for (const one of others) await siege.works(one, "many at once");
    console.log(`at once: ${await neighbour.end()}`);
    siege.untouched();
}, { timeout: 300_000 });
