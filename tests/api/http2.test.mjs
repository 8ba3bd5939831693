// HTTP/2 over TLS and as cleartext, and HTTPS, by Node's own clients.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import http2 from "node:http2";
import https from "node:https";
import path from "node:path";
import { connect as tlsConnect } from "node:tls";
import { tempFolder, test, until, useServer, within } from "./harness.mjs";
import { account, PASSWORD, stage } from "./client.mjs";

const folder = tempFolder();
const [cert, key] = ["cert.pem", "key.pem"].map((name) => path.join(folder, name));
execFileSync(
    "openssl",
    [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout",
        key,
        "-out",
        cert,
    ],
    { stdio: "ignore" },
);

const clear = useServer();
const tls = useServer({ tls: true, env: { TLS_CERT: cert, TLS_KEY: key } });

function connect(t, server) {
    const session = http2.connect(server.url, { rejectUnauthorized: false });
    session.on("error", () => {});
    t.after(() => session.destroy());
    return session;
}

/** One request on an open session: {status, headers, text}. */
function ask(session, headers, body) {
    return within(
        20_000,
        new Promise((resolve, reject) => {
            const stream = session.request(headers, { endStream: body === undefined });
            let answer;
            const pieces = [];
            stream.on("response", (head) => (answer = head));
            stream.on("data", (piece) => pieces.push(piece));
            stream.on("error", reject);
            stream.on("end", () =>
                resolve({ status: answer?.[":status"], headers: answer, text: Buffer.concat(pieces).toString() }),
            );
            if (body !== undefined) stream.end(body);
        }),
        `an answer to ${headers[":method"] ?? "GET"} ${headers[":path"]}`,
    );
}

const post = (session, path, json, headers = {}) =>
    ask(
        session,
        { ":method": "POST", ":path": path, "content-type": "application/json", ...headers },
        JSON.stringify(json),
    );

/** Registers and signs in on an HTTP/2 session; gives the headers to go on with. */
async function signIn(session, primary_email) {
    assert.equal((await post(session, "/auth/users/register/", { primary_email, password: PASSWORD })).status, 201);
    const { text } = await post(session, "/auth/tokens/obtain/", { primary_email, password: PASSWORD });
    return { authorization: `JWT ${JSON.parse(text).access}` };
}

for (const [kind, server] of [
    ["cleartext", clear],
    ["TLS", tls],
]) {
    test(`requests side by side over ${kind}`, async (t) => {
        const session = connect(t, server);
        const auth = await signIn(session, "two@example.com");
        const paths = ["/health", "/tables/", "/nowhere", "/auth/users/me/", "/views/", "/openapi.json"];
        const replies = await Promise.all(
            Array.from({ length: 60 }, (_, i) => ask(session, { ":path": paths[i % 6], ...auth })),
        );
        replies.forEach((reply, i) => assert.equal(reply.status, i % 6 === 2 ? 404 : 200));
        assert.equal((await ask(session, { ":path": "/tables/" })).status, 401);
        const head = await ask(session, { ":method": "HEAD", ":path": "/health" });
        assert.equal(head.status, 200);
        assert.equal(head.text, "");
    });

    test(`a large upload over ${kind}`, async (t) => {
        const session = connect(t, server);
        const auth = await signIn(session, "upload@example.com");
        const line = `${"x".repeat(99)}\n`.repeat(1_000);
        const body = `--b\r\nContent-Disposition: form-data; name="table_name"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ntext\n${line.repeat(100)}\r\n--b--\r\n`;
        const reply = await ask(
            session,
            { ":method": "POST", ":path": "/tables/", "content-type": "multipart/form-data; boundary=b", ...auth },
            body,
        );
        assert.equal(reply.status, 201, reply.text);
        assert.equal(JSON.parse(reply.text).row_count, 100_000);
        const rows = await ask(session, { ":path": "/tables/t/rows/", accept: "text/csv", ...auth });
        assert.equal(rows.text.trim().split("\n").length, 100_001);
    });

    test(`a stream beside requests over ${kind}`, async (t) => {
        const session = connect(t, server);
        const auth = await signIn(session, "stream@example.com");
        const stream = session.request({ ":path": "/events/listen/", ...auth });
        let text = "";
        stream.setEncoding("utf8").on("data", (more) => (text += more));
        await until(() => text.includes("stream-open"), "stream-open");
        const form =
            '--b\r\nContent-Disposition: form-data; name="table_name"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nn\n1\n\r\n--b--\r\n';
        const made = await ask(
            session,
            { ":method": "POST", ":path": "/tables/", "content-type": "multipart/form-data; boundary=b", ...auth },
            form,
        );
        assert.equal(made.status, 201, made.text);
        await until(() => text.includes("table.created"), "the entry");
        stream.close();
        assert.equal((await ask(session, { ":path": "/health" })).status, 200);
    });
}

