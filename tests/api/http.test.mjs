// HTTP/1.1 as clients of all kinds speak it, on raw sockets where fetch is too polite.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { gunzipSync } from "node:zlib";
import { descendants, Server, slow, test, until, useServer, within } from "./harness.mjs";
import { account, call, expect, PASSWORD, sampleCsv } from "./client.mjs";

const server = useServer({ env: { CORS_ORIGINS: "https://app.example.com,http://localhost:3000" } });

/** Sends bytes on a fresh connection and collects what comes until `done` is content or the server closes. */
function raw(port, pieces, done = () => false) {
    return within(
        10_000,
        new Promise((resolve, reject) => {
            const socket = net.connect(port, "127.0.0.1");
            let text = "";
            socket.setEncoding("latin1");
            socket.on("data", (more) => {
                text += more;
                if (done(text)) socket.end();
            });
            socket.once("error", (problem) => (text ? resolve(text) : reject(problem)));
            socket.once("close", () => resolve(text));
            (async () => {
                for (const piece of [pieces].flat()) {
                    if (typeof piece === "function") await piece(() => text);
                    else socket.write(piece);
                }
            })().catch(reject);
        }),
        `an answer to ${JSON.stringify(String(pieces)).slice(0, 200)}`,
    );
}

const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => Number(found[1]));
const get = (path, headers = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`;

test("health and ready, HEAD without a body and with the same head", async () => {
    for (const path of ["/health", "/ready", "/health/"]) {
        const shown = await fetch(server.url + path);
        assert.equal(shown.status, 200, path);
        const head = await fetch(server.url + path, { method: "HEAD" });
        assert.equal(head.status, 200);
        assert.equal(head.headers.get("content-length"), String((await shown.arrayBuffer()).byteLength));
        assert.equal((await head.arrayBuffer()).byteLength, 0);
    }
    const text = await raw(server.port, "HEAD /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert.match(text, /content-length: [1-9]/i);
    assert.ok(text.endsWith("\r\n\r\n"));
});

test("every answer names its request", async () => {
    const first = await fetch(`${server.url}/health`);
    const second = await fetch(`${server.url}/nowhere`);
    assert.ok(first.headers.get("x-request-id"));
    assert.notEqual(first.headers.get("x-request-id"), second.headers.get("x-request-id"));
});

test("unknown paths 404, wrong methods 405 with Allow", async () => {
    const me = await account(server);
    for (const path of ["/nowhere", "/tables/x/y/z/", "/%2e%2e/etc/passwd", "/tables//rows/"]) {
        assert.equal((await me.call("GET", path)).status, 404, path);
    }
    const wrong = await me.call("PUT", "/tables/");
    expect(wrong, 405, "PUT");
    assert.match(wrong.headers.get("allow"), /GET/);
    assert.match(wrong.headers.get("allow"), /POST/);
    expect(await me.call("GET", "/tables/%zz/"), 400, "a bad escape");
    expect(await me.call("GET", "/tables/a%00b/"), 400, "a NUL");
});

test("the trailing slash is the same route, never a redirect", async () => {
    const me = await account(server);
    for (const path of ["/tables", "/tables/", "/auth/users/me", "/auth/users/me/"]) {
        expect(await me.call("GET", path), 200, path);
    }
});

test("/ leads a program to the docs and a browser to a page", async () => {
    const program = await fetch(`${server.url}/`, { headers: { accept: "application/json" }, redirect: "follow" });
    assert.equal(program.status, 200);
    const browser = await fetch(`${server.url}/`, { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
    assert.equal(browser.status, 200);
    assert.match(browser.headers.get("content-type"), /text\/html/);
    const docs = await fetch(`${server.url}/docs`);
    assert.equal(docs.status, 200);
    assert.match(docs.headers.get("content-type"), /text\/html/);
    assert.match(await docs.text(), /channels/i);
});

test("static files are conditional", async () => {
    const first = await fetch(`${server.url}/docs`);
    const etag = first.headers.get("etag");
    assert.ok(etag);
    const again = await fetch(`${server.url}/docs`, { headers: { "if-none-match": etag } });
    assert.equal(again.status, 304);
    assert.equal((await again.arrayBuffer()).byteLength, 0);
    // what is kept takes over the headers of a 304: they must be those of the page
    for (const name of ["content-security-policy", "cross-origin-opener-policy", "cache-control", "etag"])
        assert.equal(again.headers.get(name), first.headers.get(name), name);
    assert.equal((await fetch(`${server.url}/docs`, { headers: { "if-none-match": '"other"' } })).status, 200);
});

test("the console's files are packed, and those with a hash in their name are kept for good", async () => {
    const page = await fetch(`${server.url}/`, { headers: { accept: "text/html" } });
    assert.equal(page.headers.get("cache-control"), "no-cache");
    assert.match(page.headers.get("content-security-policy"), /script-src 'self'; style-src 'self'; connect-src 'self'/);
    const html = await page.text();
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|style=| on[a-z]+=/);
    const files = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, file]) => file);
    assert.ok(files.length >= 3, html);
    let bytes = 0;
    for (const file of new Set(files)) {
        const plain = await fetch(`${server.url}${file}`, { headers: { "accept-encoding": "identity" } });
        assert.equal(plain.status, 200, file);
        assert.equal(plain.headers.get("content-encoding"), null);
        assert.equal(plain.headers.get("cache-control"), "public, max-age=31536000, immutable", file);
        const sent = await new Promise((resolve, reject) => {
            const headers = { "accept-encoding": "gzip" };
            http.get(`${server.url}${file}`, { headers }, (answer) => {
                const parts = [];
                answer.on("data", (part) => parts.push(part));
                answer.on("end", () => resolve({ answer, body: Buffer.concat(parts) }));
            }).on("error", reject);
        });
        assert.equal(sent.answer.headers["content-encoding"], "gzip", file);
        assert.match(sent.answer.headers.vary, /Accept-Encoding/);
        assert.deepEqual(gunzipSync(sent.body), Buffer.from(await plain.arrayBuffer()), file);
        bytes += sent.body.length;
    }
    assert.ok(bytes < 150_000, `the first load is ${bytes} bytes`);
});

test("CORS for the origins that are allowed, and no others", async () => {
    for (const origin of ["https://app.example.com", "http://localhost:3000"]) {
        const ask = {
            origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        };
        const reply = await fetch(`${server.url}/tables/`, { method: "OPTIONS", headers: ask });
        assert.ok([200, 204].includes(reply.status));
        assert.equal(reply.headers.get("access-control-allow-origin"), origin);
        assert.match(reply.headers.get("access-control-allow-methods"), /POST/);
        assert.match(reply.headers.get("access-control-allow-headers"), /authorization/i);
        assert.match(reply.headers.get("vary") ?? "", /origin/i);
        const refused = await fetch(`${server.url}/tables/`, { headers: { origin } });
        assert.equal(refused.headers.get("access-control-allow-origin"), origin);
    }
    const other = await fetch(`${server.url}/tables/`, {
        method: "OPTIONS",
        headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
    });
    assert.equal(other.headers.get("access-control-allow-origin"), null);
    const plain = await fetch(`${server.url}/tables/`, { method: "OPTIONS" });
    assert.ok([200, 204].includes(plain.status));
    assert.match(plain.headers.get("allow") ?? "", /POST/);
});

test("large JSON is gzipped for those who take it", async () => {
    const me = await account(server);
    await me.table(
        "t",
        `n,text\n${Array.from({ length: 500 }, (_, i) => `${i},a text that repeats itself\n`).join("")}`,
    );
    const ask = (encoding) =>
        raw(
            server.port,
            get(
                "/tables/t/rows/?limit=500",
                `Connection: close\r\nAuthorization: JWT ${me.access}\r\nAccept-Encoding: ${encoding}\r\n`,
            ),
        );
    const zipped = await ask("gzip, br");
    assert.match(zipped, /content-encoding: gzip/i);
    assert.match(zipped, /vary:[^\r]*accept-encoding/i);
    assert.equal(JSON.parse(gunzipSync(bodyOf(zipped)).toString()).data.length, 500);
    for (const encoding of ["identity", "gzip;q=0", "br"]) {
        const plain = await ask(encoding);
        assert.doesNotMatch(plain, /content-encoding/i, encoding);
        assert.equal(JSON.parse(bodyOf(plain).toString()).data.length, 500);
    }
    const small = await raw(server.port, get("/health", "Connection: close\r\nAccept-Encoding: gzip\r\n"));
    assert.doesNotMatch(small, /content-encoding/i);
});

test("pipelined requests are answered in order", async () => {
    const me = await account(server);
    const head = `Authorization: JWT ${me.access}\r\n`;
    const paths = ["/health", "/nowhere", "/tables/", "/health", "/auth/users/me/", "/views/"];
    const requests = paths.map((path) => get(path, head)).join("") + get("/ready", "Connection: close\r\n");
    const text = await raw(server.port, requests);
    assert.deepEqual(statuses(text), [200, 404, 200, 200, 200, 200, 200]);
    const slowly = await raw(server.port, [...requests]);
    assert.deepEqual(statuses(slowly), statuses(text));
});

test("chunked bodies, and a body in two writes", async () => {
    const json = JSON.stringify({ primary_email: "chunked@example.com", password: PASSWORD });
    const [one, two] = [json.slice(0, 10), json.slice(10)];
    const head =
        "POST /auth/users/register/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n";
    const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const chunked = await raw(server.port, [
        `${head}Transfer-Encoding: chunked\r\n\r\n`,
        chunk(one),
        `${two.length.toString(16)};ext=1\r\n${two}\r\n`,
        "0\r\nTrailer: x\r\n\r\n",
    ]);
    assert.deepEqual(statuses(chunked), [201]);
    const again = await raw(server.port, [`${head}Content-Length: ${json.length}\r\n\r\n${one}`, two]);
    assert.ok([409, 422].includes(statuses(again)[0]));
});

test("100-continue: asked for, given before the body, or refused instead", async () => {
    const json = JSON.stringify({ primary_email: "continue@example.com", password: PASSWORD });
    const head = (length) =>
        `POST /auth/users/register/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`;
    const text = await raw(server.port, [
        head(json.length),
        (now) => until(() => now().includes("100 Continue"), "100 Continue"),
        json,
    ]);
    assert.deepEqual(statuses(text), [100, 201]);
    const refused = await raw(server.port, head(1_000_000_000));
    assert.deepEqual(statuses(refused), [413]);
});

test("what is not HTTP is refused, and the next connection works", async () => {
    const wrong = {
        nonsense: "nonsense\r\n\r\n",
        "no host": "GET /health HTTP/1.1\r\n\r\n",
        "two lengths": "POST /queries/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "a length and chunks":
            "POST /queries/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a bad chunk":
            "POST /auth/users/register/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "a space before the colon": "GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
        "a bare line feed in a header": "GET /health HTTP/1.1\r\nHost: x\r\nA: b\nC\r\n\r\n",
        "a huge header": `GET /health HTTP/1.1\r\nHost: x\r\nA: ${"x".repeat(200_000)}\r\n\r\n`,
        "a thousand headers": `GET /health HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(5_000)}\r\n`,
        "a huge path": `GET /${"x".repeat(200_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    };
    for (const [what, bytes] of Object.entries(wrong)) {
        const text = await raw(server.port, bytes);
        const [status] = statuses(text);
        assert.ok(text === "" || (status >= 400 && status <= 501), `${what} got ${text.slice(0, 100)}`);
    }
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
});

