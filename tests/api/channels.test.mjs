// Channels: who may listen, what they hear, and how they resume.
import assert from "node:assert/strict";
import { EventSource } from "eventsource";
import { test, until, useServer, within } from "./harness.mjs";
import { listen } from "./sse.mjs";
import { account, call, expect, stage } from "./client.mjs";

const server = useServer();

/** One more row below 3 for the view of the stage, and a refresh: one event. */
async function change(me) {
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1, SomeString: "again" }] });
    const { version, outcome } = await me.refresh_view("small");
    assert.equal(outcome, "refreshed");
    return version;
}

test("a channel is the same object in create, show and list", async () => {
    const { me, job, channel } = await stage(server);
    const made = await me.post("/channels/create/", { job_id: String(job) });
    assert.match(made.public_identifier, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(made.job_ids, [job]);
    assert.deepEqual(await me.get(`/channels/${made.public_identifier}/`), made);
    const list = (await me.get("/channels/")).data;
    assert.deepEqual(
        list.find((one) => one.public_identifier === made.public_identifier),
        made,
    );
    assert.deepEqual(list.map((one) => one.public_identifier).sort(), [channel, made.public_identifier].sort());
    for (const wrong of [
        { job_id: 99 },
        { job_id: "x" },
        { job_ids: [] },
        { job_ids: [job, 99] },
        {},
        { job_id: job, include: "all" },
    ]) {
        const reply = await me.call("POST", "/channels/", { json: wrong });
        assert.ok([404, 422].includes(reply.status), `${JSON.stringify(wrong)} got ${reply.status}`);
    }
});

test("a listener hears of each refresh, on both ports", async (t) => {
    const { me, channel } = await stage(server);
    for (const base of [server.url, server.streamUrl]) {
        const listener = await me.listen(t, channel, { base });
        assert.match(listener.answer.headers.get("content-type"), /^text\/event-stream\b/);
        assert.match(listener.answer.headers.get("cache-control"), /no-cache|no-store/);
        assert.equal(listener.answer.headers.get("x-accel-buffering"), "no");
        assert.ok(listener.comments[0].length > 2_000, "padding for old proxies");
        const version = await change(me);
        const event = await listener.next();
        assert.match(event.id, new RegExp(`^${channel}:\\d+$`));
        const { update_available, view_name, row_count, added, removed } = event.data;
        assert.deepEqual(
            { update_available, view_name, row_count, added, removed, version: event.data.version },
            { update_available: "true", view_name: "small", row_count: version + 2, added: 1, removed: 0, version },
        );
        assert.doesNotMatch(event.text, /\n/);
        await listener.close();
    }
});

test("the path works with and without its trailing slash", async (t) => {
    const { me, channel } = await stage(server);
    const listener = await listen(t, `${server.streamUrl}/channels/${channel}/listen`, { token: me.access });
});

test("resuming by Last-Event-ID or ?lastEventId: no loss, no repeat", async (t) => {
    const { me, channel } = await stage(server);
    const first = await me.listen(t, channel);
    for (let i = 0; i < 5; i++) await change(me);
    await first.next("message", (event) => event.data.version === 6);
    const seen = first.messages();
    assert.deepEqual(
        seen.map((event) => event.data.version),
        [2, 3, 4, 5, 6],
    );
    await first.close();
    for (const from of [
        { lastEventId: seen[1].id },
        { query: `?lastEventId=${encodeURIComponent(seen[1].id)}` },
        { query: `?lastEventId=&lastEventId=${encodeURIComponent(seen[1].id)}` },
    ]) {
        const again = await me.listen(t, channel, from);
        const version = await change(me);
        await again.next("message", (event) => event.data.version === version);
        const told = again.messages();
        assert.deepEqual(
            told.slice(0, 3).map((event) => event.text),
            seen.slice(2).map((event) => event.text),
        );
        assert.deepEqual(
            told.slice(0, 3).map((event) => event.id),
            seen.slice(2).map((event) => event.id),
        );
        assert.deepEqual(
            told.map((event) => event.data.version),
            [...Array(version - 3).keys()].map((i) => i + 4),
        );
        await again.close();
    }
});

test("listeners that come and go while versions are made see each once", async (t) => {
    const { me, channel } = await stage(server);
    let last = 1;
    const writing = (async () => {
        for (let i = 0; i < 15; i++) last = await change(me);
    })();
    const versions = [];
    let lastEventId = `${channel}:0`;
    for (let round = 0; round < 200 && versions.at(-1) !== 16; round++) {
        const listener = await me.listen(t, channel, { lastEventId });
        const event = await listener.next();
        await listener.close();
        for (const { id, data } of listener.messages()) {
            versions.push(data.version);
            lastEventId = id;
        }
        assert.ok(event.data.version);
    }
    await writing;
    assert.equal(last, 16);
    assert.deepEqual(
        versions.slice(-15),
        [...Array(15).keys()].map((i) => i + 2),
    );
});

test("a position that is not kept gets stream-reset, and goes on live", async (t) => {
    const { me, channel } = await stage(server);
    const listener = await me.listen(t, channel, { lastEventId: `${channel}:999999999` });
    const reset = await listener.next("stream-reset");
    assert.deepEqual(reset.data.channels, [channel]);
    assert.match(reset.id, new RegExp(`^${channel}:\\d+$`));
    const version = await change(me);
    assert.equal((await listener.next()).data.version, version);
    await listener.close();
    const again = await me.listen(t, channel, { lastEventId: reset.id });
    assert.equal((await again.next()).data.version, version);
});

test("a wrong position gets stream-error", async (t) => {
    const { me, channel } = await stage(server);
    for (const lastEventId of [
        "nonsense",
        `${channel}`,
        `${channel}:x`,
        `${channel}:-1`,
        `${channel}:1:2`,
        "00000000-0000-4000-8000-000000000000:1",
        `${channel}:99999999999999999999`,
    ]) {
        const listener = await me.listen(t, channel, { lastEventId });
        const error = await listener.next("stream-error");
        assert.equal(error.id, "error");
        assert.equal(error.data.condition, "bad-request");
        assert.equal(typeof error.data.text, "string");
        await listener.closed();
    }
});

test("no token 401, unknown and other teams' channels 404", async (t) => {
    const { me, channel } = await stage(server);
    const other = await account(server);
    await me.listen(t, channel, { token: null, status: 401 });
    for (const base of [server.url, server.streamUrl]) {
        await other.listen(t, channel, { base, status: 404 });
        for (const unknown of ["00000000-0000-4000-8000-000000000000", "x", "..%2f..", "1"]) {
            await me.listen(t, unknown, { base, status: 404 });
        }
    }
    await other.get(`/channels/${channel}/`, 404);
    await other.del(`/channels/${channel}/`, 404);
    await other.post(`/channels/${channel}/tickets/`, undefined, 404);
    await other.table("t");
    await other.view("v", "SELECT 1 AS one");
    const { id } = await other.job("v");
    assert.equal(id, 1);
    assert.notEqual((await other.channel(id)).public_identifier, channel);
});

test("a channel may follow many jobs", async (t) => {
    const { me, job } = await stage(server);
    await me.view("large", 'SELECT * FROM sample WHERE "SomeNumber" >= 3');
    const second = await me.job("large");
    const made = await me.channel({ job_ids: [job, second.id] });
    assert.deepEqual(made.job_ids.slice().sort(), [job, second.id]);
    const listener = await me.listen(t, made.public_identifier);
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1 }, { SomeNumber: 7 }] });
    await me.refresh_view("large");
    await me.refresh_view("small");
    assert.equal((await listener.next()).data.view_name, "large");
    assert.equal((await listener.next()).data.view_name, "small");
});

