// Rows that are asked for: sorted, filtered, counted, from the middle of many, and some columns of them.
import assert from "node:assert/strict";
import { test, useServer } from "./harness.mjs";
import { account } from "./client.mjs";
import { csv, csvRows, parquetRows, range } from "./files.mjs";

const server = useServer();

const PEOPLE = [
    ["id", "name", "born", "height", "score", "active", "seen"],
    [1, "Ada", "1815-12-10", 1.65, "10.50", true, "2026-01-01T00:00:00Z"],
    [2, "alan", "1912-06-23", 1.8, "7.25", false, "2026-02-01T12:00:00Z"],
    [3, "Grace", "1906-12-09", "", "10.50", true, ""],
    [4, "", "1930-05-11", 1.75, "", "", "2026-01-01T00:00:00.5Z"],
    [5, "Barbara", "1939-11-07", 1.6, "-3.00", false, "2025-12-31T23:59:59Z"],
];
const TYPES = ["int", "text", "date", "double", "numeric(10,2)", "boolean", "timestamptz"];

async function people() {
    const me = await account(server);
    const columns = PEOPLE[0].map((column_name, i) => ({ column_name, column_type: TYPES[i] }));
    await me.table("people", csv(PEOPLE[0], PEOPLE.slice(1)), columns);
    await me.view("everyone", "SELECT * FROM people");
    return me;
}

const target = (query, name = "tables/people") => `/${name}/rows/?${new URLSearchParams(query)}`;
const ids = (rows) => rows.map((row) => row.id);

test("sorting, up and down, by several columns, nulls last", async () => {
    const me = await people();
    const sorted = async (...sort) => ids(await me.all(target(sort.map((one) => ["sort", one]))));
    assert.deepEqual(await sorted("name"), [1, 5, 3, 2, 4]);
    assert.deepEqual(await sorted("-name"), [2, 3, 5, 1, 4]);
    assert.deepEqual(await sorted("score,-born"), [5, 2, 3, 1, 4]);
    assert.deepEqual(await sorted("score", "born"), [5, 2, 1, 3, 4]);
    assert.deepEqual(await sorted("-height"), [2, 4, 1, 5, 3]);
    assert.deepEqual(await sorted("active,-id"), [5, 2, 3, 1, 4]);
    assert.deepEqual(await sorted("SEEN"), [5, 1, 4, 2, 3]);
    const both = await me.all(target({ sort: "-id" }, "views/everyone"));
    assert.deepEqual(ids(both), [5, 4, 3, 2, 1]);
});

test("filters of each kind, on columns of each type", async () => {
    const me = await people();
    const found = async (...filters) => ids(await me.all(target(filters.map((one) => ["filter", one]))));
    const cases = [
        ["id:eq:3", [3]],
        ["id:ne:3", [1, 2, 4, 5]],
        ["id:lt:3", [1, 2]],
        ["id:le:3", [1, 2, 3]],
        ["id:gt:3", [4, 5]],
        ["id:ge:3", [3, 4, 5]],
        ["name:eq:Ada", [1]],
        ["name:eq:ada", []],
        ["name:contains:A", [1, 2, 3, 5]],
        ["name:starts:a", [1, 2]],
        ["name:null", [4]],
        ["name:not_null", [1, 2, 3, 5]],
        ["name:ne:Ada", [2, 3, 5]],
        ["name:gt:B", [2, 3, 5]],
        ["born:lt:1912-06-23", [1, 3]],
        ["height:ge:1.75", [2, 4]],
        ["score:eq:10.5", [1, 3]],
        ["score:lt:7.251", [2, 5]],
        ["score:lt:7.25", [5]],
        ["active:eq:true", [1, 3]],
        ["active:null:", [4]],
        ["seen:gt:2026-01-01T00:00:00Z", [2, 4]],
        ["seen:le:2026-01-01T01:00:00+01:00", [1, 5]],
        ["NAME:eq:Grace", [3]],
    ];
    for (const [filter, expected] of cases) assert.deepEqual(await found(filter), expected, filter);
    assert.deepEqual(await found("id:gt:1", "active:eq:false", "height:lt:1.7"), [5]);
    assert.deepEqual(ids(await me.all(target({ filter: "id:gt:3", sort: "name" }, "views/everyone"))), [5, 4]);
});

