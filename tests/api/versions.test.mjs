// The versions of a view: listed, compared, and what is not one (a chart); and where a wrong query is wrong.
import assert from "node:assert/strict";
import { test, useServer } from "./harness.mjs";
import { account, SAMPLE_COLUMNS, sampleCsv } from "./client.mjs";

const server = useServer();

async function withView(sql = 'SELECT "SomeNumber" AS n FROM sample') {
    const me = await account(server);
    await me.table("sample", sampleCsv, SAMPLE_COLUMNS);
    const view = await me.view("v", sql);
    return { me, view };
}

async function add(me, ...numbers) {
    await me.post("/tables/sample/rows/", { rows: numbers.map((n) => ({ SomeNumber: n, SomeString: "x" })) });
    return me.refresh_view("v");
}

test("each version is listed, newest first, with what it changed", async () => {
    const { me, view } = await withView();
    await add(me, 10, 11);
    await add(me, 12);
    await me.refresh_view("v"); // skipped: no version
    await me.patch("/views/v/", { sql_query: 'SELECT "SomeNumber" AS n FROM sample WHERE "SomeNumber" < 5' });
    const last = await me.patch("/views/v/", { sql_query: 'SELECT "SomeNumber" AS other FROM sample' });
    const { data, links } = await me.get("/views/v/versions/");
    assert.deepEqual(links, { next: null, prev: null });
    assert.deepEqual(
        data.map((one) => [one.version, one.row_count, one.added, one.removed, one.reset]),
        [
            [5, 13, 13, 5, true],
            [4, 5, 0, 8, false],
            [3, 13, 1, 0, false],
            [2, 12, 2, 0, false],
            [1, 10, 10, 0, false],
        ],
    );
    assert.equal(data[0].refreshed_at, last.refreshed_at);
    assert.equal(data[4].refreshed_at, view.refreshed_at);
    for (const one of data) assert.ok(one.duration_ms > 0, JSON.stringify(one));
    assert.equal(data[0].duration_ms, last.duration_ms);
});

test("versions come in pages, both ways", async () => {
    const { me } = await withView("SELECT now() AS t");
    for (let i = 0; i < 9; i++) await me.refresh_view("v");
    const versions = (page) => page.data.map((one) => one.version);
    const first = await me.get("/views/v/versions/?limit=4");
    assert.deepEqual(versions(first), [10, 9, 8, 7]);
    assert.equal(first.links.prev, null);
    const second = await me.get(first.links.next);
    assert.deepEqual(versions(second), [6, 5, 4, 3]);
    const third = await me.get(second.links.next);
    assert.deepEqual(versions(third), [2, 1]);
    assert.equal(third.links.next, null);
    assert.deepEqual(versions(await me.get(third.links.prev)), [6, 5, 4, 3]);
    for (const query of ["after=x", "before=", "after=3&before=9"])
        assert.equal((await me.call("GET", `/views/v/versions/?${query}`)).status, 422, query);
});

test("versions go with their view; a table has none, another team none of mine", async () => {
    const { me } = await withView();
    const other = await account(server);
    await other.get("/views/v/versions/", 404);
    await me.get("/views/sample/versions/", 404);
    await add(me, 10);
    await me.del("/views/v/");
    await me.get("/views/v/versions/", 404);
    await me.view("v", "SELECT 1 AS n");
    assert.deepEqual(
        (await me.get("/views/v/versions/")).data.map((one) => one.version),
        [1],
    );
});

test("versions outlive a crash of the program", async () => {
    const { me } = await withView();
    await add(me, 10);
    const before = await me.get("/views/v/versions/");
    await server.restart();
    assert.deepEqual(await me.get("/views/v/versions/"), before);
    await add(me, 11);
    assert.equal((await me.get("/views/v/versions/")).data[0].version, 3);
});

test("the changes between two versions", async () => {
    const { me } = await withView();
    for (const n of [10, 11, 12, 13]) await add(me, n);
    const changes = async (query) =>
        (await me.all(`/views/v/changes/?${query}`)).map((one) => [one.version, one.change, one.row.n]);
    assert.deepEqual(await changes("after=1&upto=3"), [
        [2, "added", 10],
        [3, "added", 11],
    ]);
    assert.deepEqual(await changes("after=1&upto=3&limit=1"), [
        [2, "added", 10],
        [3, "added", 11],
    ]);
    assert.deepEqual(await changes("after=3&upto=3"), []);
    assert.equal((await changes("after=0&upto=5")).length, 14);
    assert.deepEqual(await changes("after=3"), [
        [4, "added", 12],
        [5, "added", 13],
    ]);
    for (const query of ["after=1&upto=6", "after=3&upto=2", "after=1&upto=0"]) {
        const reply = await me.call("GET", `/views/v/changes/?${query}`);
        assert.equal(reply.status, 422, query);
        assert.ok(reply.body.errors.upto, query);
    }
});

