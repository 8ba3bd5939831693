// Rows out: every declared type as JSON, CSV and Parquet; pages; long loads by 202.
import assert from "node:assert/strict";
import { test, until, useServer } from "./harness.mjs";
import { account, call, expect, uploadForm } from "./client.mjs";
import { csv, csvRows, parquetRows, range } from "./files.mjs";

const server = useServer();
const PARQUET = "application/vnd.apache.parquet";

/** type, values in CSV, values in JSON. */
const TYPES = [
    ["int", ["-2147483648", "0", "2147483647"], [-2147483648, 0, 2147483647]],
    ["bigint", ["-9007199254740991", "1", "9223372036854775807"], [-9007199254740991, 1, "9223372036854775807"]],
    ["smallint", ["-32768", "0", "32767"], [-32768, 0, 32767]],
    ["real", ["-1.5", "0", "0.25"], [-1.5, 0, 0.25]],
    ["double", ["-1e300", "0.1", "3"], [-1e300, 0.1, 3]],
    ["numeric(12,2)", ["-1234567890.12", "0", "0.5"], ["-1234567890.12", "0.00", "0.50"]],
    ["boolean", ["true", "false", "true"], [true, false, true]],
    ["varchar(5)", ["a", "abcde", "äöüßé"], ["a", "abcde", "äöüßé"]],
    ["text", ["x", "long text", "漢字"], ["x", "long text", "漢字"]],
    ["date", ["2026-02-28", "1969-07-20", "2000-02-29"], ["2026-02-28", "1969-07-20", "2000-02-29"]],
    ["time", ["00:00:00", "12:34:56", "23:59:59.5"], [/^00:00:00(\.0+)?$/, /^12:34:56(\.0+)?$/, /^23:59:59\.50*$/]],
    [
        "timestamp",
        ["2026-01-02 03:04:05", "1969-12-31 23:59:59", "2026-01-02 03:04:05.25"],
        [/^2026-01-02T03:04:05(\.0+)?/, /^1969-12-31T23:59:59/, /^2026-01-02T03:04:05\.250*/],
    ],
    [
        "timestamptz",
        ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05+02:00", "2026-07-01 00:00:00-07"],
        [/^2026-01-02T03:04:05(\.0+)?Z$/, /^2026-01-02T01:04:05(\.0+)?Z$/, /^2026-07-01T07:00:00(\.0+)?Z$/],
    ],
    [
        "uuid",
        range(3).map((i) => `0198c0de-0000-4000-8000-00000000000${i}`),
        range(3).map((i) => `0198c0de-0000-4000-8000-00000000000${i}`),
    ],
    ["json", ["1", "true", "[]"], [1, true, []]],
];

for (const [type, texts, values] of TYPES) {
    test("rows in JSON may have many columns", async () => {
    const me = await account(server);
    const row = Object.fromEntries(range(300).map((i) => [`column_${i}`, i]));
    const made = await me.post("/tables/", { table_name: "wide", rows: [row] });
    assert.equal(made.columns.length, 300);
    assert.deepEqual(await me.rows("wide"), [row]);
});

test(`a column of ${type}`, async () => {
        const me = await account(server);
        const columns = [
            { column_name: "n", column_type: "int" },
            { column_name: "x", column_type: type },
        ];
        const file = `${csv(
            ["n", "x"],
            texts.map((text, i) => [i, text]),
        )}3,\n`;
        const made = await me.table("t", file, columns);
        assert.deepEqual(made.columns, columns);
        const rows = await me.rows("t");
        values.forEach((value, i) => {
            if (value instanceof RegExp) assert.match(rows[i].x, value);
            else assert.deepEqual(rows[i].x, value);
        });
        assert.ok(rows[3].x === null || rows[3].x === "");
        const [parquet] = (await parquetRows(await bytesOf(me, "/tables/t/rows/", PARQUET))).slice(1);
        assert.equal(parquet.n, 1);
        assert.notEqual(parquet.x, undefined);
    });
}

