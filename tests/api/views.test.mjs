// Views: what they may read, when they are refreshed, and what changed from one version to the next.
import assert from "node:assert/strict";
import { test, useServer } from "./harness.mjs";
import { account, SAMPLE_COLUMNS, sampleCsv } from "./client.mjs";
import { csv, range } from "./files.mjs";

const server = useServer();

async function withSample() {
    const me = await account(server);
    await me.table("sample", sampleCsv, SAMPLE_COLUMNS);
    return me;
}

const add = (me, ...numbers) =>
    me.post("/tables/sample/rows/", { rows: numbers.map((n) => ({ SomeNumber: n, SomeString: `word ${n}` })) });

test("a view is made with its first version, the same object everywhere", async () => {
    const me = await withSample();
    const sql = 'SELECT "SomeNumber", upper("SomeString") AS word FROM sample WHERE "SomeNumber" < 3';
    const made = await me.post("/views/create/", { view_name: "v", sql_query: sql });
    assert.equal(made.view_name, "v");
    assert.equal(made.sql_query, sql);
    assert.equal(made.version, 1);
    assert.equal(made.row_count, 3);
    assert.equal(made.error, null);
    assert.ok(Math.abs(Date.parse(made.refreshed_at) - Date.now()) < 60_000);
    assert.deepEqual(
        made.columns.map((column) => [column.column_name, column.column_type.slice(0, 4)]),
        [
            ["SomeNumber", "int"],
            ["word", "text"],
        ],
    );
    assert.deepEqual(await me.get("/views/v/"), made);
    assert.deepEqual((await me.get("/views/")).data, [made]);
    assert.deepEqual((await me.rows("v", "views")).map((row) => row.word).sort(), ["ALFA", "BRAVO", "CHARLIE"]);
    await me.get("/tables/v/", 404);
    await me.get("/views/sample/", 404);
});

test("SELECT, WITH, VALUES and TABLE, in any case, with comments and one closing semicolon", async () => {
    const me = await withSample();
    const queries = [
        "select 1 as one",
        "WITH w AS (SELECT * FROM sample) SELECT count(*) AS n FROM w",
        "VALUES (1, 'a'), (2, 'b')",
        "TABLE sample",
        "SELECT 'it''s; fine' AS text -- a comment",
        "/* first */ SELECT 1 AS one;",
        "(SELECT 1 AS one) UNION ALL (SELECT 2)",
        'SELECT a."SomeString" FROM sample a JOIN sample b USING ("SomeNumber") ORDER BY 1',
        'SELECT "SomeNumber" % 3 AS k, count(*) AS n, max("SomeString") AS m FROM sample GROUP BY ALL HAVING count(*) > 1',
        'SELECT *, row_number() OVER (ORDER BY "SomeString" DESC) AS r FROM sample',
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
        "SELECT * FROM generate_series(1, 5) AS g(n)",
        "SELECT unnest([1, 2, 3]) AS n",
    ];
    for (const [i, sql] of queries.entries()) await me.view(`v${i}`, sql);
    assert.equal((await me.rows("v10", "views")).length, 5);
});

test("what is not one reading statement over the team's own is refused, and says why", async () => {
    const me = await withSample();
    const refused = [
        "",
        "   ",
        "-- nothing",
        "SELEC 1",
        "SELECT FROM WHERE",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE sample",
        "DROP TABLE sample",
        "INSERT INTO sample VALUES (1, 'x')",
        'UPDATE sample SET "SomeNumber" = 1',
        "DELETE FROM sample",
        "CREATE TABLE x AS SELECT 1",
        "WITH x AS (DELETE FROM sample RETURNING *) SELECT * FROM x",
        "SELECT * FROM missing",
        'SELECT "Missing" FROM sample',
        "SELECT no_such_function(1)",
        'SELECT "SomeString" + 1 FROM sample',
        "SELECT * FROM v",
        "SELECT $1",
    ];
    for (const sql_query of refused) {
        const problem = await me.post("/views/", { view_name: "v", sql_query }, 422);
        assert.ok(problem.detail.length > 5, sql_query);
    }
    assert.match(
        (await me.post("/views/", { view_name: "v", sql_query: "SELECT * FROM missing" }, 422)).detail,
        /missing/,
    );
    assert.match(
        (await me.post("/views/", { view_name: "v", sql_query: 'SELECT "Missing" FROM sample' }, 422)).detail,
        /Missing/,
    );
    assert.deepEqual((await me.get("/views/")).data, []);
    assert.equal((await me.rows("sample")).length, 10);
});

