// The log of a team: every change is an entry, in pages and as a stream, numbered without gaps.
import assert from "node:assert/strict";
import { test, until, useServer } from "./harness.mjs";
import { account, call, expect, SAMPLE_COLUMNS, sampleCsv, stage } from "./client.mjs";

const server = useServer();
const log = (me, query = "") => me.all(`/events/${query}`);

test("everything that happens is an entry of the log", async () => {
    const { me, job, channel } = await stage(server);
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1 }] });
    await me.refresh_view("small");
    await me.patch(`/jobs/${job}/`, { active: false });
    await me.patch("/views/small/", { sql_query: "SELECT * FROM sample" });
    await me.post("/tables/sample/fork/", { table_name: "copy" });
    await me.upload("/tables/copy/replace/", { file: sampleCsv }, 200);
    await me.del(`/channels/${channel}/`);
    await me.del(`/jobs/${job}/`);
    await me.del("/views/small/");
    await me.del("/tables/copy/");
    const entries = await log(me);
    assert.deepEqual(
        entries.map((entry) => entry.n),
        entries.map((_, i) => i + 1),
    );
    const types = entries.map((entry) => entry.type);
    const order = [
        "table.created",
        "view.created",
        "job.created",
        "channel.created",
        "view.refreshed",
        "job.updated",
        "view.updated",
        "table.created",
        "table.loaded",
        "channel.deleted",
        "job.deleted",
        "view.deleted",
        "table.deleted",
    ];
    let at = -1;
    for (const type of order) {
        at = types.indexOf(type, at + 1);
        assert.ok(at >= 0, `${type} after the others in ${types}`);
    }
    for (const entry of entries) {
        assert.deepEqual(Object.keys(entry).sort(), ["actor", "at", "data", "n", "subject", "type"]);
        assert.ok(Math.abs(Date.parse(entry.at) - Date.now()) < 120_000);
        assert.equal(typeof entry.data, "object");
    }
    const about = entries.filter((entry) => entry.type.startsWith("channel.")).map((entry) => entry.subject);
    assert.deepEqual(about, [channel, channel]);
});

test("pages go on after a number, and by type", async () => {
    const me = await account(server);
    for (const name of ["a", "b", "c", "d"]) {
        await me.table(name);
        await me.view(`view_of_${name}`, `SELECT * FROM ${name}`);
    }
    const all = await log(me);
    const third = all[2].n;
    assert.deepEqual(await log(me, `?after=${third}`), all.slice(3));
    assert.deepEqual(await log(me, "?limit=3"), all);
    assert.equal((await me.get("/events/?limit=3")).data.length, 3);
    const tables = await log(me, "?type=table.created&limit=3");
    assert.deepEqual(
        tables.map((entry) => entry.subject),
        ["a", "b", "c", "d"],
    );
    const both = await log(me, "?type=table.created&type=view.created");
    assert.equal(both.length, 8);
    assert.deepEqual(await log(me, `?after=${all.at(-1).n}`), []);
    assert.deepEqual(await log(me, "?type=no.such"), []);
    for (const query of ["after=x", "after=-1", "limit=0", "colour=red"]) await me.get(`/events/?${query}`, 422);
});

test("the log streams with the same numbers, and resumes", async (t) => {
    const me = await account(server);
    const live = await me.listenLog(t);
    await me.table("a");
    await me.table("b");
    const entries = await log(me);
    await live.next("message", (event) => event.data.type === "table.created" && event.data.subject === "b");
    const heard = live.events.filter((event) => event.data && "n" in event.data);
    assert.deepEqual(
        heard.map((event) => event.data),
        entries.slice(-heard.length),
    );
    assert.ok(heard.length >= 2);
    await live.close();
    await me.table("c");
    const again = await me.listenLog(t, { lastEventId: heard[0].id });
    const rest = (await log(me)).filter((entry) => entry.n > heard[0].data.n);
    await until(() => again.events.filter((event) => event.data?.n).length >= rest.length, "the missing entries");
    assert.deepEqual(
        again.events.filter((event) => event.data?.n).map((event) => event.data),
        rest,
    );
});

test("a stream of some types leaves out the others", async (t) => {
    const me = await account(server);
    const live = await me.listenLog(t, { query: "?type=view.created" });
    await me.table("a");
    await me.view("v", "SELECT * FROM a");
    await me.table("b");
    await me.view("w", "SELECT * FROM b");
    await until(() => live.events.filter((event) => event.data?.n).length >= 2, "two entries");
    assert.deepEqual(
        live.events.filter((event) => event.data?.n).map((event) => event.data.subject),
        ["v", "w"],
    );
});

test("a ticket opens the log once", async (t) => {
    const me = await account(server);
    const { ticket } = await me.post("/events/tickets/", undefined);
    const query = `?ticket=${encodeURIComponent(ticket)}&type=table.created`;
    const stream = await me.listenLog(t, { token: null, query });
    await me.listenLog(t, { token: null, query, status: 401 });
    await me.table("t");
    assert.equal((await stream.next()).data.subject, "t");
});

test("failed loads and failed refreshes are entries too", async () => {
    const me = await account(server);
    await me.upload(
        "/tables/",
        { table_name: "t", file: "n\nx\n", columns: [{ column_name: "n", column_type: "int" }] },
        422,
    );
    await me.table("t", "x\n1\n", [{ column_name: "x", column_type: "text" }]);
    await me.view("v", "SELECT CAST(x AS INTEGER) AS n FROM t");
    await me.post("/tables/t/rows/", { rows: [{ x: "none" }] });
    await me.post("/views/v/refresh/", undefined, 422);
    const failed = (await log(me)).filter((entry) => /fail/.test(entry.type));
    assert.ok(
        failed.some((entry) => entry.subject === "v"),
        JSON.stringify(failed),
    );
});

test("each team has its own log", async (t) => {
    const [me, other] = [await account(server), await account(server)];
    const live = await other.listenLog(t);
    await me.table("mine", sampleCsv, SAMPLE_COLUMNS);
    await other.table("theirs");
    await until(() => live.events.some((event) => event.data?.subject === "theirs"), "the own entry");
    assert.doesNotMatch(live.text, /mine/);
    assert.doesNotMatch(JSON.stringify(await log(other)), /"mine"/);
});

test("no token, no log", async () => {
    expect(await call(server, "GET", "/events/"), 401, "events");
    expect(await call(server, "GET", "/events/listen/"), 401, "events");
});

test("many writers at once leave no gap, and every listener hears the same order", async (t) => {
    const me = await account(server);
    await me.table("t");
    await me.view("v", "SELECT 1 AS one");
    const listeners = await Promise.all([1, 2, 3].map(() => me.listenLog(t)));
    const jobs = await Promise.all(Array.from({ length: 40 }, () => me.job("v")));
    await Promise.all(jobs.map((job) => me.del(`/jobs/${job.id}/`)));
    const entries = await log(me);
    assert.deepEqual(
        entries.map((entry) => entry.n),
        entries.map((_, i) => i + 1),
    );
    for (const listener of listeners) {
        await until(
            () => listener.events.filter((event) => /^job\./.test(event.data?.type ?? "")).length >= 80,
            "80 entries",
        );
        const heard = listener.events.filter((event) => event.data?.n).map((event) => event.data);
        assert.deepEqual(heard, entries.slice(-heard.length));
    }
});
