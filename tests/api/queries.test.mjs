// Queries for trying, and what the engine never does for anyone: run long, eat the memory, reach outside, take others down.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { descendants, test, until, useServer } from "./harness.mjs";
import { account, SAMPLE_COLUMNS, sampleCsv } from "./client.mjs";

const server = useServer({ env: { QUERY_SECONDS: "2", ENGINE_MEMORY: "400M" } });
const LONG = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1";
const query = (me, sql, status = 200, more = {}) => me.post("/queries/", { sql, ...more }, status);

async function withSample() {
    const me = await account(server);
    await me.table("sample", sampleCsv, SAMPLE_COLUMNS);
    return me;
}

const works = async (me) => assert.deepEqual((await query(me, "SELECT count(*) AS n FROM sample")).data, [{ n: 10 }]);

test("a query answers its columns and rows, up to its limit", async () => {
    const me = await withSample();
    const answer = await query(me, 'SELECT "SomeNumber", "SomeString" AS word FROM sample ORDER BY 1 DESC', 200, {
        limit: 3,
    });
    assert.deepEqual(
        answer.columns.map((column) => column.column_name),
        ["SomeNumber", "word"],
    );
    assert.equal(answer.columns[0].column_type, "int");
    assert.deepEqual(
        answer.data.map((row) => row.SomeNumber),
        [9, 8, 7],
    );
    assert.equal((await query(me, "SELECT * FROM range(100000)")).data.length < 100_000, true);
    for (const limit of [0, -1, "many", 1e12]) await query(me, "SELECT 1", 422, { limit });
    await me.post("/queries/", {}, 422);
    await me.post("/queries/", { sql: 7 }, 422);
});

test("numbers that JSON can't hold are text", async () => {
    const me = await withSample();
    const { data } = await query(
        me,
        `SELECT 9007199254740993::BIGINT AS big, 7::BIGINT AS small, 1.10::DECIMAL(4,2) AS dec, 170141183460469231731687303715884105727::HUGEINT AS huge,
            'NaN'::DOUBLE AS nan, 'Infinity'::DOUBLE AS inf, NULL AS none, TIMESTAMPTZ '2026-01-01 12:00:00+02' AS at, [1, 2] AS list, {'a': 1} AS struct`,
    );
    const [row] = data;
    assert.equal(row.big, "9007199254740993");
    assert.equal(row.small, 7);
    assert.equal(row.dec, "1.10");
    assert.equal(row.huge, "170141183460469231731687303715884105727");
    assert.ok([null, "NaN", "nan"].includes(row.nan));
    assert.ok(row.inf === null || /inf/i.test(row.inf));
    assert.equal(row.none, null);
    assert.match(row.at, /^2026-01-01T10:00:00(\.0+)?Z$/);
});

test("two statements and writes are refused", async () => {
    const me = await withSample();
    for (const sql of [
        "SELECT 1; SELECT 2",
        "DELETE FROM sample",
        "INSERT INTO sample SELECT * FROM sample",
        "CREATE TABLE x (n INT)",
        "CREATE MACRO m() AS 1",
        "BEGIN",
        "EXPLAIN ANALYZE DELETE FROM sample",
        "MERGE INTO sample USING sample s ON TRUE WHEN MATCHED THEN DELETE",
        "CALL checkpoint()",
        "CHECKPOINT",
        "VACUUM",
        "PREPARE p AS SELECT 1",
        "USE memory",
    ]) {
        const problem = await query(me, sql, 422);
        assert.equal(problem.code, "invalid_query", sql);
    }
    await works(me);
});

test("files, settings, extensions and catalogues are out of reach", async () => {
    const me = await withSample();
    for (const sql of [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('*')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM parquet_metadata('x')",
        "SELECT * FROM 'http://127.0.0.1/x.parquet'",
        "COPY sample TO '/tmp/tinydevcrm-stolen.csv'",
        "EXPORT DATABASE '/tmp/tinydevcrm-stolen'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '100GB'",
        "PRAGMA database_list",
        "SELECT current_setting('memory_limit')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM duckdb_tables()",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_tables",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('sample')",
        "SELECT * FROM enable_logging()",
        "SELECT getenv('SECRET_KEY')",
        "SELECT nextval('x')",
        "SELECT setseed(0.5)",
        "SELECT write_log('x')",
        "SELECT json_execute_serialized_sql('{}')",
        "SELECT * FROM json_execute_serialized_sql('{}')",
        "SELECT 1 WHERE EXISTS (SELECT * FROM read_text('/etc/passwd'))",
        "WITH x AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM x",
    ]) {
        const problem = await query(me, sql, 422);
        assert.doesNotMatch(JSON.stringify(problem), /root:x:0/, sql);
    }
    await works(me);
});

