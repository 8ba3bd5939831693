// Bad input gets a named, positioned, kind error, and nothing half done.
import assert from "node:assert/strict";
import { temporaryFiles, test, until, useServer } from "./harness.mjs";
import { account, call, expect, SAMPLE_COLUMNS, sampleCsv, sampleParquet, uploadForm } from "./client.mjs";
import { csv, parquet, range } from "./files.mjs";

const server = useServer({ env: { UPLOAD_MAX: "2M" } });
const INT = [{ column_name: "n", column_type: "int" }];

async function nothingLeft(me) {
    assert.deepEqual((await me.get("/tables/")).data, []);
    await until(() => temporaryFiles(server.dataDir).length === 0, "temporary files to be gone");
}

test("a bad row is named by line, column and value", async () => {
    const me = await account(server);
    const refused = await me.upload(
        "/tables/",
        { table_name: "t", file: "SomeNumber,SomeString\n1,a\n2,b\nthree,c\n4,d\n", columns: SAMPLE_COLUMNS },
        422,
    );
    assert.equal(refused.code, "invalid_file");
    assert.equal(refused.errors.length, 1);
    const [error] = refused.errors;
    assert.equal(error.line, 4);
    assert.equal(error.column, "SomeNumber");
    assert.equal(error.value, "three");
    assert.equal(typeof error.detail, "string");
    await nothingLeft(me);
});

test("up to a hundred bad rows at once", async () => {
    const me = await account(server);
    const file = csv(
        ["n"],
        range(300).map((i) => [i % 2 ? `bad${i}` : i]),
    );
    const refused = await me.upload("/tables/", { table_name: "t", file, columns: INT }, 422);
    assert.equal(refused.errors.length, 100);
    assert.deepEqual(
        refused.errors.map((error) => error.line),
        range(100).map((i) => 2 * i + 3),
    );
    const few = await me.upload(
        "/tables/",
        { table_name: "t", file: csv(["n"], [["x"], [1], ["y"]]), columns: INT },
        422,
    );
    assert.deepEqual(
        few.errors.map((error) => [error.line, error.value]),
        [
            [2, "x"],
            [4, "y"],
        ],
    );
    await nothingLeft(me);
});

test("a number out of range, a text too long, a day that is none", async () => {
    const me = await account(server);
    for (const [column_type, value] of [
        ["int", "3000000000"],
        ["smallint", "40000"],
        ["bigint", "9223372036854775808"],
        ["numeric(4,2)", "123.45"],
        ["varchar(3)", "abcd"],
        ["boolean", "perhaps"],
        ["date", "2026-02-30"],
        ["timestamp", "2026-01-01 25:00:00"],
        ["uuid", "not-a-uuid"],
        ["json", "{"],
    ]) {
        const columns = [{ column_name: "x", column_type }];
        const refused = await me.upload("/tables/", { table_name: "t", file: `x\n${value}\n`, columns }, 422);
        assert.equal(refused.errors[0].line, 2, column_type);
        assert.equal(refused.errors[0].column, "x", column_type);
        assert.equal(refused.errors[0].value, value, column_type);
    }
    await nothingLeft(me);
});

test("rows with too few or too many fields", async () => {
    const me = await account(server);
    const refused = await me.upload(
        "/tables/",
        { table_name: "t", file: "SomeNumber,SomeString\n1,a\n2\n3,c,d\n", columns: SAMPLE_COLUMNS },
        422,
    );
    assert.deepEqual(
        refused.errors.map((error) => error.line),
        [3, 4],
    );
    await nothingLeft(me);
});

test("a file that is not text, not UTF-8, or of unended quotes", async () => {
    const me = await account(server);
    const random = Buffer.from(range(5_000).map((i) => (i * 7919 + 13) % 256));
    for (const file of [random, Buffer.from([0x6e, 0x0a, 0xff, 0xfe, 0x0a]), 'n\n"unended\n1\n2\n', "n\n1\0\n"]) {
        await me.upload("/tables/", { table_name: "t", file, columns: INT }, 422);
    }
    await nothingLeft(me);
});

test("a file in Latin-1 is refused by its line, types declared or not", async () => {
    const me = await account(server);
    const file = Buffer.from("n,word\n1,tea\n2,caf\xe9\n", "latin1");
    for (const columns of [
        undefined,
        [
            { column_name: "n", column_type: "int" },
            { column_name: "word", column_type: "text" },
        ],
    ]) {
        const refused = await me.upload("/tables/", { table_name: "t", file, columns }, 422);
        assert.deepEqual(refused.errors, [{ line: 3, detail: "is not UTF-8 text: save the file in UTF-8" }]);
    }
    await nothingLeft(me);
});

