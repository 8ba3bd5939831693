// Heads of HTTP/2 that a reader of HTTP/1.1 behind it would take differently, and frames out of their order.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import * as h2 from "./frames.mjs";
import { tell } from "./gauge.mjs";

const server = useServer({ env: { LOG_LEVEL: "error" } });
const counts = { attempts: 0, refused: 0, harmless: 0 };

const usual = [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/health"],
    [":authority", "localhost"],
];
const without = (name) => usual.filter((pair) => pair[0] !== name);
const instead = (name, value) => usual.map((pair) => (pair[0] === name ? [name, value] : pair));

/** Never an answer of 2xx. */
const refused = {
    "no method": without(":method"),
    "no path": without(":path"),
    "no scheme": without(":scheme"),
    "two methods": [...usual, [":method", "GET"]],
    "two paths": [...usual, [":path", "/ready"]],
    "two authorities": [...usual, [":authority", "localhost"]],
    "a pseudo-header behind others": [["a", "b"], ...usual],
    "a pseudo-header of answers": [...usual, [":status", "200"]],
    "a pseudo-header that is none": [...usual, [":smuggled", "x"]],
    ":protocol without leave": [...instead(":method", "CONNECT"), [":protocol", "websocket"]],
    "an empty path": instead(":path", ""),
    "a path without a slash": instead(":path", "health"),
    "a path with a space": instead(":path", "/health HTTP/1.1"),
    "a path with a line break": instead(":path", "/health HTTP/1.1\r\nHost: x\r\n\r\nGET /ready"),
    "a path with a NUL": instead(":path", "/health\0"),
    "a path with a tab": instead(":path", "/hea\tlth"),
    "a path with a fragment": instead(":path", "/health#x"),
    "a path with DEL": instead(":path", "/health\x7f"),
    "a whole address for a path": instead(":path", "http://localhost/health"),
    "a star for a path": instead(":path", "*"),
    "an authority with a path": instead(":authority", "localhost/ready"),
    "an authority with a name": instead(":authority", "u@localhost"),
    "an authority with a space": instead(":authority", "local host"),
    "an authority with a line break": instead(":authority", "localhost\r\nA: b"),
    "another host than the authority": [...usual, ["host", "elsewhere"]],
    "two hosts": [...without(":authority"), ["host", "a"], ["host", "b"]],
    "a method with a space": instead(":method", "GET /ready"),
    "a method with a line break": instead(":method", "GET / HTTP/1.1\r\nA:"),
    "an empty method": instead(":method", ""),
    "a method in small letters": instead(":method", "get"),
    "a scheme with a path": instead(":scheme", "http://localhost/ready?"),
    connection: [...usual, ["connection", "close"]],
    "keep-alive": [...usual, ["keep-alive", "timeout=5"]],
    "proxy-connection": [...usual, ["proxy-connection", "close"]],
    "transfer-encoding": [...usual, ["transfer-encoding", "chunked"]],
    upgrade: [...usual, ["upgrade", "h2c"]],
    "te other than trailers": [...usual, ["te", "gzip"]],
    "capitals in a name": [...usual, ["X-A", "b"]],
    "a name with a space": [...usual, ["x a", "b"]],
    "a name with a colon": [...usual, ["x:a", "b"]],
    "a name with a line break": [...usual, ["x\r\ny", "b"]],
    "an empty name": [...usual, ["", "b"]],
    "a line feed in a value": [...usual, ["x", "a\nb: c"]],
    "a carriage return in a value": [...usual, ["x", "a\rb"]],
    "a NUL in a value": [...usual, ["x", "a\0b"]],
    "two lengths": [...usual, ["content-length", "0"], ["content-length", "0"]],
    "a length with a plus": [...usual, ["content-length", "+0"]],
    "a length that is not kept": [...usual, ["content-length", "5"]],
    "a length past 63 bits": [...usual, ["content-length", "9223372036854775808"]],
    "a tunnel": [
        [":method", "CONNECT"],
        [":authority", "localhost:80"],
    ],
};