test("other names of the same types are the same types", async () => {
    const me = await account(server);
    const names = {
        integer: "int",
        int4: "int",
        int8: "bigint",
        bool: "boolean",
        decimal: "numeric",
        float8: "double",
    };
    const columns = Object.keys(names).map((column_type, i) => ({ column_name: `c${i}`, column_type }));
    const made = await me.table(
        "t",
        csv(
            columns.map((column) => column.column_name),
            [[1, 2, 3, "true", 5, 6]],
        ),
        columns,
    );
    Object.values(names).forEach((normal, i) =>
        assert.ok(made.columns[i].column_type.startsWith(normal), made.columns[i].column_type),
    );
});

test("JSON documents keep their shape", async () => {
    const me = await account(server);
    await me.table("t", 'x\n"{""a"": [1, {""b"": null}]}"\n', [{ column_name: "x", column_type: "json" }]);
    assert.deepEqual((await me.rows("t"))[0].x, { a: [1, { b: null }] });
});

test("pages follow each other by cursor, and hold each row once", async () => {
    const me = await account(server);
    await me.table(
        "t",
        csv(
            ["n"],
            range(250).map((i) => [i]),
        ),
    );
    const first = await me.get("/tables/t/rows/?limit=100");
    assert.equal(first.data.length, 100);
    assert.equal(typeof first.links.next, "string");
    assert.deepEqual(
        (await me.all("/tables/t/rows/?limit=100")).map((row) => row.n),
        range(250),
    );
    assert.deepEqual(
        (await me.all("/tables/t/rows/?limit=125")).map((row) => row.n),
        range(250),
    );
    const last = await me.get("/tables/t/rows/?limit=1000");
    assert.equal(last.data.length, 250);
    assert.equal(last.links.next, null);
});

test("the links of a table with an odd name lead on, too", async () => {
    const me = await account(server);
    for (const name of ["a b", "a/b?c#d&e=f", "100%25 größer", "+"]) {
        await me.table(
            name,
            csv(
                ["n"],
                range(5).map((i) => [i]),
            ),
        );
        const rows = await me.all(`/tables/${encodeURIComponent(name)}/rows/?limit=2`);
        assert.deepEqual(
            rows.map((row) => row.n),
            range(5),
            name,
        );
    }
});

test("a cursor goes on as long as the table stands still", async () => {
    const me = await account(server);
    await me.table(
        "t",
        csv(
            ["n"],
            range(10).map((i) => [i]),
        ),
    );
    const { links } = await me.get("/tables/t/rows/?limit=4");
    await me.get(links.next);
    await me.post("/tables/t/rows/", { rows: [{ n: 10 }] });
    const gone = await me.get(links.next, 410);
    assert.equal(gone.code, "cursor_expired");
});

test("a made-up cursor or limit is refused", async () => {
    const me = await account(server);
    await me.table("t");
    const { links } = await me.get("/tables/t/rows/?limit=2");
    const cursor = [...new URL(links.next, server.url).searchParams].find(([name]) => name !== "limit");
    for (const query of [
        `${cursor[0]}=x`,
        `${cursor[0]}=${"9".repeat(40)}`,
        "limit=0",
        "limit=-1",
        "limit=many",
        "limit=99999999999",
        "colour=red",
    ]) {
        const refused = await me.call("GET", `/tables/t/rows/?${query}`);
        assert.ok([400, 410, 422].includes(refused.status), `${query} got ${refused.status}`);
    }
});

test("rows as CSV and as Parquet by Accept", async () => {
    const me = await account(server);
    await me.table(
        "t",
        csv(
            ["n", "word"],
            range(300).map((i) => [i, `w${i}`]),
        ),
    );
    await me.view("v", "SELECT n * 2 AS n, word FROM t WHERE n < 200");
    for (const [path, n, factor] of [
        ["/tables/t/rows/", 300, 1],
        ["/views/v/rows/", 200, 2],
    ]) {
        const lines = csvRows(await bytesOf(me, path, "text/csv"));
        assert.deepEqual(lines[0], ["n", "word"]);
        assert.deepEqual(
            lines.slice(1).map((line) => Number(line[0])),
            range(n).map((i) => i * factor),
        );
        const rows = await parquetRows(await bytesOf(me, path, PARQUET));
        assert.deepEqual(
            rows.map((row) => Number(row.n)),
            range(n).map((i) => i * factor),
        );
        assert.equal(rows[n - 1].word, `w${n - 1}`);
    }
});

