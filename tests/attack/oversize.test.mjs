// Too much of everything: refused by its size before it costs any, and the server holds a bounded part of what is sent.
import assert from "node:assert/strict";
import { temporaryFiles, test, until, useServer } from "../api/harness.mjs";
import { account, uploadForm } from "../api/client.mjs";
import * as h2 from "./frames.mjs";
import { Gauge, settled, tell } from "./gauge.mjs";
import { exchange, head, short, statuses, Wire } from "./wire.mjs";

const server = useServer({ env: { LOG_LEVEL: "error", UPLOAD_MAX: "4M" } });
const counts = { attempts: 0 };
const KB = 1_024;
const MB = KB * KB;

/** The status that raw bytes get. */
async function status(bytes) {
    counts.attempts++;
    return statuses(await exchange(server.port, bytes)).at(-1);
}

const get = (path, headers = {}) => head("GET", path, { Connection: "close", ...headers });
const many = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`X-${i}`, "y"]));

test("heads at their limits, and past them", async () => {
    assert.equal(await status(get(`/health?${"x".repeat(8_192 - 8)}`)), 200);
    assert.equal(await status(get(`/health?${"x".repeat(8_192 - 7)}`)), 414);
    assert.equal(await status(get(`/${"x".repeat(MB)}`)), 414);
    assert.equal(await status(`GET ${"/x".repeat(4_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), 404);
    assert.equal(await status("x".repeat(MB)), 414);
    assert.equal(await status(get("/health", { X: "y".repeat(30 * KB) })), 200);
    assert.equal(await status(get("/health", { X: "y".repeat(64 * KB) })), 431);
    assert.equal(await status(get("/health", { ["x".repeat(64 * KB)]: "y" })), 431);
    assert.equal(await status(get("/health", many(98))), 200);
    assert.equal(await status(get("/health", many(99))), 431);
    assert.equal(await status(get("/health", many(5_000))), 431);
    assert.equal(await status(`GET /health HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(200_000)}`), 431);
    assert.equal(await status(`${"A".repeat(MB)} / HTTP/1.1\r\nHost: x\r\n\r\n`), 414);
    assert.equal(await status(get("/health", { Host: "x".repeat(64 * KB) })), 431);
    assert.equal(await status(get("/tables/", { Authorization: `JWT ${"x".repeat(30 * KB)}` })), 401);
    assert.equal(await status(get("/tables/", { Authorization: "JWT ".repeat(7_000) })), 401);
    assert.equal(await status(get("/events/listen/", { "Last-Event-ID": "9".repeat(30 * KB) })), 401);
});

test("heads of HTTP/2 past their limits", async (t) => {
    const big = (name, value, n = 1) => h2.request("/health", { more: Array.from({ length: n }, () => [name, value]) });
    const cases = {
        "a path": [h2.request(`/${"x".repeat(9_000)}`), 414],
        "a value": [big("x", "y".repeat(14_000), 1), "ok"],
        "three values": [big("x", "y".repeat(5_000), 3), "ok"],
        "many headers": [big("x", "y", 200), 431],
    };
    for (const [what, [block, wanted]] of Object.entries(cases)) {
        const session = h2.session(t, server.port);
        await session.send(h2.headers(1, block));
        const { body } = await session.outcome(1);
        assert.equal(JSON.parse(body).status, wanted, what);
        counts.attempts++;
    }
    const session = h2.session(t, server.port);
    const long = Array.from({ length: 5 }, (_, i) => h2.field(`x-${i}`, "y".repeat(10_000)));
    await session.send(
        Buffer.concat([
            h2.headers(1, h2.request(), h2.END_STREAM),
            ...long.map((one, i) => h2.frame(h2.CONTINUATION, i === 4 ? h2.END_HEADERS : 0, 1, one)),
        ]),
    );
    assert.equal(JSON.parse((await session.outcome(1)).body).status, 431);
});

test("a small block that says much: the table of headers is no lever", async (t) => {
    const gauge = new Gauge(t, server);
    for (const value of [200, 1_000, 4_000]) {
        for (const times of [100, 1_000, 15_000]) {
            const session = h2.session(t, server.port);
            const block = Buffer.concat([
                h2.request(),
                h2.field("x", "y".repeat(value), true),
                ...Array.from({ length: times }, () => h2.indexed(62)),
            ]);
            const [first, ...rest] = Array.from({ length: Math.ceil(block.length / 16_000) }, (_, i) =>
                block.subarray(i * 16_000, (i + 1) * 16_000),
            );
            const frames = [
                h2.headers(1, first, h2.END_STREAM | (rest.length ? 0 : h2.END_HEADERS)),
                ...rest.map((one, i) => h2.frame(h2.CONTINUATION, i === rest.length - 1 ? h2.END_HEADERS : 0, 1, one)),
            ];
            await session.send(Buffer.concat(frames));
            const got = await session.outcome(1);
            assert.ok(got.body === undefined || JSON.parse(got.body).status === 431, JSON.stringify(got).slice(0, 200));
            await session.close();
            counts.attempts++;
        }
    }
    await gauge.end("HPACK bombs", { grown: 16 });
});

test("bodies past their limits: by what is declared, and by what comes", async () => {
    const me = await account(server);
    const auth = { Authorization: `JWT ${me.access}`, "Content-Type": "application/json" };
    const strangers = { "Content-Type": "application/json" };
    for (const [path, headers, most] of [
        ["/auth/users/register/", strangers, 64 * KB],
        ["/auth/tokens/obtain/", strangers, 64 * KB],
        ["/queries/", auth, MB],
        ["/views/", auth, MB],
    ]) {
        for (const size of [most + 1, 10 * MB, 2 ** 40, "9223372036854775807"])
            assert.equal(
                await status(head("POST", path, { ...headers, "Content-Length": size })),
                413,
                `${path} ${size}`,
            );
        const chunk = `${(16 * KB).toString(16)}\r\n${" ".repeat(16 * KB)}\r\n`;
        assert.equal(
            await status(head("POST", path, { ...headers, "Transfer-Encoding": "chunked" }) + chunk.repeat(200)),
            413,
            path,
        );
        assert.equal(
            await status(
                head("POST", path, { ...headers, "Content-Length": most, Connection: "close" }) + " ".repeat(most),
            ),
            422,
            path,
        );
    }
    assert.equal(await status(head("GET", "/tables/", { ...auth, "Content-Length": 5_000_000 })), 413);
    assert.equal(
        await status(
            head("DELETE", "/tables/x/", { ...auth, "Transfer-Encoding": "chunked", Connection: "close" }) +
                "5\r\nhello\r\n0\r\n\r\n",
        ),
        413,
    );
});

test("JSON that is deep, wide, long or endless", async (t) => {
    const me = await account(server);
    const gauge = new Gauge(t, server);
    const room = MB - 100;
    const texts = {
        "arrays in arrays": "[".repeat(room),
        "arrays in arrays, closed": "[".repeat(room / 2) + "]".repeat(room / 2),
        "objects in objects": '{"a":'.repeat(room / 5),
        "a long number": "9".repeat(room),
        "a long fraction": `0.${"9".repeat(room - 2)}`,
        "a large exponent": `1e${"9".repeat(1_000)}`,
        "a long text": `{"sql": "${"x".repeat(room - 20)}"}`,
        "a text of escapes": `{"sql": "${"\\u0041".repeat(room / 6 - 20)}"}`,
        "half a surrogate": '{"sql": "\\ud800"}',
        "a NUL in a text": '{"sql": "a\\u0000b"}',
        "no UTF-8": Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
        "many names": `{${Array.from({ length: 60_000 }, (_, i) => `"n${i}": 1`).join(",")}}`,
        "one name many times": `{${'"sql": "x",'.repeat(60_000)}"sql": "y"}`,
        "many small arrays": `{"sql": [${"[],".repeat(300_000)}[]]}`,
        blanks: " ".repeat(room),
    };
    for (const [what, body] of Object.entries(texts)) {
        const began = performance.now();
        const reply = await me.call("POST", "/queries/", { body, headers: { "content-type": "application/json" } });
        assert.ok([400, 413, 422].includes(reply.status), `${what}: ${reply.status}`);
        assert.ok(
            JSON.stringify(reply.body).length < 100 * KB,
            `${what}: an answer of ${JSON.stringify(reply.body).length} bytes`,
        );
        assert.ok(performance.now() - began < 5_000, `${what}: ${performance.now() - began} ms`);
        counts.attempts++;
    }
    await gauge.end("JSON that is too much", { wait: 5_000, grown: 160 });
});

test("fields past their lengths", async () => {
    const me = await account(server);
    const long = "x".repeat(100_000);
    for (const [path, json] of [
        [
            "/auth/users/register/",
            { primary_email: `${"x".repeat(50_000)}@example.com`, password: "correct horse battery" },
        ],
        ["/auth/users/register/", { primary_email: "long@example.com", password: "x".repeat(60_000) }],
        [
            "/auth/users/register/",
            { primary_email: "long@example.com", password: "correct horse battery", full_name: "x".repeat(60_000) },
        ],
        ["/auth/tokens/obtain/", { primary_email: "x".repeat(30_000), password: "y".repeat(30_000) }],
        ["/auth/tokens/refresh/", { refresh: "x".repeat(60_000) }],
        ["/views/", { view_name: long, sql_query: "SELECT 1" }],
        ["/views/", { view_name: "v", sql_query: long }],
        ["/queries/", { sql: long }],
        ["/jobs/", { view_name: long, crontab_def: "* * * * *" }],
        ["/jobs/", { view_name: "v", crontab_def: `*${",1".repeat(40_000)} * * * *` }],
        ["/jobs/", { view_name: "v", crontab_def: "* * * * *", timezone: long }],
        ["/channels/", { job_ids: Array.from({ length: 20_000 }, () => "x") }],
        ["/tables/x/rows/", { rows: Array.from({ length: 100_000 }, () => ({})) }],
    ]) {
        const reply = await me.call("POST", path, { json });
        assert.ok([400, 401, 404, 413, 422].includes(reply.status), `${path}: ${reply.status}`);
        counts.attempts++;
    }
    for (const name of [long.slice(0, 301), "ä".repeat(200)]) {
        const reply = await me.call("POST", "/tables/", { form: uploadForm({ table_name: name, file: "n\n1\n" }) });
        assert.ok([201, 422].includes(reply.status), `${reply.status}`);
    }
    assert.equal((await me.call("GET", `/tables/${"x".repeat(5_000)}/`)).status, 404);
    assert.equal((await me.call("GET", `/tables/?limit=${"9".repeat(500)}`)).status, 422);
    const again = await me.call("GET", `/tables/?${"limit=1&".repeat(900)}`);
    assert.ok([200, 422].includes(again.status), `${again.status}`);
    assert.equal((await me.call("GET", `/${"a/".repeat(3_000)}`)).status, 404);
});

test("files of many columns, and of names that are too long", async () => {
    const me = await account(server);
    const names = (n, letters) => Array.from({ length: n }, (_, i) => `${"c".repeat(letters)}${i}`).join(",");
    const load = (table_name, file) => me.call("POST", "/tables/", { form: uploadForm({ table_name, file }) });
    for (const [n, letters] of [
        [1_900, 280],
        [1_000, 500],
        [100, 5_000],
        [3_000, 5],
        [1, 1_000_000],
        [1, 2_000_000],
    ]) {
        assert.equal((await load("t", `${names(n, letters)}\n`)).status, 422, `${n} names of ${letters} letters`);
        counts.attempts++;
    }
    // of no rows all columns are text
    assert.equal((await load("wide", `${names(1_200, 3)}\n`)).status, 201);
    assert.deepEqual(await me.rows("wide"), []);
    await me.view("everything", "SELECT * FROM wide");
    await me.refresh_view("everything");
});

test("forms past their limits leave nothing", async () => {
    const me = await account(server);
    const part = (name, text, more = "") =>
        `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${text}\r\n`;
    const file = (i) => part(`f${i}`, "n\n1\n", `; filename="${i}"`);
    const form = (parts, boundary = "b") =>
        me.call("POST", "/tables/", {
            body: `${parts}--b--\r\n`,
            headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
        });
    for (const [what, parts] of Object.entries({
        "101 fields": Array.from({ length: 101 }, (_, i) => part(`f${i}`, "x")).join(""),
        "101 files": Array.from({ length: 101 }, (_, i) => file(i)).join(""),
        "10,000 parts": part("f", "").repeat(10_000),
        "a field of 1 MB": part("table_name", "x".repeat(MB + 1)),
        "fields of 1 MB together": part("f", "x".repeat(300 * KB)).repeat(4),
        "a header of 9 KB": part("f", "x", `; x="${"y".repeat(9_000)}"`),
        "a name of 9 KB": part("y".repeat(9_000), "x"),
        "a file's name of 9 KB": part("file", "x", `; filename="${"y".repeat(9_000)}"`),
        "1,000 headers in a part": `--b\r\n${"A: b\r\n".repeat(1_400)}Content-Disposition: form-data; name="f"\r\n\r\nx\r\n`,
        "9 KB before the first part": `${"x".repeat(9_000)}\r\n${file(1)}`,
        "a file past UPLOAD_MAX": part("file", "x\n".repeat(2.5 * MB), '; filename="f"'),
        "a form past UPLOAD_MAX": file(1) + part("file", "x\n".repeat(4 * MB), '; filename="f"'),
    })) {
        const reply = await form(parts);
        assert.ok([400, 413].includes(reply.status), `${what}: ${reply.status}`);
        counts.attempts++;
    }
    assert.equal((await form(file(1), "b".repeat(71))).status, 400);
    assert.equal((await form(file(1), "")).status, 400);
    assert.equal((await form(Array.from({ length: 99 }, (_, i) => file(i)).join(""))).status, 422);
    assert.deepEqual((await me.get("/tables/")).data, []);
    await until(
        async () => (await me.get("/tables/")) && temporaryFiles(server.dataDir).length === 0,
        "no file to be left",
    );
});

test("bodies that are held by strangers and never end: memory is bounded", async (t) => {
    const before = new Gauge(t, server);
    const connections = short ? 300 : 2_000;
    const crowd = Array.from({ length: connections }, () => new Wire(server.port));
    t.after(() => Promise.all(crowd.map((one) => one.close())));
    const held =
        head("POST", "/auth/users/register/", { "Content-Type": "application/json", "Content-Length": 64 * KB }) +
        " ".repeat(64 * KB - 1);
    const tokenless =
        head("POST", "/queries/", { "Content-Type": "application/json", "Content-Length": MB }) + " ".repeat(MB - 1);
    await Promise.all(crowd.map((one, i) => one.send(i % 2 ? held : tokenless)));
    const sessions = Array.from({ length: short ? 10 : 50 }, () => h2.session(t, server.port));
    const opening = (id) =>
        h2.headers(
            id,
            h2.request("/auth/users/register/", { method: "POST", more: [["content-type", "application/json"]] }),
            h2.END_HEADERS,
        );
    const filling = (id) => Array.from({ length: 4 }, () => h2.frame(h2.DATA, 0, id, Buffer.alloc(16_000, " ")));
    const streams = Array.from({ length: 80 }, (_, i) => [opening(2 * i + 1), ...filling(2 * i + 1)]).flat();
    for (const session of sessions) session.send(Buffer.concat(streams));
    await until(
        () => crowd.filter((one, i) => i % 2 === 0 && (one.gone || one.statuses.length)).length === crowd.length / 2,
        "those without a token to be refused",
    );
    for (const [i, one] of crowd.entries()) if (i % 2 === 0 && one.statuses.length) assert.equal(one.statuses[0], 401);
    const me = await account(server);
    assert.equal(
        (await me.call("POST", "/queries/", { json: { sql: `SELECT 1 -- ${"x".repeat(10_000)}` } })).status,
        200,
    );
    const told = await before.end(
        `${connections} connections and ${sessions.length} sessions of 80 streams that hold back a body's end`,
        { wait: 5_000, grown: 256 },
    );
    await Promise.all([...crowd, ...sessions].map((one) => one.close()));
    assert.ok(told.others > 0);
    await settled(server.pid, before.before + 128);
    counts.attempts++;
});

test("the counts", () => tell("oversized", counts));