for (const [what, pairs] of Object.entries(refused)) {
    test(`refused: ${what}`, async (t) => {
        const session = h2.session(t, server.port);
        await session.send(Buffer.concat([h2.headers(1, h2.fields(pairs)), h2.get(3)]));
        const got = await session.outcome(1);
        counts.attempts++;
        if (got.body !== undefined) assert.ok(JSON.parse(got.body).status >= 400, got.body);
        else assert.ok(got.closed || got.goaway !== undefined || got.reset !== undefined);
        counts.refused++;
        // what comes behind it is its own request, or none
        const next = await session.outcome(3);
        assert.ok(next.body === '{"status": "ok"}' || got.goaway !== undefined || got.closed, JSON.stringify(next));
    });
}

const POST = [
    [":method", "POST"],
    ...without(":method").map((pair) => (pair[0] === ":path" ? [":path", "/auth/tokens/refresh/"] : pair)),
    ["content-type", "application/json"],
];
const post = (more = [], flags = h2.END_HEADERS) => h2.headers(1, h2.fields([...POST, ...more]), flags);
const data = (text, flags = h2.END_STREAM) => h2.frame(h2.DATA, flags, 1, Buffer.from(text));

/** The stream or the connection ends with a fault; nobody's answer is 2xx. */
const disorder = {
    "DATA on a stream that was never opened": [h2.frame(h2.DATA, 0, 1, Buffer.from("x"))],
    "DATA on stream 0": [h2.frame(h2.DATA, 0, 0, Buffer.from("x"))],
    "HEADERS on stream 0": [h2.headers(0, h2.request())],
    "HEADERS on an even stream": [h2.get(2)],
    "the same id twice": [h2.get(1), h2.get(1)],
    "RST_STREAM of a stream that was never opened": [h2.reset(7)],
    "RST_STREAM on stream 0": [h2.reset(0)],
    "RST_STREAM of a wrong size": [h2.get(1), h2.frame(h2.RST_STREAM, 0, 1, Buffer.alloc(3))],
    "WINDOW_UPDATE of nothing": [h2.widen(0, 0)],
    "WINDOW_UPDATE past 31 bits": [h2.widen(0, 2 ** 31 - 1)],
    "WINDOW_UPDATE of a stream that was never opened": [h2.widen(9, 1)],
    "WINDOW_UPDATE of a wrong size": [h2.frame(h2.WINDOW_UPDATE, 0, 0, Buffer.alloc(5))],
    "a first window past 31 bits": [h2.settings([4, 2 ** 31])],
    "a frame size below what is allowed": [h2.settings([5, 100])],
    "a frame size past what is allowed": [h2.settings([5, 2 ** 24])],
    "ENABLE_PUSH of 2": [h2.settings([2, 2])],
    "SETTINGS of a wrong size": [h2.frame(h2.SETTINGS, 0, 0, Buffer.alloc(5))],
    "SETTINGS on a stream": [h2.frame(h2.SETTINGS, 0, 1)],
    "an acknowledgement with something in it": [h2.frame(h2.SETTINGS, h2.ACK, 0, Buffer.alloc(6))],
    "PING of a wrong size": [h2.frame(h2.PING, 0, 0, Buffer.alloc(7))],
    "PING on a stream": [h2.frame(h2.PING, 0, 1, Buffer.alloc(8))],
    "a promise from a client": [h2.frame(5, h2.END_HEADERS, 1, Buffer.concat([h2.u32(2), h2.request()]))],
    "CONTINUATION of nothing": [h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1, h2.request())],
    "another frame between HEADERS and CONTINUATION": [
        h2.headers(1, h2.request(), 0),
        h2.frame(h2.PING, 0, 0, Buffer.alloc(8)),
    ],
    "another stream's CONTINUATION": [h2.headers(1, h2.request(), 0), h2.frame(h2.CONTINUATION, h2.END_HEADERS, 3)],
    "a frame that is too large": [h2.frame(h2.DATA, 0, 1, Buffer.alloc(16_385))],
    "padding that is longer than the frame": [post(), h2.frame(h2.DATA, h2.PADDED, 1, Buffer.from([200, 1]))],
    "a head's padding that is longer than the head": [
        h2.frame(h2.HEADERS, h2.PADDED | h2.END_HEADERS, 1, Buffer.from([255, 0x82])),
    ],
    "a stream that depends on itself": [
        h2.frame(
            h2.HEADERS,
            0x20 | h2.END_HEADERS,
            1,
            Buffer.concat([h2.u32(1), Buffer.from([0]), Buffer.from([0x82])]),
        ),
    ],
    "an index past the table": [h2.headers(1, Buffer.concat([h2.request(), h2.indexed(5_000)]))],
    "index 0": [h2.headers(1, Buffer.concat([h2.request(), Buffer.from([0x80])]))],
    "a table larger than allowed": [
        h2.headers(1, Buffer.concat([Buffer.from([0x3f, 0xe1, 0xff, 0xff, 0x07]), h2.request()])),
    ],
    "a number without end": [h2.headers(1, Buffer.concat([h2.request(), Buffer.alloc(20, 0xff)]))],
    "a text longer than its block": [
        h2.headers(1, Buffer.concat([h2.request(), Buffer.from([0, 0x7f, 0xff, 0xff, 0x0f])])),
    ],
    "Huffman code that ends in the middle": [
        h2.headers(1, Buffer.concat([h2.request(), Buffer.from([0, 0x81, 0x00, 0x81, 0x00])])),
    ],
    "less data than was declared": [post([["content-length", "10"]]), data("{}")],
    "more data than was declared": [post([["content-length", "1"]]), data("{}")],
    "trailers with a pseudo-header": [post(), data("{}", 0), h2.headers(1, h2.fields([[":path", "/health"]]))],
    "trailers that do not end the stream": [
        post(),
        data("{}", 0),
        h2.headers(1, h2.fields([["a", "b"]]), h2.END_HEADERS),
    ],
    "data behind the end": [h2.get(1), h2.frame(h2.DATA, 0, 1, Buffer.from("x"))],
    "another preface": [h2.preface],
};