test("the engine's own bookkeeping is out of reach", async () => {
    const me = await withSample();
    await me.view("v", "SELECT * FROM sample");
    const tables = ["main.sample", '"sample"', "SAMPLE"];
    for (const name of tables) await query(me, `SELECT * FROM ${name}`);
    for (const name of [
        "meta",
        "_meta",
        "views",
        "objects",
        "changes",
        "system.main.duckdb_tables",
        "temp.sample",
        "other.sample",
    ]) {
        await query(me, `SELECT * FROM ${name}`, 422);
    }
});

test("a query that runs too long is stopped, the time said, and the next one works", async () => {
    const me = await withSample();
    for (const sql of [
        LONG,
        "SELECT list_sum(range(500000000)) + list_sum(range(500000001)) + list_sum(range(500000002)) AS s, list_sum(list_transform(range(300000000), x -> x % 7)) AS t",
    ]) {
        const begun = Date.now();
        const reply = await me.call("POST", "/queries/", { json: { sql } });
        assert.ok([422, 503, 504].includes(reply.status), `${sql} got ${reply.status}`);
        assert.ok(Date.now() - begun < 15_000, `${sql} took ${Date.now() - begun} ms`);
        await works(me);
    }
    const slowly = await query(me, LONG, 504);
    assert.equal(slowly.code, "query_timeout");
    assert.match(slowly.detail, /2 ?s/);
});

test("a query that takes too much memory fails, and the next one works", async () => {
    const me = await withSample();
    for (const sql of [
        "SELECT length(repeat('x', 4000000000)) AS n",
        "SELECT list(a.range) FROM range(200000000) a",
        "SELECT max(l) FROM (SELECT list_transform(range(1000000), x -> repeat('y', 2000)) AS l)",
    ]) {
        const reply = await me.call("POST", "/queries/", { json: { sql } });
        assert.ok([422, 503, 504].includes(reply.status), `${sql} got ${reply.status}: ${JSON.stringify(reply.body)}`);
        assert.ok(reply.body.detail.length > 5);
        await works(me);
    }
});

test("a team's heavy query does not hold up another team", async () => {
    const [me, other] = [await withSample(), await withSample()];
    const heavy = me.call("POST", "/queries/", { json: { sql: LONG } });
    let done = false;
    heavy.then(() => (done = true));
    await works(other);
    assert.equal(done, false);
    assert.equal((await heavy).status, 504);
});

test("an engine process that is killed is one clear error, and the next request works", async () => {
    const me = await withSample();
    await works(me);
    const running = me.call("POST", "/queries/", { json: { sql: LONG } });
    const busy = await until(() => busiest(descendants(server.pid)), "an engine process at work");
    process.kill(busy, "SIGKILL");
    const reply = await running;
    assert.equal(reply.status, 503);
    assert.match(reply.body.code, /engine/);
    await works(me);
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1, SomeString: "x" }] });
});

test("queries of other teams' tables find nothing", async () => {
    const [me, other] = [await withSample(), await account(server)];
    await me.table("secret", "n\n42\n");
    await query(other, "SELECT * FROM secret", 422);
    await query(other, "SELECT * FROM sample", 422);
});

let ticks = new Map();

/** The process that has used the most processor time since the last look, when it is a good deal. */
function busiest(pids) {
    const now = new Map();
    for (const pid of pids) {
        try {
            const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
            now.set(pid, Number(stat[11]) + Number(stat[12]));
        } catch {
            // it has ended meanwhile
        }
    }
    const used = [...now].map(([pid, n]) => [pid, n - (ticks.get(pid) ?? n)]).sort((a, b) => b[1] - a[1])[0];
    ticks = now;
    return used && used[1] >= 1 ? used[0] : undefined;
}
