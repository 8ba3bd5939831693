// One change of a team's tables and views at a time: who waits for it, who is turned away, and what a stop makes of them.
import assert from "node:assert/strict";
import { Server, slow, test, until, within } from "./harness.mjs";
import { account, uploadForm } from "./client.mjs";
import { range } from "./files.mjs";

const LONG = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1";

/** A server of its own, with a team whose turn `hold` takes for `seconds`. */
async function team(t, seconds) {
    const server = new Server({ env: { QUERY_SECONDS: String(seconds), ACCESS_TOKEN_SECONDS: "3600" } });
    await server.start();
    t.after(() => server.end());
    const me = await account(server);
    await me.table("t", "n\n1\n");
    await me.view("v", "SELECT now() AS n");
    return { server, me };
}

/** A call whose end nobody waits for. */
function leave(call) {
    return call.catch(() => undefined);
}

/** Something that takes the turn until its time is over; `taken` once the engine is at it. */
function hold(me) {
    const held = leave(me.call("POST", "/views/", { json: { view_name: "long", sql_query: LONG } }));
    const taken = until(
        async () => {
            const late = leave(me.call("POST", "/views/v/refresh/"));
            return !(await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 200 * slow, false))]));
        },
        "the turn to be taken",
    );
    return { held, taken };
}

function append(me, rows) {
    const headers = { prefer: "respond-async" };
    return me.call("POST", "/tables/t/rows/", { json: { rows }, headers });
}

test("requests and an accepted load wait for their turn, however many wait", async (t) => {
    const { me } = await team(t, 2 * slow);
    const { held, taken } = hold(me);
    await taken;
    const waiting = range(24).map(() => me.call("POST", "/views/v/refresh/"));
    const load = await append(me, [{ n: 2 }]);
    assert.equal(load.status, 202);
    assert.equal((await held).status, 504);
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    assert.deepEqual([...new Set(statuses)], [200]);
    const ended = await until(async () => {
        const now = await me.get(`/loads/${load.body.id}/`);
        return now.state !== "running" && now;
    }, "the load to end");
    assert.deepEqual([ended.state, ended.rows], ["succeeded", 1]);
});

test("a load that waits for its turn is stopped at once; one that a client waits for ends with the client", async (t) => {
    const { me } = await team(t, 5 * slow);
    const { held, taken } = hold(me);
    await taken;
    const { id } = (await append(me, [{ n: 2 }])).body;
    const other = me.call("POST", "/tables/t/rows/", { json: { rows: [{ n: 3 }] } });
    const running = await until(async () => {
        const { data } = await me.get("/loads/?state=running");
        return data.length === 2 && data;
    }, "two loads to be under way");
    const waited = running.find((load) => load.id !== id);
    assert.equal((await me.del(`/loads/${waited.id}/`, 409)).code, "load_awaited");
    await me.del(`/loads/${id}/`);
    const ended = until(async () => {
        const load = await me.get(`/loads/${id}/`);
        return load.state !== "running" && load;
    }, "the load to end");
    const first = await Promise.race([ended, held]);
    assert.deepEqual([first.state, first.error?.code], ["failed", "stopped"]);
    assert.equal((await held).status, 504);
    assert.equal((await other).status, 201);
    assert.deepEqual(await me.rows("t"), [{ n: 1 }, { n: 3 }]);
    await me.del("/loads/nothing/", 404);
});

test("a run that gets no turn in time is a failed run, and told", async (t) => {
    const { me } = await team(t, 1);
    const { id } = await me.job("v", "1 seconds");
    const log = await me.listenLog(t, { query: "?type=run.failed" });
    let stop = false;
    const holders = range(3).map(async () => {
        while (!stop) await me.call("POST", "/views/", { json: { view_name: "long", sql_query: LONG } });
    });
    const told = await log.next("message", ({ data }) => data.data.job_id === id, 40_000);
    stop = true;
    await Promise.all(holders);
    assert.match(told.data.data.error, /still under way/);
    const runs = await me.all(`/jobs/${id}/runs/`);
    const failed = runs.find((run) => run.id === told.data.data.id);
    assert.deepEqual([failed.outcome, failed.error, failed.version], ["failed", told.data.data.error, null]);
});

test("a stop does not wait for those who wait for a turn", async (t) => {
    const { server, me } = await team(t, 60);
    await me.job("v", "1 seconds");
    await hold(me).taken;
    const load = await append(me, [{ n: 2 }]);
    assert.equal(load.status, 202);
    server.child.kill("SIGTERM");
    assert.equal(await within(10_000, server.exited, "the server to stop"), 0);
    await server.start();
    const ended = await me.get(`/loads/${load.body.id}/`);
    assert.deepEqual([ended.state, ended.error.code], ["failed", "interrupted"]);
    assert.deepEqual(await me.rows("t"), [{ n: 1 }]);
});

test("what is longer than a stop may take is told so", async (t) => {
    const { server, me } = await team(t, 60);
    const { held, taken } = hold(me);
    await taken;
    server.child.kill("SIGTERM");
    const reply = await held;
    assert.deepEqual([reply.status, reply.body.code], [503, "stopping"]);
    assert.ok(reply.headers.get("retry-after"));
    assert.equal(await within(10_000, server.exited, "the server to stop"), 0);
});

test("what a kill makes of loads: those that are done say so, the others have failed", async (t) => {
    const { server, me } = await team(t, 60);
    const loads = await Promise.all(range(40).map((i) => append(me, [{ n: 10 + i }])));
    await until(async () => (await me.get("/tables/t/")).row_count > 3, "some of the loads to be done");
    await server.restart();
    const numbers = (await me.rows("t")).map(({ n }) => n);
    const done = await Promise.all(
        loads.map(async ({ body }, i) => {
            const { state } = await me.get(`/loads/${body.id}/`);
            assert.equal(state, numbers.includes(10 + i) ? "succeeded" : "failed", `load ${i}`);
            return state === "succeeded";
        }),
    );
    assert.ok(done.includes(true) && done.includes(false), done.join(" "));
    assert.equal(numbers.length, 1 + done.filter(Boolean).length);
});