for (const [what, frames] of Object.entries(disorder)) {
    test(`out of order: ${what}`, async (t) => {
        const session = h2.session(t, server.port);
        await session.send(Buffer.concat([...frames, h2.frame(h2.PING, 0, 0, Buffer.from("the last"))]));
        const faulty = () =>
            session.gone ||
            session.goaway > 0 ||
            session.of(h2.RST_STREAM).some((one) => one.payload.readUInt32BE(0) > 0) ||
            session.of(h2.DATA).some((one) => /"status": 4/.test(one.payload));
        await until(faulty, "a fault to be told");
        counts.attempts++;
        counts.refused++;
        if (session.goaway > 0) await until(() => session.gone, "the connection to be closed");
    });
}

for (const [what, ids] of Object.entries({
    "an id that goes backwards": [5, 3],
    "the highest id, then another": [2 ** 31 - 1, 1],
})) {
    test(`not answered: ${what}`, async (t) => {
        const session = h2.session(t, server.port);
        await session.send(
            Buffer.concat([...ids.map((id) => h2.get(id)), h2.frame(h2.PING, 0, 0, Buffer.from("the last"))]),
        );
        await until(
            () => session.ended(ids[0]) && (session.gone || session.of(h2.PING).length),
            "the answer and the ping",
        );
        assert.deepEqual(session.of(h2.HEADERS, ids[1]), []);
        counts.attempts++;
        counts.refused++;
    });
}

test("trailers change nothing", async (t) => {
    const session = h2.session(t, server.port);
    await session.send(Buffer.concat([post(), data("{}", 0), h2.headers(1, h2.fields([["authorization", "JWT x"]]))]));
    const { body } = await session.outcome(1);
    assert.match(body, /"status": 4(00|22)/);
    counts.harmless++;
});

test("the counts", () => tell("HTTP/2 heads and order", counts));