test("a refresh makes a version; one whose inputs stood still is skipped and says so", async () => {
    const me = await withSample();
    await me.view("v", "SELECT count(*) AS n FROM sample");
    const skipped = await me.refresh_view("v");
    assert.equal(skipped.outcome, "skipped");
    assert.equal(skipped.version, 1);
    await add(me, 10, 11);
    const refreshed = await me.refresh_view("v");
    assert.equal(refreshed.outcome, "refreshed");
    assert.equal(refreshed.version, 2);
    assert.deepEqual(await me.rows("v", "views"), [{ n: 12 }]);
    assert.equal((await me.refresh_view("v")).outcome, "skipped");
    await me.upload("/tables/sample/replace/", { file: sampleCsv }, 200);
    assert.equal((await me.refresh_view("v")).outcome, "refreshed");
});

test("a view says what its newest version added and removed, wherever it is shown", async () => {
    const me = await withSample();
    const made = await me.view("v", 'SELECT count(*) AS n, min("SomeNumber") AS low FROM sample');
    assert.deepEqual([made.added, made.removed], [1, 0]);
    await add(me, 10);
    const refreshed = await me.refresh_view("v");
    assert.deepEqual([refreshed.version, refreshed.added, refreshed.removed], [2, 1, 1]);
    const skipped = await me.refresh_view("v");
    assert.deepEqual([skipped.outcome, skipped.added, skipped.removed], ["skipped", 1, 1]);
    const patched = await me.patch("/views/v/", { sql_query: "SELECT count(*) AS n, 0 AS low FROM sample WHERE false" });
    assert.deepEqual([patched.version, patched.added, patched.removed], [3, 1, 1]);
    const drawn = await me.patch("/views/v/", { chart: { kind: "number" } });
    for (const view of [drawn, await me.get("/views/v/"), (await me.get("/views/")).data[0]])
        assert.deepEqual([view.version, view.added, view.removed], [3, 1, 1]);
});

test("a view with a clock or chance in it is never skipped", async () => {
    const me = await withSample();
    const clocks = [
        "SELECT now() AS t",
        "SELECT current_date AS d",
        "SELECT random() AS r",
        "SELECT gen_random_uuid() AS u",
    ];
    for (const [i, sql] of clocks.entries()) {
        await me.view(`v${i}`, sql);
        const refreshed = await me.refresh_view(`v${i}`);
        assert.equal(refreshed.outcome, "refreshed", sql);
        assert.equal(refreshed.version, 2);
    }
});

test("the digit of the fractional second varies", async () => {
    const me = await withSample();
    const sql =
        'SELECT * FROM sample WHERE "SomeNumber" = CAST( EXTRACT( SECOND FROM NOW()) * 1000000 AS INTEGER) % 10';
    await me.view("v", sql);
    const digits = new Set();
    for (let i = 0; i < 60 && digits.size < 3; i++) {
        await me.refresh_view("v");
        const rows = await me.rows("v", "views");
        assert.equal(rows.length, 1);
        digits.add(rows[0].SomeNumber);
    }
    assert.ok(digits.size >= 3, `digits ${[...digits]}`);
});

test("views over views are refreshed in order of dependence", async () => {
    const me = await withSample();
    await me.view("a", 'SELECT "SomeNumber" AS n FROM sample');
    await me.view("b", "SELECT sum(n) AS s FROM a");
    await me.view("c", "SELECT a.n, b.s FROM a, b");
    assert.deepEqual((await me.get("/views/c/")).depends_on.slice().sort(), ["a", "b"]);
    assert.deepEqual((await me.get("/views/a/")).dependents.slice().sort(), ["b", "c"]);
    await add(me, 100);
    assert.equal((await me.refresh_view("c")).outcome, "refreshed");
    const rows = await me.rows("c", "views");
    assert.equal(rows.length, 11);
    for (const row of rows) assert.equal(Number(row.s), 145);
    assert.equal((await me.get("/views/a/")).version, 2);
    assert.equal((await me.get("/views/b/")).version, 2);
});