test("a line without its last fields is told of once, however many they are", async () => {
    const me = await account(server);
    const refused = await me.upload("/tables/", { table_name: "t", file: "a,b,c,d\n1,2,3,4\n5\n6\n7,8,9,10\n" }, 422);
    assert.deepEqual(
        refused.errors,
        [3, 4].map((line) => ({ line, detail: "has fewer fields than the header" })),
    );
    assert.match(refused.detail, /2 errors/);
    await nothingLeft(me);
});

test("more than 2000 columns are refused, in any format", async () => {
    const me = await account(server);
    const names = range(2001).map((i) => `column_${i}`);
    const row = Object.fromEntries(names.map((name) => [name, 1]));
    const refused = [
        await me.upload("/tables/", { table_name: "t", file: `${names}\n${names.map(() => 1)}\n` }, 422),
        await me.post("/tables/", { table_name: "t", rows: [row] }, 422),
        await me.upload(
            "/tables/",
            { table_name: "t", file: parquet(names.map((name) => ({ name, data: [1], type: "INT32" }))) },
            422,
        ),
    ];
    for (const { code, detail } of refused) assert.match(`${code} ${detail}`, /^invalid_file .*2000 columns/);
    await nothingLeft(me);
});

test("an empty file is refused, in any format", async () => {
    const me = await account(server);
    for (const [filename, columns] of [
        ["a.csv", undefined],
        ["a.csv", SAMPLE_COLUMNS],
        ["a.parquet", SAMPLE_COLUMNS],
    ]) {
        const refused = await me.upload("/tables/", { table_name: "t", file: "", filename, columns }, 422);
        assert.match(refused.detail, /empty/i);
    }
    await nothingLeft(me);
});

