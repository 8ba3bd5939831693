// Bodies that never end, over HTTP/1.1 and HTTP/2: answered 408 and closed in bounded time.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import { account } from "../api/client.mjs";
import { dawdle, dripping, endlessly } from "./dawdlers.mjs";
import * as h2 from "./frames.mjs";
import { head, Wire } from "./wire.mjs";

const server = useServer({ env: { LOG_LEVEL: "error" } });
const plain = () => new Wire(server.port);

test(
    "bodies that never end",
    async (t) => {
        const me = await account(server);
        const json = { "Content-Type": "application/json" };
        const form = { "Content-Type": "multipart/form-data; boundary=b", Authorization: `JWT ${me.access}` };
        const part = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n';
        const register = head("POST", "/auth/users/register/", { ...json, "Content-Length": 1000 });
        const chunked = head("POST", "/auth/users/register/", { ...json, "Transfer-Encoding": "chunked" });
        const upload = head("POST", "/tables/", { ...form, "Content-Length": 1_000_000 }) + part;
        const opened = h2.headers(1, h2.request("/auth/users/register/", { method: "POST" }), h2.END_HEADERS);
        // over HTTP/2 the stream ends, the connection may go on
        const session = h2.session(t, server.port);
        session.drip(endlessly(opened, h2.frame(h2.DATA, 0, 1, Buffer.from(" "))), 500);
        const crowds = await Promise.all([
            dawdle(t, server, "JSON", 30, dripping(t, plain, register, " ")),
            dawdle(t, server, "chunks", 30, dripping(t, plain, chunked, "1\r\n \r\n")),
            dawdle(t, server, "the size of a chunk", 30, dripping(t, plain, chunked, "0")),
            dawdle(t, server, "a chunk's extension", 30, dripping(t, plain, `${chunked}1;a`, "a")),
            dawdle(t, server, "trailers", 30, dripping(t, plain, `${chunked}0\r\n`, "a: b\r\n")),
            dawdle(t, server, "an upload", 30, dripping(t, plain, upload, "x")),
        ]);
        for (const crowd of crowds) for (const one of crowd) assert.deepEqual(one.statuses, [408]);
        assert.deepEqual((await me.get("/tables/")).data, []);
        const { body } = await until(() => session.ended(1) && session.outcome(1), "the answer", 35_000);
        assert.equal(JSON.parse(body).status, 408);
    },
    { timeout: 120_000 },
);
