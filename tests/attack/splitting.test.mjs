// Line breaks where text goes from a request into an answer, a stream or the log: nothing begins a line of its own.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import { account, call, expect, stage, uploadForm } from "../api/client.mjs";
import { tell } from "./gauge.mjs";
import { exchange, head, short, statuses } from "./wire.mjs";

const server = useServer();
const counts = { attempts: 0 };

const breaks = {
    "CR LF": "%0d%0a",
    LF: "%0a",
    CR: "%0d",
    "two CR LF": "%0d%0a%0d%0a",
    "U+560D U+560A": "%E5%98%8D%E5%98%8A",
    "U+2028": "%E2%80%A8",
    NEL: "%C2%85",
    NUL: "%00",
    "CR LF, escaped twice": "%250d%250a",
};

/** No header that an attempt names, and one answer only. */
function whole(text, what) {
    counts.attempts++;
    const [first] = text.split("\r\n\r\n");
    assert.doesNotMatch(first, /^x-split/im, `${what}: ${first}`);
    for (const line of first.split("\r\n").slice(1)) assert.match(line, /^[A-Za-z-]+: [\x20-\x7e\x80-\xff]*$/, what);
    assert.equal(statuses(text).length, 1, what);
}

test("paths, queries and ids", async () => {
    const me = await account(server);
    for (const [what, cut] of Object.entries(breaks).slice(0, short ? 4 : undefined)) {
        const evil = `${cut}X-Split:%20yes${cut}${cut}HTTP/1.1%20200%20OK`;
        for (const path of [
            `/${evil}`,
            `/?${evil}`,
            `/docs?${evil}`,
            `/nowhere/${evil}/`,
            `/tables/${evil}/`,
            `/tables/${evil}/rows/`,
            `/tables/?limit=1&after=${evil}`,
            `/channels/${evil}/listen/`,
            `/events/listen/?after=${evil}`,
            `/events/listen/?ticket=${evil}`,
            `/tables/?${evil}=1`,
        ]) {
            for (const method of ["GET", "PUT", "OPTIONS"]) {
                const auth = { Authorization: `JWT ${me.access}`, Connection: "close", Accept: "text/html" };
                const text = await exchange(server.port, head(method, path, auth), (got) => /stream-open/.test(got));
                whole(text, `${method} ${path}, ${what}`);
            }
        }
    }
});

test("headers that come back: Origin, Accept, Last-Event-ID, X-Request-Id, Prefer", async () => {
    const me = await account(server);
    const values = [
        "%0d%0aX-Split: yes",
        "a\\r\\nX-Split: yes",
        "\x85X-Split: yes",
        "\xe5\x98\x8aX-Split: yes",
        "\tX-Split: yes",
    ];
    for (const value of values) {
        for (const name of [
            "Origin",
            "Accept",
            "Accept-Encoding",
            "Last-Event-ID",
            "X-Request-Id",
            "Prefer",
            "If-None-Match",
            "Referer",
            "X-Forwarded-Host",
        ]) {
            const auth = { Authorization: `JWT ${me.access}`, Connection: "close", [name]: value };
            for (const path of ["/tables/", "/docs", "/nowhere", "/"])
                whole(await exchange(server.port, head("GET", path, auth)), `${name}: ${value}`);
        }
    }
    for (const value of ["a\rX-Split: yes", "a\nX-Split: yes", "a\r\n\tX-Split: yes"]) {
        const text = await exchange(server.port, head("GET", "/tables/", { Origin: value, Connection: "close" }));
        if (!/^a\n/.test(value) || statuses(text).length)
            assert.deepEqual(statuses(text), [400], JSON.stringify(value));
        assert.doesNotMatch(text, /^x-split: /im);
        counts.attempts++;
    }
});

