// One team among others: however much one has to do, the next one is served as if it were alone, nearly.
import assert from "node:assert/strict";
import { Server, slow, test, until } from "./harness.mjs";
import { account } from "./client.mjs";
import { range } from "./files.mjs";

const LONG = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1";
const SECONDS = 4; // that a long query takes, until it is stopped
const SOON_MS = 2_000 * slow;

/** A server, a team that is to be busy and one that is to be served. */
async function teams(t) {
    const env = { QUERY_SECONDS: String(SECONDS * slow), ACCESS_TOKEN_SECONDS: "3600" };
    const server = new Server({ env });
    await server.start();
    t.after(() => server.end());
    const [busy, other] = [await account(server), await account(server)];
    for (const me of [busy, other]) {
        await me.table("t", "n\n1\n");
        await me.view("v", "SELECT now() AS n FROM t");
    }
    await other.refresh_view("v"); // its engine process is there
    return { server, busy, other };
}

/** Calls of which nobody awaits the end; `stop` waits until they have all been answered. */
function flood(t, me, calls) {
    const answered = [];
    const all = Promise.all(calls.map((call) => call().then((reply) => answered.push(reply.status))));
    t.after(() => all);
    return answered;
}

test("fifty slow jobs of a team don't hold up another team's job", async (t) => {
    const { busy, other } = await teams(t);
    const log = await busy.listenLog(t, { query: "?type=run.failed" });
    const jobs = await Promise.all(range(50).map(() => busy.job("v", "1 seconds")));
    // From the outside a view is only made when its query ends; its input can grow afterwards.
    await busy.patch("/views/v/", { sql_query: "SELECT count(*) AS n, now() AS at FROM t a, t b, t c, t d" });
    await busy.upload("/tables/t/replace/", { file: `n\n${"7\n".repeat(2_000)}` }, 200);
    await log.next("message", ({ data }) => /longer than/.test(data.data.error), 60_000);
    const { id } = await other.job("v", "1 seconds");
    const runs = await until(async () => {
        const ended = (await other.get(`/jobs/${id}/runs/`)).data.filter((run) => run.outcome !== "running");
        return ended.length >= 5 && ended;
    }, "five runs of the other team's job");
    for (const run of runs) {
        const late = Date.parse(run.started) - Date.parse(run.due);
        assert.equal(run.outcome, "succeeded");
        assert.ok(late + run.duration_ms < SOON_MS, `due ${run.due}, started after ${late} ms: ${run.duration_ms} ms`);
    }
    assert.equal(jobs.length, 50);
});

test("a team's slow queries don't fill the threads that ask the engine", async (t) => {
    const { busy, other } = await teams(t);
    const answered = flood(
        t,
        busy,
        range(40).map(() => () => busy.call("POST", "/queries/", { json: { sql: LONG } })),
    );
    await until(() => answered.includes(504), "the first of them to be stopped");
    for (let i = 0; i < 5; i++) {
        const began = Date.now();
        await other.post("/queries/", { sql: "SELECT count(*) AS n FROM t" }, 200);
        assert.ok(Date.now() - began < SOON_MS, `a query took ${Date.now() - began} ms`);
    }
    assert.ok(answered.length < 40, "the others are still under way");
});

test("requests that wait for a team's turn leave threads to the others", async (t) => {
    const { busy, other } = await teams(t);
    const calls = [
        () => busy.call("POST", "/views/", { json: { view_name: "long", sql_query: LONG } }),
        ...range(40).map((i) => () => busy.call("POST", "/tables/t/rows/", { json: { rows: [{ n: i }] } })),
    ];
    const answered = flood(t, busy, calls);
    for (let i = 0; i < 5; i++) {
        const began = Date.now();
        await other.post("/tables/t/rows/", { rows: [{ n: i }] });
        assert.ok(Date.now() - began < SOON_MS, `an append took ${Date.now() - began} ms`);
    }
    await until(() => answered.length === calls.length, "all to be answered", 60_000);
    assert.deepEqual([...new Set(answered)].sort(), [201, 504]);
});

test("a team's waiting loads leave loaders to the others", async (t) => {
    const { busy, other } = await teams(t);
    const headers = { prefer: "respond-async" };
    flood(t, busy, [() => busy.call("POST", "/views/", { json: { view_name: "long", sql_query: LONG } })]);
    const load = (me) => me.call("POST", "/tables/t/rows/", { json: { rows: [{ n: 1 }] }, headers });
    const accepted = await Promise.all(range(20).map(() => load(busy)));
    assert.ok(accepted.every(({ status }) => status === 202));
    const { body } = await load(other);
    const began = Date.now();
    const ended = () => other.get(`/loads/${body.id}/`).then(({ state }) => state === "succeeded");
    await until(ended, "the other team's load to end");
    assert.ok(Date.now() - began < SOON_MS, `it took ${Date.now() - began} ms`);
});