test("a channel can carry the changes or the rows themselves", async (t) => {
    const { me, job } = await stage(server);
    const open = async (include) => {
        const { public_identifier, ...made } = await me.channel({ job_id: job, include });
        assert.equal(made.include, include);
        return me.listen(t, public_identifier);
    };
    const [changes, rows] = [await open("changes"), await open("rows")];
    await me.upload("/tables/sample/replace/", { file: "SomeNumber,SomeString\n0,Alfa\n2,edited\n" }, 200);
    await me.refresh_view("small");
    const heard = (await changes.next()).data;
    assert.deepEqual(heard.changes.map((one) => `${one.change} ${one.row.SomeNumber} ${one.row.SomeString}`).sort(), [
        "added 2 edited",
        "removed 1 Bravo",
        "removed 2 Charlie",
    ]);
    assert.equal(heard.rows, undefined);
    const whole = (await rows.next()).data;
    assert.deepEqual(
        whole.rows.slice().sort((a, b) => a.SomeNumber - b.SomeNumber),
        [
            { SomeNumber: 0, SomeString: "Alfa" },
            { SomeNumber: 2, SomeString: "edited" },
        ],
    );
});

test("beyond the limit a link stands for the rows", async (t) => {
    const { me, job } = await stage(server);
    const streams = {};
    for (const include of ["changes", "rows"]) {
        streams[include] = await me.listen(t, (await me.channel({ job_id: job, include })).public_identifier);
    }
    const many = `SomeNumber,SomeString\n${Array.from({ length: 20_000 }, (_, i) => `${i % 3},${"x".repeat(50)}${i}\n`).join("")}`;
    await me.upload("/tables/sample/replace/", { file: many }, 200);
    await me.refresh_view("small");
    for (const include of ["changes", "rows"]) {
        const { data, text } = await streams[include].next();
        assert.equal(data[include], undefined);
        assert.ok(text.length < 2_000);
        const link = JSON.stringify(data).match(/"(\/views\/small\/[^"]*)"/)?.[1];
        assert.ok(link, text);
        assert.match(link, new RegExp(include));
        assert.ok((await me.get(link)).data.length > 0);
    }
});