test("many streams on one connection", async (t) => {
    const { me, channel } = await stage(clear);
    const session = connect(t, clear);
    const streams = Array.from({ length: 30 }, () =>
        session.request({ ":path": `/channels/${channel}/listen/`, authorization: `JWT ${me.access}` }),
    );
    const texts = streams.map(() => "");
    streams.forEach((stream, i) => stream.setEncoding("utf8").on("data", (more) => (texts[i] += more)));
    await until(() => texts.every((text) => text.includes("stream-open")), "30 streams to open");
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1 }] });
    await me.refresh_view("small");
    await until(() => texts.every((text) => text.includes("update_available")), "30 events");
});

test("a body over the limit is refused, and the session goes on", async (t) => {
    const session = connect(t, clear);
    const auth = await signIn(session, "limit@example.com");
    const reply = await post(session, "/views/", { view_name: "v", sql_query: "x".repeat(2_000_000) }, auth).catch(
        (problem) => problem,
    );
    assert.ok(reply.status === 413 || reply instanceof Error, JSON.stringify(reply.status));
    assert.equal((await ask(session, { ":path": "/health" })).status, 200);
});

test("a storm of resets is stopped", async (t) => {
    const session = connect(t, clear);
    let gone = false;
    session.on("goaway", () => (gone = true));
    session.on("close", () => (gone = true));
    for (let i = 0; i < 20_000 && !gone; i++) {
        const stream = session.request({ ":path": "/health" });
        stream.on("error", () => {});
        stream.close(http2.constants.NGHTTP2_CANCEL);
        if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => gone || session.destroyed, "the server to end the connection");
    assert.equal((await fetch(`${clear.url}/health`)).status, 200);
});

test("HTTPS/1.1 and ALPN", async () => {
    for (const [protocols, expected] of [
        [["http/1.1"], "http/1.1"],
        [["h2", "http/1.1"], "h2"],
    ]) {
        const socket = tlsConnect({
            port: tls.port,
            host: "127.0.0.1",
            ALPNProtocols: protocols,
            rejectUnauthorized: false,
        });
        await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
        assert.equal(socket.alpnProtocol, expected);
        assert.match(socket.getProtocol(), /TLSv1\.[23]/);
        socket.destroy();
    }
    const status = await new Promise((resolve, reject) => {
        https
            .get(`${tls.url}/health`, { rejectUnauthorized: false, agent: false }, (answer) =>
                resolve(answer.resume().statusCode),
            )
            .once("error", reject);
    });
    assert.equal(status, 200);
});

test("plain bytes on the TLS port end that connection only", async () => {
    await assert.rejects(fetch(`http://127.0.0.1:${tls.port}/health`));
    assert.ok(await tls.ready());
});

test("over HTTP/2, too, a stopping server tells its streams", async (t) => {
    const me = await account(clear);
    const session = connect(t, clear);
    const stream = session.request({ ":path": "/events/listen/", authorization: `JWT ${me.access}` });
    let text = "";
    let ended = false;
    stream
        .setEncoding("utf8")
        .on("data", (more) => (text += more))
        .on("end", () => (ended = true))
        .on("error", () => {});
    await until(() => text.includes("stream-open"), "stream-open");
    await clear.stop();
    await until(() => ended, "the end of the stream");
    assert.match(text, /^retry: ?\d+/m);
    await clear.start();
});