test("values are only values", async () => {
    const me = await account(server);
    const names = ["it's", 'say "hi"', "a:b", "100%", "a_b", "back\\slash", "'; DROP TABLE t; --", "ünï"];
    await me.post("/tables/", {
        table_name: "t",
        columns: [
            { column_name: "odd:name", column_type: "text" },
            { column_name: "a,b", column_type: "int" },
            { column_name: "-x", column_type: "int" },
            { column_name: "odd", column_type: "int" },
        ],
        rows: names.map((name, i) => ({ "odd:name": name, "a,b": i % 3, "-x": -i, odd: 7 })),
    });
    const found = async (query) => (await me.all(target(query, "tables/t"))).map((row) => row["odd:name"]);
    for (const name of names) {
        assert.deepEqual(await found({ filter: `odd:name:eq:${name}` }), [name]);
        assert.deepEqual(await found({ filter: `odd:name:contains:${name.slice(1)}` }), [name]);
    }
    assert.deepEqual(await found({ filter: "odd:eq:7" }), names, "the shorter name is found as well");
    assert.equal((await found({ sort: "a,b" }))[0], names[0]);
    assert.equal((await found({ sort: "--x" }))[0], names[0]);
    assert.equal((await found({ sort: "-x" })).at(-1), names[0], "a name that begins with a sign, when there is no other");
    assert.equal((await me.get("/tables/t/")).row_count, names.length);
});

test("what does not fit is named", async () => {
    const me = await people();
    const cases = [
        [{ sort: "nope" }, "sort", /nope/],
        [{ sort: "name,,id" }, "sort", /column/],
        [{ sort: "" }, "sort", /column/],
        [{ filter: "nope:eq:1" }, "filter", /nope/],
        [{ filter: "id" }, "filter", /is not one of/],
        [{ filter: "id:like:1" }, "filter", /"like"/],
        [{ filter: "id:eq" }, "filter", /needs a value/],
        [{ filter: "id:null:1" }, "filter", /no value/],
        [{ filter: "id:eq:one" }, "filter", /"one" does not fit "id"/],
        [{ filter: "id:eq:1.5" }, "filter", /"1.5" does not fit/],
        [{ filter: "id:eq:" }, "filter", /does not fit/],
        [{ filter: "id:eq:99999999999" }, "filter", /does not fit/],
        [{ filter: "born:lt:yesterday" }, "filter", /yesterday/],
        [{ filter: "active:eq:perhaps" }, "filter", /perhaps/],
        [{ filter: "seen:gt:noon" }, "filter", /noon/],
        [{ filter: "id:contains:1" }, "filter", /texts/],
        [{ filter: "" }, "filter", /column/],
        [{ columns: "id,nope" }, "columns", /nope/],
        [{ columns: "id,id" }, "columns", /twice/],
        [{ offset: "-1" }, "offset", /from 0/],
        [{ limit: "0" }, "limit", /from 1/],
        [{ count: "some" }, "count", /true or false/],
        [{ after: "x", offset: "1" }, "offset", /together/],
    ];
    for (const [query, field, text] of cases) {
        const reply = await me.call("GET", target(query));
        assert.equal(reply.status, 422, `${JSON.stringify(query)}: ${JSON.stringify(reply.body)}`);
        assert.match(reply.body.errors[field]?.[0] ?? "", text, JSON.stringify(query));
    }
    const many = (name, n, value) => new URLSearchParams(range(n).map(() => [name, value]));
    for (const query of [many("filter", 33, "id:eq:1"), many("sort", 17, "id")])
        assert.equal((await me.call("GET", `/tables/people/rows/?${query}`)).status, 422);
});

test("some columns, in the order asked for", async () => {
    const me = await people();
    const page = await me.get(target({ columns: "name,id", limit: 1 }));
    assert.deepEqual(Object.entries(page.data[0]), [
        ["name", "Ada"],
        ["id", 1],
    ]);
    const all = await me.all(target({ columns: "id", sort: "-born", filter: "id:le:4", limit: 2 }));
    assert.deepEqual(all, [{ id: 4 }, { id: 2 }, { id: 3 }, { id: 1 }]);
});

test("row_count is told when it is asked for, of what the filter lets through", async () => {
    const me = await people();
    assert.equal((await me.get(target({}))).row_count, undefined);
    assert.equal((await me.get(target({ count: true, limit: 1 }))).row_count, 5);
    const page = await me.get(target({ count: true, limit: 1, filter: "id:gt:3" }));
    assert.equal(page.row_count, 2);
    assert.equal(page.data.length, 1);
    assert.equal((await me.get(target({ count: true, filter: "id:gt:30" }))).row_count, 0);
    assert.deepEqual((await me.get(target({ count: true, offset: 3 }))).data.length, 2);
});