test("names that become headers and files", async () => {
    const me = await account(server);
    const names = [
        "a\r\nX-Split: yes",
        "a\nb",
        'a"; filename="b',
        "a\u2028b",
        "ä\u{1f600}",
        "a/../../b",
        "..",
        "a%0d%0ab",
        "a;b=c",
        "'; --",
        "a\\",
    ];
    for (const name of names) {
        const reply = await me.call("POST", "/tables/", { form: uploadForm({ table_name: name, file: "n\n1\n" }) });
        counts.attempts++;
        assert.ok([201, 422].includes(reply.status), `${JSON.stringify(name)}: ${reply.status}`);
        if (reply.status !== 201) continue;
        for (const accept of ["text/csv", "application/vnd.apache.parquet", "application/json"]) {
            const path = `/tables/${encodeURIComponent(reply.body.table_name)}/rows/`;
            const text = await exchange(
                server.port,
                head("GET", path, { Authorization: `JWT ${me.access}`, Connection: "close", Accept: accept }),
            );
            whole(text, `${JSON.stringify(name)} as ${accept}`);
            const disposition = /^content-disposition: (.*)\r$/im.exec(text)?.[1];
            if (disposition)
                assert.match(
                    disposition,
                    /^(attachment|inline)(; filename="[^"\\\r\n]*")?(; filename\*=UTF-8''[A-Za-z0-9%._~-]*)?$/,
                    disposition,
                );
            const location = reply.headers.get("location");
            if (location) assert.match(location, /^\/[!-~]*$/);
        }
    }
});

test("names of files in a form", async () => {
    const me = await account(server);
    for (const filename of [
        "a\r\nX-Split: yes",
        'a"\r\nContent-Type: x',
        "a%22%0d%0ab",
        "../../etc/passwd",
        "\u0000",
        "a".repeat(5_000),
    ]) {
        const bytes = `--b\r\nContent-Disposition: form-data; name="table_name"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\n\r\nn\n1\n\r\n--b--\r\n`;
        const reply = await me.call("POST", "/tables/", {
            body: bytes,
            headers: { "content-type": "multipart/form-data; boundary=b" },
        });
        counts.attempts++;
        assert.ok([201, 400, 409, 413, 422].includes(reply.status), `${reply.status}`);
    }
});

test("text of theirs in a stream ends no event and begins none", async (t) => {
    const { me, channel } = await stage(server, { sql: 'SELECT "SomeString" FROM sample', include: "rows" }).catch(() =>
        stage(server),
    );
    const listener = await me.listen(t, channel);
    const log = await me.listenLog(t);
    const evil = "a\r\n\r\nevent: split\r\ndata: {}\r\n\r\nid: 999999\n\n: x\r\u2028";
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1, SomeString: evil }] });
    await me.refresh_view("small");
    await call(server, "PATCH", "/views/small/", {
        token: me.access,
        json: { sql_query: `SELECT 1 AS a -- ${evil.replaceAll("\n", " ")}` },
    });
    await me.table("evil", `n\n"${evil.replaceAll('"', "")}"\n`);
    await listener.next("message", () => true);
    await log.next("message", (event) => /table\.created/.test(event.text) && /evil/.test(event.text));
    for (const stream of [listener, log]) {
        assert.deepEqual(stream.messages("split"), []);
        assert.doesNotMatch(stream.text, /^event: split/m);
        assert.doesNotMatch(stream.text, /^id: 999999/m);
        assert.doesNotMatch(stream.text, /\r/);
    }
    counts.attempts++;
});

test("text of theirs in the log is on the line of its request", async () => {
    const begun = server.log.length;
    for (const cut of ["%0a", "%0d", "%0d%0a", "%1b%5b2J", "%c2%85", "%e2%80%a8", "%c2%9b31m"])
        await fetch(`${server.url}/x${cut}2026-01-01T00:00:00Z%20error%20forged`);
    await until(() => server.log.slice(begun).split("forged").length > 5, "the lines");
    for (const line of server.log.slice(begun).split(/[\n\r\u0085\u2028]/)) {
        if (line) assert.match(line, /^20\d\d-\d\d-\d\dT[\d:.]+Z \w+ +\w+: /, line);
        assert.doesNotMatch(line, /^2026-01-01|[\x00-\x1f\x7f-\x9f]/);
        counts.attempts++;
    }
    expect(await call(server, "GET", "/health"), 200, "health");
});

test("the counts", () => tell("splitting", counts));