test("of other columns there are no changes: a link to the rows stands for them", async (t) => {
    const { me, channel } = await stage(server, { include: "changes" });
    const stream = await me.listen(t, channel);
    await me.patch("/views/small/", { sql_query: "SELECT 1 AS one" });
    const { data } = await stream.next();
    assert.deepEqual([data.columns_changed, data.changes, data.changes_url], [true, undefined, undefined]);
    assert.deepEqual((await me.get(data.rows_url)).data, [{ one: 1 }]);
});

test("a ticket opens one stream once, for its own channel", async (t) => {
    const { me, channel } = await stage(server);
    const other = await me.channel(1);
    const { ticket, expires_at } = await me.post(`/channels/${channel}/tickets/`, undefined);
    assert.ok(Date.parse(expires_at) > Date.now() && Date.parse(expires_at) < Date.now() + 600_000);
    const at = (id, name, status) =>
        me.listen(t, id, { token: null, query: `?ticket=${encodeURIComponent(name)}`, status });
    await at(other.public_identifier, ticket, 401);
    const { ticket: second } = await me.post(`/channels/${channel}/tickets/`, undefined);
    await at(channel, second, 200);
    await at(channel, second, 401);
    await at(channel, "made-up", 401);
    assert.equal((await call(server, "GET", `/tables/?ticket=${ticket}`)).status, 401);
});

test("of many that come with one ticket at once, one gets in", async (t) => {
    const { me, channel } = await stage(server);
    const { ticket } = await me.post(`/channels/${channel}/tickets/`, undefined);
    const url = `${server.url}/channels/${channel}/listen/?ticket=${ticket}`;
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => fetch(url)));
    assert.deepEqual(all.map((answer) => answer.status).sort(), [200, 401, 401, 401, 401]);
    await Promise.all(all.map((answer) => answer.body.cancel()));
});

test("deleting a channel, its job or its view closes its streams", async (t) => {
    for (const what of ["channel", "job", "view"]) {
        const { me, job, channel } = await stage(server);
        const listener = await me.listen(t, channel);
        if (what === "channel") await me.del(`/channels/${channel}/`);
        if (what === "job") await me.del(`/jobs/${job}/`);
        if (what === "view") await me.del("/views/small/?cascade=true");
        await listener.closed();
        await me.listen(t, channel, { status: 404 });
    }
});

test("the eventsource package listens with a ticket", async (t) => {
    const { me, channel } = await stage(server);
    const { ticket } = await me.post(`/channels/${channel}/tickets/`, undefined);
    const source = new EventSource(`${server.streamUrl}/channels/${channel}/listen/?ticket=${ticket}`);
    t.after(() => source.close());
    await within(10_000, new Promise((resolve) => source.addEventListener("stream-open", resolve)), "stream-open");
    const heard = new Promise((resolve) => source.addEventListener("message", resolve));
    const version = await change(me);
    const event = await within(10_000, heard, "a message");
    assert.equal(JSON.parse(event.data).version, version);
    assert.ok(event.lastEventId.startsWith(`${channel}:`));
});

test("the sample table's own walkthrough view tells of each second", async (t) => {
    const sql =
        'SELECT * FROM sample WHERE "SomeNumber" = CAST( EXTRACT( SECOND FROM NOW()) * 1000000 AS INTEGER) % 10';
    const { me, channel } = await stage(server, { sql, job: { crontab_def: "1 seconds" }, include: "rows" });
    const listener = await me.listen(t, channel);
    const heard = [await listener.next(), await listener.next()];
    for (const { data } of heard) {
        assert.equal(data.row_count, 1);
        assert.equal(data.rows.length, 1);
    }
    assert.equal(heard[1].data.version, heard[0].data.version + 1);
    expect(await me.call("DELETE", "/jobs/1/"), 204, "DELETE");
    await until(() => listener.end, "the stream to close");
});

test("a channel says how many listen to it now", async (t) => {
    const { me, channel } = await stage(server);
    const count = async () => (await me.get(`/channels/${channel}/`)).listeners;
    assert.equal(await count(), 0);
    const first = await me.listen(t, channel);
    const others = [];
    for (let i = 0; i < 5; i++) others.push(await me.listen(t, channel, { base: i % 2 ? server.streamUrl : server.url }));
    await until(async () => (await count()) === 6, "six to be counted");
    assert.deepEqual(
        (await me.get("/channels/")).data.map((one) => one.listeners),
        [6],
    );
    await first.close();
    await until(async () => (await count()) === 5, "one to be gone");
    for (const one of others) await one.close();
    await until(async () => (await count()) === 0, "all to be gone");
    const made = (await me.all("/events/?type=channel.created"))[0];
    assert.equal(made.data.listeners, undefined, "the log keeps what lasts");
});