test("PATCH gives a view new SQL and a new version; a circle or nonsense leaves it", async () => {
    const me = await withSample();
    await me.view("a", 'SELECT "SomeNumber" AS n FROM sample');
    await me.view("b", "SELECT n FROM a");
    const patched = await me.patch("/views/a/", { sql_query: 'SELECT "SomeNumber" + 100 AS n FROM sample' });
    assert.equal(patched.version, 2);
    assert.deepEqual(
        (await me.rows("a", "views")).map((row) => row.n).sort((x, y) => x - y),
        range(10).map((i) => i + 100),
    );
    const before = await me.get("/views/a/");
    for (const sql_query of ["SELECT n FROM b", "SELECT n FROM a", "DROP TABLE sample", "SELECT nothing FROM sample"]) {
        const problem = await me.call("PATCH", "/views/a/", { json: { sql_query } });
        assert.ok([409, 422].includes(problem.status), `${sql_query} got ${problem.status}`);
    }
    await me.patch("/views/a/", { view_name: 3 }, 422);
    assert.deepEqual(await me.get("/views/a/"), before);
});

test("the changes of each version add up to its rows", async () => {
    const me = await withSample();
    await me.view("v", 'SELECT * FROM sample WHERE "SomeNumber" % 2 = 0');
    await add(me, 10, 11, 12);
    await me.refresh_view("v");
    const edited = "SomeNumber,SomeString\n0,Alfa\n2,edited\n12,word 12\n";
    await me.upload("/tables/sample/replace/", { file: edited }, 200);
    await me.refresh_view("v");
    const changes = await me.all("/views/v/changes/?after=0&limit=3");
    assert.deepEqual(
        changes
            .filter((change) => change.version === 2)
            .map((change) => [change.change, change.row.SomeNumber])
            .sort(),
        [
            ["added", 10],
            ["added", 12],
        ],
    );
    const third = changes.filter((change) => change.version === 3);
    assert.deepEqual(
        third.filter((change) => change.change === "added").map((change) => change.row),
        [{ SomeNumber: 2, SomeString: "edited" }],
    );
    assert.deepEqual(
        third
            .filter((change) => change.change === "removed")
            .map((change) => change.row.SomeNumber)
            .sort((a, b) => a - b),
        [2, 4, 6, 8, 10],
    );
    assert.deepEqual(applied(changes), (await me.rows("v", "views")).map((row) => JSON.stringify(row)).sort());
    assert.deepEqual(
        (await me.all("/views/v/changes/?after=2")).map((change) => change.version),
        third.map(() => 3),
    );
    assert.deepEqual(await me.all("/views/v/changes/?after=3"), []);
    await me.get("/views/v/changes/?after=9223372036854775807", 410);
    await me.get("/views/v/changes/?after=x", 422);
});

test("equal rows are counted: duplicates come and go one by one", async () => {
    const me = await account(server);
    await me.table("t", "n\n1\n1\n2\n");
    await me.view("v", "SELECT n FROM t");
    await me.post("/tables/t/rows/", { rows: [{ n: 1 }, { n: null }] });
    await me.refresh_view("v");
    await me.upload("/tables/t/replace/", { file: "n\n1\n2\n2\n" }, 200);
    await me.refresh_view("v");
    const changes = await me.all("/views/v/changes/?after=1");
    const of = (version) =>
        changes
            .filter((change) => change.version === version)
            .map((change) => `${change.change} ${change.row.n}`)
            .sort();
    assert.deepEqual(of(2), ["added 1", "added null"]);
    assert.deepEqual(of(3), ["added 2", "removed 1", "removed 1", "removed null"]);
});