test("HTTP/1.0 closes, keep-alive stays", async () => {
    const old = await raw(server.port, "GET /health HTTP/1.0\r\n\r\n");
    assert.match(old, /^HTTP\/1\.[01] 200/);
    const kept = await raw(server.port, [
        get("/health"),
        (now) => until(() => statuses(now()).length === 1, "the first"),
        get("/health", "Connection: close\r\n"),
    ]);
    assert.deepEqual(statuses(kept), [200, 200]);
});

test("a client that leaves during its upload leaves nothing", async () => {
    const me = await account(server);
    const head = `POST /tables/ HTTP/1.1\r\nHost: x\r\nAuthorization: JWT ${me.access}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 10000000\r\n\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`;
    const socket = net.connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(head + sampleCsv.toString().repeat(1_000));
    await new Promise((resolve) => socket.once("drain", resolve).write("x"));
    socket.destroy();
    assert.deepEqual((await me.get("/tables/")).data, []);
});

test("a large upload leaves the server's memory flat", async () => {
    const me = await account(server);
    const resident = () =>
        Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))[1]) / 1024;
    const line = Buffer.from(`${"x".repeat(99)}\n`.repeat(10_000));
    const parts = Array.from({ length: 100 }, () => line);
    const form = new FormData();
    form.append("table_name", "big");
    form.append("file", new Blob(["text\n", ...parts]), "big.csv");
    await me.table("small");
    const before = resident();
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, resident())), 10);
    const reply = await me.call("POST", "/tables/", { form });
    clearInterval(watch);
    assert.equal(expect(reply, 201, "100 MB").row_count, 1_000_000);
    // a sanitizer keeps what was freed for a while
    if (slow === 1) assert.ok(most - before < 40, `from ${before} to ${most} MB`);
});

