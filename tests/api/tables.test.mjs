// Tables: from files with declared and with inferred columns; what they show, and how they go.
import assert from "node:assert/strict";
import { test, useServer } from "./harness.mjs";
import { account, SAMPLE_COLUMNS, sampleCsv, sampleParquet, WORDS } from "./client.mjs";
import { csv, parquet, range } from "./files.mjs";

const server = useServer();
const sampleRows = WORDS.map((SomeString, SomeNumber) => ({ SomeNumber, SomeString }));

for (const [kind, file, filename] of [
    ["CSV", sampleCsv, "sample.csv"],
    ["Parquet", sampleParquet, "sample.parquet"],
]) {
    test(`the sample as ${kind}, declared`, async () => {
        const me = await account(server);
        const columns = JSON.stringify(SAMPLE_COLUMNS);
        const made = await me.upload("/tables/create/", { table_name: "sample", file, filename, columns });
        assert.equal(made.table_name, "sample");
        assert.deepEqual(made.columns, SAMPLE_COLUMNS);
        assert.equal(made.row_count, 10);
        assert.deepEqual(await me.rows("sample"), sampleRows);
    });

    test(`the sample as ${kind}, inferred: the answer says the types`, async () => {
        const me = await account(server);
        const made = await me.upload("/tables/", { table_name: "sample", file, filename });
        assert.deepEqual(
            made.columns.map((column) => column.column_name),
            ["SomeNumber", "SomeString"],
        );
        assert.match(made.columns[0].column_type, /^(int|bigint)$/);
        assert.match(made.columns[1].column_type, /^(text|varchar)/);
        assert.deepEqual(await me.rows("sample"), sampleRows);
    });
}

test("the format is told by the file, not by its name", async () => {
    const me = await account(server);
    await me.upload("/tables/", { table_name: "a", file: sampleParquet, filename: "data" });
    await me.upload("/tables/", { table_name: "b", file: sampleParquet, filename: "wrong.csv" });
    assert.deepEqual(await me.rows("a"), sampleRows);
    assert.deepEqual(await me.rows("b"), sampleRows);
});

test("declared columns are matched by name, in any order", async () => {
    const me = await account(server);
    const columns = [...SAMPLE_COLUMNS].reverse();
    for (const [table_name, file] of [
        ["c", sampleCsv],
        ["p", sampleParquet],
    ]) {
        const made = await me.upload("/tables/", { table_name, file, columns });
        assert.deepEqual(made.columns, columns);
        assert.deepEqual(await me.rows(table_name), sampleRows);
    }
});

test("a declared column that the file lacks, and one that the declaration lacks, are named", async () => {
    const me = await account(server);
    const more = [...SAMPLE_COLUMNS, { column_name: "Colour", column_type: "text" }];
    for (const file of [sampleCsv, sampleParquet]) {
        const lacks = await me.upload("/tables/", { table_name: "t", file, columns: more }, 422);
        assert.match(JSON.stringify(lacks), /Colour/);
        const extra = await me.upload("/tables/", { table_name: "t", file, columns: SAMPLE_COLUMNS.slice(0, 1) }, 422);
        assert.match(JSON.stringify(extra), /SomeString/);
    }
    assert.deepEqual((await me.get("/tables/")).data, []);
});

test("names keep their case; quotes, commas, line breaks and any script are data", async () => {
    const me = await account(server);
    const values = ['say "hi"', "a,b", "two\nlines", "Ünïcödé 漢字 🦆", "'; DROP TABLE t; --", "  spaces  ", "\\n"];
    const file = `n,"Größe in €"\n${values.map((value, i) => `${i},"${value.replaceAll('"', '""')}"`).join("\n")}\n`;
    const made = await me.table("Mixed_Case 1", file);
    assert.equal(made.columns[1].column_name, "Größe in €");
    const rows = await me.rows(encodeURIComponent("Mixed_Case 1"));
    assert.deepEqual(
        rows.map((row) => row["Größe in €"]),
        values,
    );
});

test("empty fields are null, quoted ones too or empty, never the other way round", async () => {
    const me = await account(server);
    const columns = [
        { column_name: "a", column_type: "int" },
        { column_name: "b", column_type: "text" },
    ];
    await me.table("t", "a,b\n1,x\n,y\n3,\n", columns);
    const rows = await me.rows("t");
    assert.deepEqual(rows[0], { a: 1, b: "x" });
    assert.deepEqual(rows[1], { a: null, b: "y" });
    assert.ok(rows[2].b === null || rows[2].b === "");
});

