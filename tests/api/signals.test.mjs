// Signals: what is true now and not kept, told to those who listen to the log and ask for it.
import assert from "node:assert/strict";
import { test, until, useServer } from "./harness.mjs";
import { account, stage, uploadForm } from "./client.mjs";
import { csv, range } from "./files.mjs";

const server = useServer();
const HEAVY = "SELECT count(*) AS n, now() AS t FROM range(4000) a, range(20000) b WHERE a.range + b.range = -1";

const hear = (me, t, query = "?signals=true", more = {}) => me.listenLog(t, { query, ...more });
const kind = (name, where = () => true) => (event) => event.data.kind === name && where(event.data);

test("the count of a channel's listeners is told as it changes, the last value always", async (t) => {
    const { me, channel } = await stage(server);
    const log = await hear(me, t);
    const one = await me.listen(t, channel);
    const told = await log.next("signal", kind("listeners", (data) => data.listeners === 1));
    assert.deepEqual(told.data, { kind: "listeners", channel, listeners: 1 });
    assert.equal(told.id, undefined, "a signal has no place in the log");
    const many = [];
    for (let i = 0; i < 40; i++) many.push(await me.listen(t, channel));
    await log.next("signal", kind("listeners", (data) => data.listeners === 41));
    for (const each of [one, ...many]) await each.close();
    await log.next("signal", kind("listeners", (data) => data.listeners === 0));
    assert.equal((await me.get(`/channels/${channel}/`)).listeners, 0);
});

test("what changes often is told at most some four times a second", async (t) => {
    const { me, channel } = await stage(server);
    const log = await hear(me, t);
    const begun = Date.now();
    for (let i = 0; i < 60; i++) await (await me.listen(t, channel)).close();
    await log.next("signal", kind("listeners", (data) => data.listeners === 0));
    await until(async () => (await me.get(`/channels/${channel}/`)).listeners === 0, "all to be gone");
    const counts = log.messages("signal").filter(kind("listeners")).length;
    const most = 2 + (Date.now() - begun) / 230;
    assert.ok(counts <= most, `${counts} in ${Date.now() - begun} ms`);
});

test("a run is told when it begins, and its end by the log alone", async (t) => {
    const { me, job } = await stage(server, { sql: HEAVY });
    const log = await hear(me, t);
    const asked = me.post(`/jobs/${job}/run/`, undefined, 200);
    const begun = await log.next("signal", kind("run"));
    assert.equal(begun.data.job, job);
    assert.equal(begun.data.run.job_id, job);
    assert.equal(begun.data.run.outcome, "running");
    assert.equal(begun.data.run.ended, null);
    assert.equal(begun.data.run.trigger, "hand");
    const ended = await log.next("message", (event) => event.data.type === "run.succeeded");
    assert.equal(ended.data.data.id, begun.data.run.id);
    assert.deepEqual(ended.data.data, await asked);
    await me.refresh_view("small");
    await log.next("message", (event) => event.data.type === "run.succeeded");
    const runs = log.messages("signal").filter(kind("run"));
    assert.deepEqual(
        runs.map((event) => event.data.run.outcome),
        ["running", "running"],
    );
    assert.equal(runs[1].data.job, null);
});

test("a run whose client leaves is taken back, and told so", async (t) => {
    const { me, job } = await stage(server, { sql: HEAVY });
    const log = await hear(me, t);
    const abort = new AbortController();
    const asked = fetch(`${server.url}/jobs/${job}/run/`, {
        method: "POST",
        headers: { authorization: `JWT ${me.access}` },
        signal: abort.signal,
    }).catch(() => undefined);
    const begun = await log.next("signal", kind("run"));
    abort.abort();
    await asked;
    const over = await log.next("signal", kind("run", (data) => data.run.outcome === "withdrawn"));
    assert.equal(over.data.run.id, begun.data.run.id);
    assert.deepEqual(await me.all(`/jobs/${job}/runs/`), []);
});

test("a load is told while it is under way, by bytes and rows, and its end by the log", async (t) => {
    const me = await account(server);
    const log = await hear(me, t);
    const rows = range(400_000).map((i) => [i, `a text of some length and number ${i}`, i / 7]);
    const file = csv(["n", "word", "part"], rows);
    const reply = await me.call("POST", "/tables/", {
        form: uploadForm({ table_name: "large", file }),
        headers: { prefer: "respond-async" },
    });
    assert.equal(reply.status, 202);
    const ended = await log.next("message", (event) => event.data.type === "load.succeeded");
    const told = log.messages("signal").filter(kind("load"));
    assert.ok(told.length >= 1);
    for (const { data } of told) {
        assert.equal(data.load.id, reply.body.id);
        assert.equal(data.load.state, "running");
        assert.equal(data.load.bytes, Buffer.byteLength(file));
        assert.ok(data.load.bytes_done >= 0 && data.load.bytes_done <= data.load.bytes);
        assert.ok(data.load.rows <= 500_000);
    }
    assert.equal(ended.data.data.rows, 400_000);
    assert.equal(ended.data.data.bytes_done, ended.data.data.bytes);
    const last = log.events.findLastIndex((event) => event.event === "signal" && event.data.kind === "load");
    assert.ok(last < log.events.indexOf(ended), "nothing is told behind the end");
});

test("who did not ask hears none, and resuming is not disturbed", async (t) => {
    const { me, channel } = await stage(server);
    const plain = await hear(me, t, "");
    const log = await hear(me, t);
    const before = (await me.get("/events/?limit=1000")).data.at(-1).n;
    const one = await me.listen(t, channel);
    await log.next("signal", kind("listeners"));
    await me.refresh_view("small").catch(() => undefined);
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1, SomeString: "x" }] });
    const seen = await log.next("message", (event) => event.data.type === "table.loaded");
    await plain.next("message", (event) => event.data.type === "table.loaded");
    assert.deepEqual(plain.messages("signal"), []);
    await log.close();
    const again = await hear(me, t, `?signals=true&lastEventId=${before}`);
    await again.next("message", (event) => event.id === seen.id);
    const missed = Number(seen.id) - before;
    assert.deepEqual(
        again.messages().map((event) => Number(event.id)).slice(0, missed),
        range(missed).map((i) => before + 1 + i),
    );
    await one.close();
});

test("types choose entries of the log; signals come all the same", async (t) => {
    const { me, channel } = await stage(server);
    const log = await hear(me, t, "?signals=true&type=table.created");
    const one = await me.listen(t, channel);
    await log.next("signal", kind("listeners"));
    assert.deepEqual(log.messages(), []);
    await one.close();
    assert.equal((await me.call("GET", "/events/listen/?signals=maybe")).status, 422);
});

test("each team hears its own", async (t) => {
    const mine = await stage(server);
    const theirs = await stage(server);
    const log = await hear(mine.me, t);
    await theirs.me.listen(t, theirs.channel);
    await mine.me.listen(t, mine.channel);
    await log.next("signal", kind("listeners"));
    assert.deepEqual(
        log.messages("signal").map((event) => event.data.channel ?? event.data.kind),
        [mine.channel],
    );
});

test("a stream with a ticket has signals as well", async (t) => {
    const { me, channel } = await stage(server);
    const { ticket } = await me.post("/events/tickets/", undefined);
    const log = await hear(me, t, `?signals=true&ticket=${ticket}`, { token: undefined });
    await me.listen(t, channel);
    await log.next("signal", kind("listeners", (data) => data.listeners === 1));
});