test("a truncated or damaged Parquet file", async () => {
    const me = await account(server);
    const good = parquet([{ name: "n", data: range(10_000), type: "INT32" }]);
    const footer = Buffer.from(good);
    footer.fill(0xff, good.length - 60, good.length - 8);
    const length = Buffer.from(good);
    length.writeUInt32LE(0x7fffffff, good.length - 8);
    const wrong = {
        "cut short": good.subarray(0, good.length - 100),
        "cut in half": good.subarray(0, good.length / 2),
        "the mark alone": Buffer.from("PAR1"),
        "two marks": Buffer.from("PAR1PAR1"),
        "a wrong footer": footer,
        "a wrong length": length,
    };
    for (const [what, file] of Object.entries(wrong)) {
        for (const columns of [undefined, INT]) {
            const refused = await me.upload("/tables/", { table_name: "t", file, filename: "t.parquet", columns }, 422);
            assert.match(refused.detail, /parquet/i, what);
            assert.doesNotMatch(refused.detail, /\/(tmp|data|uploads?)\//, what);
        }
    }
    await nothingLeft(me);
});

test("a Parquet column of another type", async () => {
    const me = await account(server);
    const file = parquet([{ name: "n", data: ["1", "two", "3"], type: "STRING" }]);
    const refused = await me.upload("/tables/", { table_name: "t", file, columns: INT }, 422);
    assert.match(JSON.stringify(refused), /two/);
    await nothingLeft(me);
});

test("names that are none", async () => {
    const me = await account(server);
    const reserved = ["select", "TABLE", "where"];
    for (const table_name of ['a"b', "a'b", "x".repeat(300), "", " ", "a\nb", "a\0b", ...reserved]) {
        const refused = await me.upload("/tables/", { table_name, file: sampleCsv }, 422);
        assert.ok(refused.errors.table_name, `${JSON.stringify(table_name)}: ${JSON.stringify(refused)}`);
        if (table_name.includes("\0")) continue; // is no JSON
        const view = await me.post("/views/", { view_name: table_name, sql_query: "SELECT 1 AS one" }, 422);
        assert.ok(view.errors.view_name, JSON.stringify(view));
    }
    for (const table_name of ["Größe", "1st", "with space", "a-b", "x".repeat(63), "semi;colon", "%2F", "a/b"]) {
        await me.upload("/tables/", { table_name, file: sampleCsv });
        assert.equal((await me.rows(encodeURIComponent(table_name))).length, 10, table_name);
        await me.del(`/tables/${encodeURIComponent(table_name)}/`);
    }
    await nothingLeft(me);
});

test("column names that are none, twice, or unknown types", async () => {
    const me = await account(server);
    const column = (column_name, column_type = "int") => [{ column_name, column_type }];
    const wrong = [
        column('a"b'),
        column(""),
        column("x".repeat(300)),
        [...column("n"), ...column("n")],
        [...column("n"), ...column("N")],
        column("n", "int; DROP TABLE x"),
        column("n", "money"),
        column("n", "varchar(0)"),
        column("n", "numeric(99,2)"),
        column("n", "numeric(2,5)"),
        column("n", ""),
        [{ column_name: "n" }],
        [{ column_type: "int" }],
        [{ column_name: "n", column_type: "int", colour: 1 }],
        [],
        {},
        "[",
        '"n"',
        "null and void",
    ];
    for (const columns of wrong) {
        const refused = await me.call("POST", "/tables/", {
            form: uploadForm({ table_name: "t", file: "n\n1\n", columns }),
        });
        assert.ok([400, 422].includes(refused.status), `${JSON.stringify(columns)} got ${refused.status}`);
        assert.match(JSON.stringify(refused.body), /column/);
    }
    await me.upload("/tables/", { table_name: "t", file: "n,n\n1,2\n" }, 422);
    await nothingLeft(me);
});

test("a form that lacks something, or has too much", async () => {
    const me = await account(server);
    const none = expect(await me.call("POST", "/tables/", { form: uploadForm({}) }), 422, "an empty form");
    assert.ok(none.errors.table_name || none.errors.file, JSON.stringify(none));
    const twice = uploadForm({ table_name: "t", file: sampleCsv });
    twice.append("file", new Blob([sampleCsv]), "b.csv");
    expect(await me.call("POST", "/tables/", { form: twice }), 422, "two files");
    const unknown = uploadForm({ table_name: "t", file: sampleCsv, colour: "red" });
    expect(await me.call("POST", "/tables/", { form: unknown }), 422, "an unknown field");
    await nothingLeft(me);
});

test("multipart that is none", async () => {
    const me = await account(server);
    const send = (type, body) => me.call("POST", "/tables/", { body, headers: { "content-type": type } });
    const part = '--x\r\nContent-Disposition: form-data; name="table_name"\r\n\r\nt\r\n';
    for (const [type, body] of [
        ["multipart/form-data", part],
        ["multipart/form-data; boundary=x", part],
        ["multipart/form-data; boundary=x", ""],
        ["multipart/form-data; boundary=x", "--x\r\n\r\nno name\r\n--x--\r\n"],
        ["multipart/form-data; boundary=x", `--x\r\n${"H: v\r\n".repeat(5_000)}\r\n\r\n--x--\r\n`],
        [`multipart/form-data; boundary=${"x".repeat(200)}`, part],
    ]) {
        const reply = await send(type, body);
        assert.ok([400, 413, 422, 431].includes(reply.status), `${type} got ${reply.status}`);
    }
    expect(await send("text/plain", "n\n1\n"), 415, "text/plain");
    await nothingLeft(me);
});

test("a file over the limit is 413, and one just below is not", async () => {
    const me = await account(server);
    const line = `${"x".repeat(99)}\n`;
    const refused = await me.call("POST", "/tables/", {
        form: uploadForm({ table_name: "t", file: `n\n${line.repeat(30_000)}` }),
    });
    expect(refused, 413, "3 MB");
    await nothingLeft(me);
    await me.upload("/tables/", { table_name: "t", file: `n\n${line.repeat(20_000)}` });
    await me.del("/tables/t/");
});

test("a bad file appended or put in place leaves the table as it was", async () => {
    const me = await account(server);
    await me.table("t", sampleCsv, SAMPLE_COLUMNS);
    const before = await me.get("/tables/t/");
    const bad = "SomeNumber,SomeString\n10,Kilo\neleven,Lima\n";
    for (const path of ["/tables/t/rows/", "/tables/t/replace/"]) {
        const refused = await me.upload(path, { file: bad }, 422);
        assert.equal(refused.errors[0].line, 3);
        await me.upload(path, { file: sampleParquet.subarray(0, 200) }, 422);
        await me.upload(path, { file: "" }, 422);
        await me.upload(path, { file: "Other\n1\n" }, 422);
    }
    assert.deepEqual(await me.get("/tables/t/"), before);
    assert.equal((await me.rows("t")).length, 10);
});

test("malformed JSON is told where", async () => {
    const me = await account(server);
    const post = (body, type = "application/json") =>
        me.call("POST", "/views/", { body, headers: { "content-type": type } });
    const bad = expect(await post('{"view_name": "v",\n "sql_query": }'), 400, "bad JSON");
    assert.match(bad.detail, /line 2/);
    for (const body of [
        "",
        "{",
        "[]",
        "7",
        '"x"',
        '{"a":1}x',
        '{"view_name":"v","view_name":"w","sql_query":"SELECT 1"}',
        `${"[".repeat(100_000)}`,
        '{"view_name":"\ud800","sql_query":""}',
        Buffer.from([0x7b, 0xff, 0x7d]),
    ]) {
        const reply = await post(body);
        assert.ok([400, 422].includes(reply.status), `${body.toString().slice(0, 40)} got ${reply.status}`);
    }
    expect(await post("{}", "text/plain"), 415, "text/plain");
    expect(await post(JSON.stringify({ view_name: "v", sql_query: "x".repeat(2_000_000) })), 413, "2 MB of JSON");
    expect(
        await call(server, "POST", "/auth/users/register/", {
            body: "{",
            headers: { "content-type": "application/json" },
        }),
        400,
        "register",
    );
});