test("CSV with a byte order mark, with CRLF, with semicolons, without a last line break", async () => {
    const me = await account(server);
    for (const [name, file] of [
        ["bom", `\ufeff${sampleCsv}`],
        ["crlf", sampleCsv.toString().replaceAll("\n", "\r\n")],
        ["semicolon", sampleCsv.toString().replaceAll(",", ";")],
        ["tab", sampleCsv.toString().replaceAll(",", "\t")],
        ["unended", sampleCsv.toString().trimEnd()],
    ]) {
        await me.table(name, file, SAMPLE_COLUMNS);
        assert.deepEqual(await me.rows(name), sampleRows, name);
    }
});

test("a header alone is an empty table", async () => {
    const me = await account(server);
    const made = await me.table("t", "SomeNumber,SomeString\n", SAMPLE_COLUMNS);
    assert.equal(made.row_count, 0);
    assert.deepEqual(await me.rows("t"), []);
});

test("a table is the same object in create, show and list", async () => {
    const me = await account(server);
    const made = await me.table("one", sampleCsv, SAMPLE_COLUMNS);
    await me.table("two");
    const shown = await me.get("/tables/one/");
    assert.deepEqual(shown, made);
    const list = await me.get("/tables/");
    assert.deepEqual(
        list.data.find((table) => table.table_name === "one"),
        made,
    );
    assert.equal(list.data.length, 2);
    assert.ok("next" in list.links);
    assert.equal(typeof shown.bytes, "number");
    assert.match(shown.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
});

test("many tables come page after page", async () => {
    const me = await account(server);
    for (const i of range(5)) await me.table(`t${i}`, "a\n1\n");
    const names = (await me.all("/tables/?limit=2")).map((table) => table.table_name);
    assert.deepEqual(
        names.sort(),
        range(5).map((i) => `t${i}`),
    );
    assert.equal((await me.get("/tables/?limit=2")).data.length, 2);
});

test("a name is taken once, also by a view", async () => {
    const me = await account(server);
    await me.table("t");
    await me.view("v", "SELECT 1 AS one");
    for (const table_name of ["t", "T", "v"]) {
        const refused = await me.upload("/tables/", { table_name, file: sampleCsv }, 409);
        assert.match(refused.detail, new RegExp(table_name, "i"));
    }
    await me.post("/views/", { view_name: "t", sql_query: "SELECT 1 AS one" }, 409);
    assert.equal((await me.get("/tables/")).data.length, 1);
});

test("two creations of one name at once: one gets it", async () => {
    const me = await account(server);
    const form = () => me.call("POST", "/tables/", { form: formOf("t") });
    const replies = await Promise.all([form(), form(), form()]);
    assert.deepEqual(replies.map((reply) => reply.status).sort(), [201, 409, 409]);
    assert.equal((await me.rows("t")).length, 10);
});

test("append and replace with files", async () => {
    const me = await account(server);
    await me.table("t", sampleCsv, SAMPLE_COLUMNS);
    const appended = await me.upload("/tables/t/rows/", { file: sampleParquet });
    assert.equal(appended.rows_added, 10);
    assert.equal(appended.row_count, 20);
    const reordered = "SomeString,SomeNumber\nKilo,10\n";
    assert.equal((await me.upload("/tables/t/rows/", { file: reordered })).row_count, 21);
    const replaced = await me.upload("/tables/t/replace/", { file: reordered }, 200);
    assert.equal(replaced.row_count, 1);
    assert.deepEqual(await me.rows("t"), [{ SomeNumber: 10, SomeString: "Kilo" }]);
    await me.upload("/tables/missing/rows/", { file: sampleCsv }, 404);
    await me.upload("/tables/missing/replace/", { file: sampleCsv }, 404);
});

test("JSON rows are appended, all or none", async () => {
    const me = await account(server);
    await me.table("t", sampleCsv, SAMPLE_COLUMNS);
    const rows = [
        { SomeNumber: 10, SomeString: "Kilo" },
        { SomeString: "Lima" },
        { SomeNumber: null, SomeString: 'M"ike\n' },
    ];
    const appended = await me.post("/tables/t/rows/", { rows });
    assert.equal(appended.rows_added, 3);
    assert.deepEqual((await me.rows("t")).slice(10), [rows[0], { SomeNumber: null, SomeString: "Lima" }, rows[2]]);
    for (const wrong of [
        [{ SomeNumber: 1 }, { SomeNumber: "many" }],
        [{ Colour: "red" }],
        [{ SomeNumber: 3_000_000_000 }],
        [{ SomeString: "x".repeat(257) }],
        [7],
        "rows",
    ]) {
        await me.post("/tables/t/rows/", { rows: wrong }, 422);
    }
    assert.equal((await me.get("/tables/t/")).row_count, 13);
    assert.equal((await me.post("/tables/t/rows/", { rows: [] })).rows_added, 0);
});

test("a fork is a copy with a life of its own", async () => {
    const me = await account(server);
    await me.table("t", sampleCsv, SAMPLE_COLUMNS);
    const fork = await me.post("/tables/t/fork/", { table_name: "copy" });
    assert.equal(fork.table_name, "copy");
    assert.equal(fork.row_count, 10);
    assert.deepEqual(fork.columns, SAMPLE_COLUMNS);
    await me.post("/tables/copy/rows/", { rows: [{ SomeNumber: 11, SomeString: "Lima" }] });
    assert.equal((await me.rows("t")).length, 10);
    await me.post("/tables/t/fork/", { table_name: "copy" }, 409);
    await me.post("/tables/missing/fork/", { table_name: "x" }, 404);
    await me.post("/tables/t/fork/", { table_name: 'no"name' }, 422);
});

test("a table others depend on stays, unless they go with it", async () => {
    const me = await account(server);
    await me.table("t");
    await me.view("v", "SELECT * FROM t");
    await me.view("w", "SELECT * FROM v");
    await me.view("other", "SELECT 1 AS one");
    const { id } = await me.job("w");
    const refused = await me.del("/tables/t/", 409);
    assert.match(JSON.stringify(refused), /\bv\b/);
    assert.match(JSON.stringify(await me.get("/tables/t/")), /"v"/);
    await me.del("/tables/t/?cascade=true");
    await me.get("/tables/t/", 404);
    assert.deepEqual(
        (await me.get("/views/")).data.map((view) => view.view_name),
        ["other"],
    );
    await me.get(`/jobs/${id}/`, 404);
    await me.table("t");
    assert.equal((await me.rows("t")).length, 10);
});

test("a Parquet file with groups, nulls and every plain type", async () => {
    const me = await account(server);
    const n = 5_000;
    const at = (i) => new Date(Date.UTC(2026, 0, 1) + i * 1_000);
    const file = parquet(
        [
            { name: "i", data: range(n), type: "INT32" },
            { name: "l", data: range(n).map((i) => BigInt(i) * 10n ** 15n), type: "INT64" },
            { name: "d", data: range(n).map((i) => i / 4), type: "DOUBLE" },
            { name: "b", data: range(n).map((i) => i % 2 === 0), type: "BOOLEAN" },
            { name: "s", data: range(n).map((i) => (i % 3 ? `s${i}` : null)), type: "STRING", nullable: true },
            { name: "t", data: range(n).map(at), type: "TIMESTAMP" },
        ],
        { rowGroupSize: 1_000 },
    );
    const made = await me.table("t", file);
    assert.equal(made.row_count, n);
    const [last] = (await me.rows("t")).slice(-1);
    assert.equal(last.i, n - 1);
    assert.equal(last.l, "4999000000000000000");
    assert.equal(last.d, 4999 / 4);
    assert.equal(last.b, false);
    assert.equal(last.s, "s4999");
    assert.equal(Date.parse(last.t), at(n - 1).getTime());
});

test("a table of many columns", async () => {
    const me = await account(server);
    const names = range(300).map((i) => `column_${i}`);
    const made = await me.table("wide", csv(names, [range(300)]));
    assert.equal(made.columns.length, 300);
    assert.equal((await me.rows("wide"))[0].column_299, 299);
});

function formOf(table_name) {
    const form = new FormData();
    form.append("table_name", table_name);
    form.append("file", new Blob([sampleCsv]), "sample.csv");
    return form;
}