test("the best of Accept wins, and none is 406", async () => {
    const me = await account(server);
    await me.table("t");
    for (const [accept, type] of [
        ["*/*", /json/],
        ["text/*", /csv/],
        ["text/csv;q=0.5, application/json;q=0.9", /json/],
        [`${PARQUET}, application/json;q=0.1`, /parquet/],
    ]) {
        const reply = await me.call("GET", "/tables/t/rows/", { headers: { accept } });
        expect(reply, 200, accept);
        assert.match(reply.headers.get("content-type"), type);
    }
    expect(await me.call("GET", "/tables/t/rows/", { headers: { accept: "image/png" } }), 406, "image/png");
});

test("a file is named as its table, whatever the name", async () => {
    const me = await account(server);
    for (const [name, header] of [
        ["t", 'attachment; filename="t.csv"'],
        ["a b/ü", "attachment; filename=\"a b___.csv\"; filename*=UTF-8''a%20b%2F%C3%BC.csv"],
    ]) {
        await me.table(name);
        const reply = await me.call("GET", `/tables/${encodeURIComponent(name)}/rows/`, {
            headers: { accept: "text/csv" },
        });
        assert.equal(reply.headers.get("content-disposition"), header);
    }
});

test("CSV out and in again is the same table", async () => {
    const me = await account(server);
    const columns = [
        { column_name: "n", column_type: "int" },
        { column_name: "s", column_type: "text" },
    ];
    await me.table("a", 'n,s\n1,"a ""quoted"", text"\n2,"two\nlines"\n3,plain\n', columns);
    await me.table("b", await bytesOf(me, "/tables/a/rows/", "text/csv"), columns);
    await me.table("c", await bytesOf(me, "/tables/a/rows/", PARQUET), columns);
    const rows = await me.rows("a");
    assert.equal(rows[0].s, 'a "quoted", text');
    assert.deepEqual(await me.rows("b"), rows);
    assert.deepEqual(await me.rows("c"), rows);
});

test("a long load answers 202 and tells how it goes", async () => {
    const me = await account(server);
    const file = csv(
        ["n", "word"],
        range(200_000).map((i) => [i, `word number ${i}`]),
    );
    const reply = await me.call("POST", "/tables/", {
        form: uploadForm({ table_name: "t", file }),
        headers: { prefer: "respond-async" },
    });
    const begun = expect(reply, 202, "an asynchronous load");
    const location = new URL(reply.headers.get("location"), server.url).pathname;
    assert.equal(location.replace(/\/$/, ""), `/loads/${begun.id}`);
    const load = await until(async () => {
        const now = await me.get(location);
        assert.ok(["running", "succeeded"].includes(now.state), JSON.stringify(now));
        return now.state === "succeeded" && now;
    }, "the load to succeed");
    assert.equal(load.rows, 200_000);
    assert.equal(load.bytes, Buffer.byteLength(file));
    assert.equal(load.table_name, "t");
    assert.equal(load.error, null);
    assert.equal((await me.get("/tables/t/")).row_count, 200_000);
    await (await account(server)).get(location, 404);
});

test("a long load that fails says why, and leaves nothing", async () => {
    const me = await account(server);
    const columns = [{ column_name: "n", column_type: "int" }];
    const reply = await me.call("POST", "/tables/", {
        form: uploadForm({ table_name: "t", file: "n\n1\nno number\n", columns }),
        headers: { prefer: "respond-async" },
    });
    const { id } = expect(reply, 202, "an asynchronous load");
    const load = await until(async () => {
        const now = await me.get(`/loads/${id}/`);
        return now.state !== "running" && now;
    }, "the load to end");
    assert.equal(load.state, "failed");
    assert.match(JSON.stringify(load.error), /no number/);
    await me.get("/tables/t/", 404);
    expect(await call(server, "GET", `/loads/${id}/`), 401, "a load without a token");
});

async function bytesOf(me, path, accept) {
    const reply = await me.call("GET", path, { headers: { accept } });
    expect(reply, 200, `${path} as ${accept}`);
    assert.ok(reply.headers.get("content-type").startsWith(accept), reply.headers.get("content-type"));
    return reply.bytes;
}