test("SIGTERM: requests are finished, streams are told, new ones are refused, exit 0", async (t) => {
    const own = new Server();
    t.after(() => own.end());
    await own.start();
    const me = await account(own);
    await me.table("t");
    const stream = await me.listenLog(t);
    const slowly = me.call("POST", "/queries/", {
        json: { sql: "SELECT count(*) AS n FROM range(5000) a, range(30000) b WHERE a.range + b.range = -1" },
    });
    await until(() => descendants(own.pid).length > 0, "an engine process");
    await me.get("/auth/users/me/");
    const stopped = own.stop();
    assert.equal((await slowly).status, 200);
    assert.equal(await stream.closed(), "closed");
    assert.match(stream.text, /^retry: ?\d+/m);
    await stopped;
    assert.equal(own.ended, 0);
    await assert.rejects(fetch(`${own.url}/health`));
});

function bodyOf(text) {
    const [head, ...rest] = text.split("\r\n\r\n");
    let body = Buffer.from(rest.join("\r\n\r\n"), "latin1");
    if (!/transfer-encoding: chunked/i.test(head)) return body;
    const chunks = [];
    for (;;) {
        const end = body.indexOf("\r\n");
        const size = parseInt(body.subarray(0, end).toString(), 16);
        if (!size) return Buffer.concat(chunks);
        chunks.push(body.subarray(end + 2, end + 2 + size));
        body = body.subarray(end + 2 + size + 2);
    }
}
