// Uploads in pieces: what has come is kept, whatever cuts them off; and each is loaded once.
import assert from "node:assert/strict";
import { appendFileSync, readdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import * as tus from "tus-js-client";
import { test, until, useServer } from "./harness.mjs";
import { account, call, checkProblem, expect, sampleParquet } from "./client.mjs";
import { csv, range } from "./files.mjs";

const server = useServer({ env: { UPLOAD_MAX: "8M" } });
const PIECE = "application/offset+octet-stream";
const rowsOf = (n) =>
    Buffer.from(
        csv(
            ["n", "word"],
            range(n).map((i) => [i, `word ${i}`]),
        ),
    );

async function begin(me, bytes, headers = {}) {
    const reply = await me.call("POST", "/uploads/", {
        headers: { "upload-length": String(bytes), ...headers },
    });
    return expect(reply, 201, "an upload");
}

const piece = (me, id, offset, body, headers = {}) =>
    me.call("PATCH", `/uploads/${id}/`, {
        body,
        headers: {
            "upload-offset": String(offset),
            "content-type": PIECE,
            ...headers,
        },
    });

async function whole(me, bytes) {
    const { id } = await begin(me, bytes.length);
    expect(await piece(me, id, 0, bytes), 204, "all of it");
    return id;
}

const offsetOf = async (me, id) => {
    const reply = await me.call("HEAD", `/uploads/${id}/`);
    assert.equal(reply.status, 200);
    return Number(reply.headers.get("upload-offset"));
};

/** Sends `sent` of a piece of `announced` bytes, and goes. */
function cutOff(me, id, offset, sent, announced) {
    return new Promise((resolve) => {
        const request = http.request(`${server.url}/uploads/${id}/`, {
            method: "PATCH",
            headers: {
                authorization: `Bearer ${me.access}`,
                "upload-offset": offset,
                "content-type": PIECE,
                "content-length": announced,
            },
        });
        request.on("error", resolve);
        request.write(sent, () => setImmediate(() => request.destroy()));
    });
}

const files = (of) => readdirSync(path.join(of.dataDir, "uploads"));

test("a file comes in pieces, and becomes a table once", async () => {
    const me = await account(server);
    const file = rowsOf(50_000);
    const made = await begin(me, file.length, {
        "tus-resumable": "1.0.0",
        "upload-metadata": `filetype dGV4dC9jc3Y=,filename ${Buffer.from("wörter.csv").toString("base64")}`,
    });
    assert.deepEqual([made.filename, made.bytes, made.bytes_done], ["wörter.csv", file.length, 0]);
    const cuts = [0, 1, 100_000, 100_001, file.length];
    for (let i = 1; i < cuts.length; i++) {
        const reply = await piece(me, made.id, cuts[i - 1], file.subarray(cuts[i - 1], cuts[i]));
        expect(reply, 204, `piece ${i}`);
        assert.equal(reply.headers.get("upload-offset"), String(cuts[i]));
        assert.equal(await offsetOf(me, made.id), cuts[i]);
    }
    const json = { table_name: "words", upload: made.id };
    const table = expect(await me.call("POST", "/tables/", { json }), 201, "the table");
    assert.equal(table.row_count, 50_000);
    assert.deepEqual(
        (await me.get("/loads/")).data.map(({ upload }) => upload),
        [made.id],
    );
    checkProblem(await me.call("GET", `/uploads/${made.id}/`));
    const again = await me.call("POST", "/tables/words/rows/", {
        json: { upload: made.id },
    });
    assert.equal(again.status, 422, "it is loaded once");
    assert.deepEqual(Object.keys(again.body.errors), ["upload"]);
    assert.equal((await me.get("/tables/words/")).row_count, 50_000);
});

test("what has come of a piece that is cut off is kept", async () => {
    const me = await account(server);
    const file = rowsOf(20_000);
    const { id } = await begin(me, file.length);
    let at = 0;
    for (let cut = 0; cut < 3; cut++) {
        const before = at;
        at = await until(async () => {
            await cutOff(me, id, before, file.subarray(before, before + 70_000), file.length - before);
            const kept = await offsetOf(me, id); // nothing, when the cut came before the server had read any
            return kept > before && kept;
        }, "a part of a piece to be kept");
        assert.ok(at <= before + 70_000, `${at} after ${before}`);
    }
    expect(await piece(me, id, at, file.subarray(at)), 204, "the rest");
    const table = expect(
        await me.call("POST", "/tables/", {
            json: { table_name: "t", upload: id },
        }),
        201,
        "the table",
    );
    assert.equal(table.row_count, 20_000);
    assert.deepEqual(
        (await me.rows("t")).map(({ word }) => word),
        range(20_000).map((i) => `word ${i}`),
    );
});

test("a piece that does not fit is refused, and changes nothing", async () => {
    const me = await account(server);
    const { id } = await begin(me, 10);
    expect(await piece(me, id, 0, "01234"), 204, "the first half");
    const cases = [
        [409, "wrong_offset", () => piece(me, id, 0, "01234")],
        [409, "wrong_offset", () => piece(me, id, 6, "6789")],
        [413, "upload_too_long", () => piece(me, id, 5, "567890")],
        [415, "unsupported_media_type", () => piece(me, id, 5, "56789", { "content-type": "text/csv" })],
        [412, "unsupported_version", () => piece(me, id, 5, "56789", { "tus-resumable": "0.2.2" })],
        [422, "invalid_fields", () => piece(me, id, "five", "56789")],
        [422, "invalid_fields", () => piece(me, id, -5, "56789")],
        [404, "not_found", () => piece(me, "01a1ffe8-6b81-7fc8-87c1-cbb0cb666a90", 5, "56789")],
        [404, "not_found", () => piece(me, "..%2f..%2fstore.db", 0, "56789")],
    ];
    for (const [status, code, send] of cases) {
        const reply = await send();
        assert.deepEqual([reply.status, reply.body.code], [status, code]);
        checkProblem(reply);
        assert.equal(await offsetOf(me, id), 5, code);
    }
    expect(await piece(me, id, 5, ""), 204, "an empty piece");
    assert.equal(await offsetOf(me, id), 5);
});

test("what is announced wrongly is refused", async () => {
    const me = await account(server);
    const cases = [
        [422, "invalid_fields", {}],
        [422, "invalid_fields", { "upload-length": "-1" }],
        [422, "invalid_fields", { "upload-length": "many" }],
        [422, "invalid_fields", { "upload-defer-length": "1" }],
        [413, "file_too_large", { "upload-length": String(8 * 1024 * 1024 + 1) }],
        [412, "unsupported_version", { "upload-length": "1", "tus-resumable": "2.0.0" }],
    ];
    for (const [status, code, headers] of cases) {
        const reply = await me.call("POST", "/uploads/", { headers });
        assert.deepEqual([reply.status, reply.body.code], [status, code], JSON.stringify(headers));
        checkProblem(reply);
    }
    assert.deepEqual((await me.get("/uploads/")).data, []);
    for (const metadata of ["filename ****", "filename", "filename AA==", "other dGV4dA==", ","]) {
        const { filename } = await begin(me, 1, { "upload-metadata": metadata });
        assert.equal(filename, null, metadata);
    }
});

test("an upload is loaded when it is whole, and its team's only", async () => {
    const me = await account(server);
    const other = await account(server);
    const { id } = await begin(me, 8);
    expect(await piece(me, id, 0, "a,b\n"), 204, "a piece");
    const load = (who, json) => who.call("POST", "/tables/", { json: { table_name: "t", ...json } });
    const early = await load(me, { upload: id });
    assert.deepEqual([early.status, early.body.code], [409, "upload_incomplete"]);
    expect(await piece(me, id, 4, "1,2\n"), 204, "the rest");
    for (const [status, reply] of [
        [422, await load(other, { upload: id })],
        [422, await load(me, { upload: "none" })],
        [422, await load(me, { upload: id, rows: [] })],
        [404, await other.call("GET", `/uploads/${id}/`)],
        [404, await other.call("DELETE", `/uploads/${id}/`)],
        [404, await piece(other, id, 8, "")],
    ]) {
        assert.equal(reply.status, status);
        checkProblem(reply);
    }
    assert.deepEqual((await other.get("/uploads/")).data, []);
    expect(await load(me, { upload: id }), 201, "a load");
});

test("a load that fails leaves the upload, for other types", async () => {
    const me = await account(server);
    const id = await whole(me, Buffer.from("n,s\n1,a\nx,b\n"));
    const columns = (type) => [
        { column_name: "n", column_type: type },
        { column_name: "s", column_type: "text" },
    ];
    const load = (type) =>
        me.call("POST", "/tables/", {
            json: { table_name: "t", upload: id, columns: columns(type) },
        });
    const wrong = await load("int");
    assert.equal(wrong.status, 422);
    assert.equal(wrong.body.errors[0].line, 3);
    const looked = await me.call("POST", "/tables/preview/", {
        json: { upload: id },
    });
    assert.equal(expect(looked, 200, "a preview").columns.length, 2);
    assert.equal(await offsetOf(me, id), 12);
    assert.equal(expect(await load("text"), 201, "with texts").row_count, 2);
});

test("a preview of an upload looks at its beginning", async () => {
    const me = await account(server);
    const rows = rowsOf(100_000);
    const id = await whole(me, Buffer.concat([rows, Buffer.from("one field\n")]));
    const looked = expect(await me.call("POST", "/tables/preview/", { json: { upload: id } }), 200, "a preview");
    assert.deepEqual([looked.format, looked.complete, looked.rows.length], ["csv", false, 50]);
    const load = await me.call("POST", "/tables/", { json: { table_name: "t", upload: id } });
    assert.deepEqual([load.status, load.body.errors[0].line], [422, 100_002]);
});

test("of loads of one upload that are asked for at once, one is done", async () => {
    const me = await account(server);
    await me.table("t", "n,word\n0,zero\n");
    const id = await whole(me, rowsOf(100_000));
    const replies = await Promise.all(
        range(6).map((i) =>
            me.call("POST", "/tables/t/rows/", {
                json: { upload: id },
                headers: i % 2 ? { prefer: "respond-async" } : {},
            }),
        ),
    );
    const taken = replies.filter(({ status }) => status < 300);
    assert.equal(taken.length, 1, replies.map(({ status }) => status).join());
    await until(async () => (await me.get("/loads/?state=running")).data.length === 0, "the load to end");
    assert.equal((await me.get("/tables/t/")).row_count, 100_001);
});

test("Parquet comes in pieces as well, also by replacing rows", async () => {
    const me = await account(server);
    const { id } = await begin(me, sampleParquet.length);
    for (let at = 0; at < sampleParquet.length; at += 100)
        expect(await piece(me, id, at, sampleParquet.subarray(at, at + 100)), 204, `from ${at}`);
    await me.table("t", "SomeNumber,SomeString\n1,one\n");
    const table = expect(await me.call("POST", "/tables/t/replace/", { json: { upload: id } }), 200, "other rows");
    assert.equal(table.row_count, 10);
});

test("what is forgotten or loaded leaves no file", async () => {
    const own = await account(server);
    const kept = await begin(own, 3);
    assert.ok(files(server).some((name) => name.endsWith(kept.id)));
    const shown = await own.get("/uploads/");
    assert.deepEqual(
        shown.data.map(({ id }) => id),
        [kept.id],
    );
    expect(await own.call("DELETE", `/uploads/${kept.id}/`), 204, "forgotten");
    assert.equal((await own.call("DELETE", `/uploads/${kept.id}/`)).status, 404);
    const id = await whole(own, Buffer.from("a\n1\n"));
    expect(
        await own.call("POST", "/tables/", {
            json: { table_name: "t", upload: id },
        }),
        201,
        "a table",
    );
    assert.deepEqual(
        files(server).filter((name) => name.endsWith(kept.id) || name.endsWith(id)),
        [],
    );
});

test("a team has a hundred uploads at most", async () => {
    const me = await account(server);
    const made = [];
    for (let i = 0; i < 100; i++) made.push(await begin(me, 1));
    const reply = await me.call("POST", "/uploads/", {
        headers: { "upload-length": "1" },
    });
    assert.deepEqual([reply.status, reply.body.code], [409, "too_many_uploads"]);
    const seen = [];
    for (let next = "/uploads/?limit=40"; next;) {
        const { data, links } = await me.get(next);
        seen.push(...data.map(({ id }) => id));
        next = links.next;
    }
    assert.deepEqual(seen, made.map(({ id }) => id).reverse());
    expect(await me.call("DELETE", `/uploads/${made[0].id}/`), 204, "one less");
    await begin(me, 1);
});

test("it is there after the server was killed, and files that belong to nothing are not", async () => {
    const me = await account(server);
    const file = rowsOf(5_000);
    const { id } = await begin(me, file.length);
    expect(await piece(me, id, 0, file.subarray(0, 10_000)), 204, "a piece");
    await server.kill();
    const stray = path.join(server.dataDir, "uploads", `${id}.${id}`);
    writeFileSync(stray, "of nothing");
    appendFileSync(
        path.join(
            server.dataDir,
            "uploads",
            files(server).find((name) => name.endsWith(id) && !name.startsWith(id)),
        ),
        "written, and never answered",
    );
    await server.start();
    assert.ok(!files(server).includes(`${id}.${id}`));
    assert.equal(await offsetOf(me, id), 10_000);
    expect(await piece(me, id, 10_000, file.subarray(10_000)), 204, "the rest");
    const table = expect(
        await me.call("POST", "/tables/", {
            json: { table_name: "t", upload: id },
        }),
        201,
        "the table",
    );
    assert.equal(table.row_count, 5_000);
});

/** A PATCH of which `sent` comes, by a socket of its own. */
function half(me, id, sent, { announced, offset = 0, headers = [] }) {
    const socket = net.connect(server.port, "127.0.0.1");
    const head = [
        `PATCH /uploads/${id}/ HTTP/1.1`,
        "Host: here",
        `Authorization: Bearer ${me.access}`,
        `Upload-Offset: ${offset}`,
        `Content-Type: ${PIECE}`,
        `Content-Length: ${announced}`,
        ...headers,
    ];
    socket.on("error", () => {});
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    socket.write(sent);
    return socket;
}

test("a piece that can't be taken is refused before it is sent", async () => {
    const me = await account(server);
    const { id } = await begin(me, 1_000);
    const cases = [
        [{ announced: 1_000, offset: 5 }, /^HTTP\/1.1 409 .*\r\nUpload-Offset: 0\r\n/s],
        [{ announced: 1_001 }, /^HTTP\/1.1 413 /],
    ];
    for (const [how, answer] of cases) {
        const socket = half(me, id, "", { ...how, headers: ["Expect: 100-continue"] });
        const [bytes] = await once(socket, "data");
        socket.destroy();
        assert.match(bytes.toString(), answer);
        assert.match(bytes.toString(), /\r\nTus-Resumable: 1.0.0\r\n/);
    }
    const other = await piece(me, id, 0, "x", { "tus-resumable": "0.2.2" });
    assert.deepEqual([other.status, other.headers.get("tus-version")], [412, "1.0.0"]);
});

test("what is forgotten while a piece of it is being kept leaves no file", async () => {
    const me = await account(server);
    const ids = [];
    for (let i = 0; i < 8; i++) {
        const { id } = await begin(me, 8_000_000);
        ids.push(id);
        await cutOff(me, id, 0, Buffer.alloc(6_000_000, 97), 8_000_000);
        await new Promise((resolve) => setTimeout(resolve, i * 3));
        expect(await me.call("DELETE", `/uploads/${id}/`), 204, "forgotten");
    }
    const left = () => files(server).filter((name) => name.startsWith("upload-") || ids.includes(name.slice(37)));
    await until(() => left().length === 0, "no file to be left");
});

test("the loads of an upload are found", async () => {
    const me = await account(server);
    const id = await whole(me, Buffer.from("n\n1\nx\n"));
    const columns = [{ column_name: "n", column_type: "int" }];
    assert.equal((await me.call("POST", "/tables/", { json: { table_name: "t", upload: id, columns } })).status, 422);
    expect(await me.call("POST", "/tables/", { json: { table_name: "t", upload: id } }), 201, "a load");
    await me.table("other", "n\n1\n");
    const { data, links } = await me.get(`/loads/?upload=${id}&limit=1`);
    assert.deepEqual(
        data.map(({ state, upload }) => [state, upload]),
        [["succeeded", id]],
    );
    const next = await me.get(links.next);
    assert.deepEqual(
        next.data.map(({ state, upload }) => [state, upload]),
        [["failed", id]],
    );
    assert.equal(next.links.next, null);
});

test("a server that is stopped keeps what has come of the pieces that are cut off by it", async () => {
    const me = await account(server);
    const ids = [];
    const sockets = [];
    for (let i = 0; i < 40; i++) {
        const { id } = await begin(me, 1_000_000);
        ids.push(id);
        sockets.push(half(me, id, Buffer.alloc(150_000, 97), { announced: 1_000_000 }));
    }
    const spooled = () => files(server).filter((name) => name.startsWith("upload-")).length;
    await until(() => spooled() === ids.length, "all to have come");
    const stopped = server.stop();
    await until(() => server.log.includes("stopping"), "the stop");
    for (const socket of sockets) socket.destroy();
    await stopped;
    await server.start();
    for (const id of ids) assert.ok((await offsetOf(me, id)) > 0, id);
});

test("tus-js-client sends a file, is stopped, and goes on", async () => {
    const me = await account(server);
    const file = rowsOf(100_000);
    const options = {
        endpoint: `${server.url}/uploads/`,
        headers: { authorization: `Bearer ${me.access}` },
        metadata: { filename: "words.csv" },
        chunkSize: 200_000,
        retryDelays: [0, 100],
    };
    const url = await new Promise((resolve, reject) => {
        const upload = new tus.Upload(file, {
            ...options,
            onError: reject,
            onChunkComplete: () => upload.abort().then(() => resolve(upload.url), reject),
        });
        upload.start();
    });
    const id = url.split("/").at(-2);
    assert.equal(await offsetOf(me, id), 200_000);
    const sent = [];
    await new Promise((resolve, reject) => {
        new tus.Upload(file, {
            ...options,
            uploadUrl: url,
            onError: reject,
            onSuccess: resolve,
            onProgress: (bytes) => sent.push(bytes),
        }).start();
    });
    assert.ok(sent[0] >= 200_000, `it began at ${sent[0]}`);
    const shown = await me.get(`/uploads/${id}/`);
    assert.deepEqual([shown.filename, shown.bytes_done], ["words.csv", file.length]);
    const table = await me.call("POST", "/tables/", {
        json: { table_name: "t", upload: id },
    });
    assert.equal(expect(table, 201, "the table").row_count, 100_000);
});

test("who asks what the server knows of tus is told, with and without a token", async () => {
    const reply = await call(server, "OPTIONS", "/uploads/");
    assert.equal(reply.status, 204);
    assert.equal(reply.headers.get("tus-version"), "1.0.0");
    assert.equal(reply.headers.get("tus-extension"), "creation,termination,expiration");
    assert.equal(reply.headers.get("tus-max-size"), String(8 * 1024 * 1024));
    assert.match(reply.headers.get("allow"), /POST/);
});
