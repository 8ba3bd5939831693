// Looking into a file before it is loaded: columns, types, first rows, and what does not fit.
import assert from "node:assert/strict";
import { temporaryFiles, test, useServer } from "./harness.mjs";
import { account, SAMPLE_COLUMNS, sampleCsv, sampleParquet } from "./client.mjs";
import { csv, parquet, range } from "./files.mjs";

const server = useServer();
const preview = (me, fields, status = 200) => me.upload("/tables/preview/", fields, status);

test("a CSV file is seen as a load would make it", async () => {
    const me = await account(server);
    const seen = await preview(me, { file: sampleCsv });
    const made = await me.table("t", sampleCsv);
    assert.equal(seen.format, "csv");
    assert.equal(seen.complete, true);
    assert.deepEqual(seen.columns, made.columns);
    assert.deepEqual(seen.rows, await me.rows("t"));
    assert.equal((await me.get("/tables/")).data.length, 1);
    assert.deepEqual((await me.get("/loads/")).data.length, 1);
    assert.deepEqual(temporaryFiles(server.dataDir), []);
});

test("so is a Parquet file", async () => {
    const me = await account(server);
    const seen = await preview(me, { file: sampleParquet });
    const made = await me.table("t", sampleParquet);
    assert.equal(seen.format, "parquet");
    assert.deepEqual(seen.columns, made.columns);
    assert.deepEqual(seen.rows, await me.rows("t"));
    assert.equal(seen.complete, true);
});

test("types are inferred from all that was sent, as in loading", async () => {
    const me = await account(server);
    const rows = range(30_000).map((i) => [i, i === 29_999 ? "late" : i, "2026-01-01", "1.5"]);
    const file = csv(["n", "mostly", "day", "real"], rows);
    const seen = await preview(me, { file });
    const made = await me.table("t", file);
    assert.deepEqual(seen.columns, made.columns);
    assert.equal(seen.columns[1].column_type, "text");
    assert.equal(seen.rows.length, 50);
    assert.equal(seen.complete, false);
    assert.deepEqual(seen.rows[49], { n: 49, mostly: "49", day: "2026-01-01", real: 1.5 });
});

test("the beginning of a file, cut anywhere", async () => {
    const me = await account(server);
    const file = Buffer.from(csv(["id", "näme", "x"], range(20).map((i) => [i, `"quöted, ""${i}""\nline"`, i / 2])));
    const header = file.indexOf("\n") + 1;
    for (const at of range(40).map((i) => header + i * 11)) {
        const seen = await preview(me, { file: file.subarray(0, at), cut: "true" });
        assert.deepEqual(
            seen.columns.map((column) => column.column_name),
            ["id", "näme", "x"],
        );
        assert.equal(seen.complete, false);
        seen.rows.forEach((row, i) => {
            assert.equal(row.id, i);
            assert.equal(row.näme, `quöted, "${i}"\nline`);
            assert.equal(row.x, i / 2);
        });
        const whole = file.subarray(0, at).toString().split(/\n(?=\d+,)/).length - 2;
        assert.ok(seen.rows.length >= whole, `${seen.rows.length} rows of ${at} bytes, not ${whole}`);
    }
    const none = await preview(me, { file: file.subarray(0, 5), cut: "true" }, 422);
    assert.equal(none.code, "invalid_file");
    assert.match(none.detail, /whole line/);
    const plain = await preview(me, { file: file.subarray(0, header + 20) }, 422);
    assert.equal(plain.code, "invalid_file", "without the field it is taken as it is");
});

test("a cut file with CR LF, one that ends with a line, and one with a header only", async () => {
    const me = await account(server);
    const seen = async (file) => (await preview(me, { file, cut: "true" })).rows;
    assert.deepEqual(await seen("a,b\r\n1,2\r\n3,4\r"), [{ a: 1, b: 2 }]);
    assert.deepEqual(await seen("a,b\r\n1,2\r\n3,4\r\n"), [
        { a: 1, b: 2 },
        { a: 3, b: 4 },
    ]);
    assert.deepEqual(await seen("a,b\n"), []);
    assert.deepEqual(await seen("a,b\n1"), []);
});