test("files are sorted and filtered alike", async () => {
    const me = await people();
    const query = { sort: "-id", filter: "id:gt:2", columns: "id,name" };
    const text = await me.call("GET", target(query), { headers: { accept: "text/csv" } });
    assert.equal(text.status, 200);
    assert.deepEqual(csvRows(text.bytes), [
        ["id", "name"],
        ["5", "Barbara"],
        ["4", ""],
        ["3", "Grace"],
    ]);
    const binary = await me.call("GET", target({ ...query, limit: 2 }), {
        headers: { accept: "application/vnd.apache.parquet" },
    });
    const rows = await parquetRows(binary.bytes);
    assert.deepEqual(
        rows.map((row) => [Number(row.id), row.name ?? null]),
        [
            [5, "Barbara"],
            [4, null],
        ],
    );
});

const MANY = 1_000_000;

test("many rows: pages and jumps, sorted and filtered, hold each row once and are quick", async () => {
    const me = await account(server);
    const lines = [];
    for (let i = 0; i < MANY; i++) lines.push(`${i},${(i * 7919) % MANY},word ${i % 1000},${i % 2}\n`);
    await me.table("many", `id,mixed,word,odd\n${lines.join("")}`);
    const page = async (query) => {
        const begun = Date.now();
        const reply = await me.get(target(query, "tables/many"));
        return { ...reply, ms: Date.now() - begun };
    };
    const plain = await page({ offset: 900_000, limit: 3 });
    assert.deepEqual(ids(plain.data), [900_000, 900_001, 900_002]);
    assert.deepEqual(ids((await me.get(plain.links.next)).data), [900_003, 900_004, 900_005]);
    assert.equal((await page({ offset: MANY - 1 })).links.next, null);
    assert.deepEqual((await page({ offset: MANY + 5 })).data, []);

    const sorted = await page({ sort: "-mixed", offset: 700_000, limit: 100 });
    const mixed = sorted.data.map((row) => row.mixed);
    assert.deepEqual(
        mixed,
        range(100).map((i) => MANY - 1 - 700_000 - i),
    );
    const next = await me.get(sorted.links.next);
    assert.equal(next.data[0].mixed, MANY - 1 - 700_100);

    const odd = { filter: "odd:eq:1", sort: "word" };
    const first = await page({ ...odd, limit: 700, count: true });
    assert.equal(first.row_count, MANY / 2);
    const second = await me.get(first.links.next);
    const seen = [...first.data, ...second.data].map((row) => row.id);
    assert.equal(new Set(seen).size, 1_400);
    const expected = range(MANY / 2)
        .map((i) => 2 * i + 1)
        .map((id) => ({ id, word: `word ${id % 1000}` }))
        .sort((a, b) => (a.word < b.word ? -1 : a.word > b.word ? 1 : a.id - b.id));
    assert.deepEqual(
        seen,
        expected.slice(0, 1_400).map((row) => row.id),
    );
    for (const [name, one] of Object.entries({ plain, sorted, first }))
        assert.ok(one.ms < 3_000 * Number(process.env.TEST_SLOW || 1), `${name} took ${one.ms} ms`);

    const rare = await page({ filter: "id:ge:999990", limit: 4 });
    assert.deepEqual(ids(rare.data), [999_990, 999_991, 999_992, 999_993]);
    const wrong = await me.call("GET", rare.links.next.replace("999990", "5"));
    assert.equal(wrong.status, 400, "a cursor belongs to its filter");
    assert.equal(wrong.body.code, "invalid_cursor");
    await me.post("/tables/many/rows/", { rows: [{ id: -1, mixed: -1, word: "x", odd: 0 }] });
    assert.equal((await me.call("GET", rare.links.next)).status, 410);
}, { timeout: 120_000 });

test("a column that is named as the engine's own row number", async () => {
    const me = await account(server);
    await me.table("t", csv(["rowid", "n"], range(50).map((i) => [50 - i, i % 2])));
    const rows = await me.all(target({ sort: "n", limit: 7 }, "tables/t"));
    assert.equal(rows.length, 50);
    assert.equal(new Set(rows.map((row) => row.rowid)).size, 50);
    assert.deepEqual(
        rows.map((row) => row.n),
        range(50).map((i) => (i < 25 ? 0 : 1)),
    );
    assert.equal((await me.all(target({ filter: "rowid:gt:10", limit: 7 }, "tables/t"))).length, 40);
    assert.equal((await me.get(target({ offset: 48 }, "tables/t"))).data.length, 2);
});