test("the same data gives an empty difference, floating sums included", async () => {
    const me = await account(server);
    const rows = range(20_000).map((i) => [i % 100, (i * 0.1 + 1e-7 * i * i).toFixed(9)]);
    await me.table("t", csv(["k", "x"], rows), [
        { column_name: "k", column_type: "int" },
        { column_name: "x", column_type: "double" },
    ]);
    await me.view("v", "SELECT k, sum(x) AS s, avg(x) AS a FROM t GROUP BY k");
    for (const version of [2, 3]) {
        await me.upload("/tables/t/replace/", { file: csv(["k", "x"], rows) }, 200);
        assert.equal((await me.refresh_view("v")).version, version);
    }
    assert.deepEqual(await me.all("/views/v/changes/?after=1"), []);
});

test("a view that fails keeps its last rows and says why", async () => {
    const me = await account(server);
    await me.table("t", "x\n1\n2\n", [{ column_name: "x", column_type: "text" }]);
    await me.view("v", "SELECT CAST(x AS INTEGER) AS n FROM t");
    await me.post("/tables/t/rows/", { rows: [{ x: "three" }] });
    const problem = await me.post("/views/v/refresh/", undefined, 422);
    assert.match(problem.detail, /three/);
    const shown = await me.get("/views/v/");
    assert.equal(shown.version, 1);
    assert.match(shown.error, /three/);
    assert.equal((await me.rows("v", "views")).length, 2);
    await me.upload("/tables/t/replace/", { file: "x\n7\n" }, 200);
    assert.equal((await me.refresh_view("v")).version, 2);
    assert.equal((await me.get("/views/v/")).error, null);
});

test("a view others depend on stays, unless they go with it", async () => {
    const me = await withSample();
    await me.view("a", "SELECT * FROM sample");
    await me.view("b", "SELECT * FROM a");
    assert.match(JSON.stringify(await me.del("/views/a/", 409)), /\bb\b/);
    await me.del("/views/b/");
    await me.del("/views/a/");
    await me.del("/views/a/", 404);
    await me.post("/views/a/refresh/", undefined, 404);
    assert.deepEqual((await me.get("/views/")).data, []);
    await me.view("a", "SELECT 1 AS one");
    assert.equal((await me.get("/views/a/")).version, 1);
});

test("a view without columns of its own names, or with two of one name", async () => {
    const me = await withSample();
    const made = await me.view("v", "SELECT 1, count(*) FROM sample");
    assert.equal(new Set(made.columns.map((column) => column.column_name)).size, 2);
    const twice = await me.call("POST", "/views/", { json: { view_name: "w", sql_query: "SELECT 1 AS n, 2 AS n" } });
    assert.ok([201, 422].includes(twice.status));
    if (twice.status === 201) assert.equal(new Set(twice.body.columns.map((column) => column.column_name)).size, 2);
});

/** The rows that the changes, one after another, leave. */
function applied(changes) {
    const rows = [];
    for (const { change, row } of changes) {
        const text = JSON.stringify(row);
        if (change === "added") rows.push(text);
        else rows.splice(rows.indexOf(text), 1);
    }
    return rows.sort();
}

test("a view whose input can't be refreshed says which and why", async () => {
    const me = await account(server);
    await me.table("t", "s\none\n");
    await me.upload("/tables/t/replace/", { file: "s\n1\n", columns: [{ column_name: "s", column_type: "text" }] }, 200);
    await me.view("w", "SELECT CAST(s AS INT) AS n FROM t");
    await me.view("x", "SELECT n + 1 AS m FROM w");
    await me.upload("/tables/t/replace/", { file: "s\nnone\n" }, 200);
    const refused = await me.call("POST", "/views/x/refresh/");
    assert.equal(refused.status, 422);
    assert.match((await me.get("/views/x/")).error, /^"w", which this view reads, can't be refreshed: /);
    await me.upload("/tables/t/replace/", { file: "s\n5\n" }, 200);
    assert.equal((await me.refresh_view("x")).outcome, "refreshed");
    const view = await me.get("/views/x/");
    assert.equal(view.error, null);
    assert.deepEqual((await me.get("/views/x/rows/")).data, [{ m: 6 }]);
});