test("of a Parquet file its first bytes and its footer are enough for the columns", async () => {
    const me = await account(server);
    const file = parquet([
        { name: "id", data: range(5000), type: "INT32" },
        { name: "word", data: range(5000).map((i) => `w${i}`), type: "STRING" },
    ]);
    const length = file.readUInt32LE(file.length - 8);
    const footer = Buffer.concat([Buffer.from("PAR1"), file.subarray(file.length - 8 - length)]);
    const seen = await preview(me, { file: footer });
    assert.deepEqual(seen, {
        format: "parquet",
        columns: (await preview(me, { file })).columns,
        rows: [],
        complete: false,
    });
    const declared = [
        { column_name: "word", column_type: "text" },
        { column_name: "id", column_type: "bigint" },
    ];
    assert.deepEqual((await preview(me, { file: footer, columns: declared })).columns, declared);
    const wrong = await preview(me, { file: footer, columns: SAMPLE_COLUMNS }, 422);
    assert.ok(wrong.errors.some((error) => error.column === "SomeNumber"));
    assert.equal((await preview(me, { file: footer.subarray(0, -10) }, 422)).code, "invalid_file");
});

test("with columns the rows are seen in their types, and what does not fit is told as in loading", async () => {
    const me = await account(server);
    const columns = [
        { column_name: "id", column_type: "smallint" },
        { column_name: "word", column_type: "varchar(4)" },
        { column_name: "at", column_type: "timestamptz" },
    ];
    const good = "id,word,at\n1,one,2026-01-01T00:00:00Z\n2,,\n";
    assert.deepEqual((await preview(me, { file: good, columns })).rows, [
        { id: 1, word: "one", at: "2026-01-01T00:00:00Z" },
        { id: 2, word: null, at: null },
    ]);
    for (const bad of [
        "id,word,at\n1,one,\nx,two,\n3,three,\n70000,x,\n",
        "id,word,at\n1,toolong,\n",
        "id,word,at\n1,one,noon\n1.5,x,\n",
        "id,word\n1,one\n",
        "id,word,at\n1,one\n",
    ]) {
        const seen = await preview(me, { file: bad, columns }, 422);
        const loaded = await me.upload("/tables/", { table_name: "t", file: bad, columns }, 422);
        assert.equal(seen.code, "invalid_file");
        assert.deepEqual(seen.errors, loaded.errors);
        assert.ok(seen.errors.length > 0);
    }
});

test("rows in JSON can be looked at as well", async () => {
    const me = await account(server);
    const seen = await me.post("/tables/preview/", { rows: [{ a: 1, b: "x" }, { a: 2 }] }, 200);
    assert.equal(seen.format, "json");
    assert.deepEqual(seen.rows, [
        { a: 1, b: "x" },
        { a: 2, b: null },
    ]);
    assert.equal(seen.complete, true);
    const wrong = await me.call("POST", "/tables/preview/", {
        json: { rows: [{ a: "x" }], columns: [{ column_name: "a", column_type: "int" }] },
    });
    assert.equal(wrong.status, 422);
    assert.deepEqual(
        wrong.body.errors.map((error) => [error.line, error.column, error.value]),
        [[1, "a", "x"]],
    );
});

test("forms that are not right are told so", async () => {
    const me = await account(server);
    const cases = [
        [{ file: "a\n1\n", table_name: "t" }, "table_name"],
        [{ file: "a\n1\n", cut: "perhaps" }, "cut"],
        [{ cut: "true" }, "file"],
        [{ file: "a\n1\n", columns: [{ column_name: "a", column_type: "blob" }] }, "columns[0].column_type"],
    ];
    for (const [fields, field] of cases) {
        const reply = await preview(me, fields, 422);
        assert.ok(reply.errors[field], `${field} in ${JSON.stringify(reply)}`);
    }
    for (const file of ["", "a,a\n1,2\n", "PAR1", Buffer.from([0xff, 0xfe, 0x41, 0])])
        assert.equal((await preview(me, { file }, 422)).code, "invalid_file");
    assert.deepEqual(temporaryFiles(server.dataDir), []);
});