test("a chart is the client's own: kept as it is, without another version", async () => {
    const { me, view } = await withView();
    assert.equal(view.chart, null);
    const chart = { kind: "line", x: "n", y: ["n"], nested: { a: [1, 2.5, null, "ü"] } };
    const patched = await me.patch("/views/v/", { chart });
    assert.deepEqual(patched.chart, chart);
    assert.equal(patched.version, 1);
    assert.equal(patched.refreshed_at, view.refreshed_at);
    assert.equal(patched.sql_query, view.sql_query);
    assert.deepEqual((await me.get("/views/v/")).chart, chart);
    assert.deepEqual((await me.get("/views/")).data[0].chart, chart);
    assert.equal((await add(me, 10)).version, 2);
    assert.deepEqual((await me.get("/views/v/")).chart, chart, "a refresh leaves it");
    await me.patch("/views/v/", { sql_query: "SELECT 1 AS n" });
    assert.deepEqual((await me.get("/views/v/")).chart, chart, "another query leaves it");
    const both = await me.patch("/views/v/", { sql_query: "SELECT 2 AS n", chart: { kind: "number" } });
    assert.deepEqual([both.version, both.chart], [4, { kind: "number" }]);
    assert.equal((await me.patch("/views/v/", { chart: null })).chart, null);
    assert.equal((await me.get("/views/v/")).chart, null);
    const told = (await me.all("/events/?type=view.updated")).map((event) => event.data.chart);
    assert.deepEqual(told, [chart, chart, { kind: "number" }, null]);
});

test("a view may be made with its chart", async () => {
    const { me } = await withView();
    const made = await me.post("/views/", { view_name: "w", sql_query: "SELECT 1 AS n", chart: { kind: "bar" } });
    assert.deepEqual(made.chart, { kind: "bar" });
    assert.deepEqual((await me.get("/views/w/")).chart, { kind: "bar" });
});

test("what is no chart is refused", async () => {
    const { me, view } = await withView();
    const large = { text: "x".repeat(5_000) };
    for (const chart of [[], "line", 3, true, large]) {
        for (const reply of [
            await me.call("PATCH", "/views/v/", { json: { chart } }),
            await me.call("POST", "/views/", { json: { view_name: "w", sql_query: "SELECT 1 AS n", chart } }),
        ]) {
            assert.equal(reply.status, 422, JSON.stringify(chart).slice(0, 80));
            assert.ok(reply.body.errors.chart);
        }
    }
    assert.equal((await me.call("PATCH", "/views/v/", { json: {} })).status, 422);
    assert.deepEqual(await me.get("/views/v/"), view);
    assert.equal((await me.call("PATCH", "/views/nope/", { json: { chart: {} } })).status, 404);
});

test("a wrong query says its place", async () => {
    const { me } = await withView();
    const wrong = [
        ["SELECT 1 AS a,\n  nope\nFROM sample", 2, 3],
        ["SELECT *\nFROM\n   samples", 3, 4],
        ["SELEC 1", 1, 1],
        ["SELECT 'üöä', (1 +) FROM sample", 1, 19],
        ["SELECT 'üöä', nope FROM sample", 1, 15],
        ["SELECT 'üöä' FROM nope", 1, 19],
        ["SELECT 'üöä', n FROM (SELECT 1 AS n) WHERE abs('x', n)", 1, 44],
        ["SELECT 1;\n\nSELECT 2", undefined, undefined],
    ];
    for (const [sql, line, column] of wrong) {
        for (const reply of [
            await me.call("POST", "/queries/", { json: { sql } }),
            await me.call("POST", "/views/", { json: { view_name: "w", sql_query: sql } }),
            await me.call("PATCH", "/views/v/", { json: { sql_query: sql } }),
        ]) {
            assert.equal(reply.status, 422, sql);
            assert.equal(reply.body.code, "invalid_query");
            assert.deepEqual([reply.body.line, reply.body.column], [line, column], `${sql}: ${reply.body.detail}`);
        }
    }
});
