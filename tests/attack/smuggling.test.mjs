// Requests that two readers could take differently: each is refused, and what is behind it is never a request of its own.
import assert from "node:assert/strict";
import { test, useServer } from "../api/harness.mjs";
import { tell } from "./gauge.mjs";
import { exchange, statuses, wire } from "./wire.mjs";

const server = useServer({ env: { LOG_LEVEL: "error" } });
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
const counts = { attempts: 0, refused: 0, harmless: 0 };

/** What comes for the bytes and, behind them, a request that must not be seen as one. */
async function attempt(bytes, behind = smuggled) {
    counts.attempts++;
    return exchange(server.port, bytes + behind, (text) => /\/smuggled|"status": 404/.test(text));
}

const post = (headers, body = "") => `POST /auth/tokens/refresh/ HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";

/** Refused with one answer and the connection closed. */
const refused = {
    "a length and chunks": post(`Content-Length: 4\r\n${CHUNKED}`, "0\r\n\r\n"),
    "chunks and a length": post(`${CHUNKED}Content-Length: 4\r\n`, "0\r\n\r\n"),
    "chunks twice": post(`${CHUNKED}${CHUNKED}`, "0\r\n\r\n"),
    "chunks, then identity": post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
    "identity, then chunks": post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"),
    "gzip and chunks": post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
    "chunks by another name": post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
    "chunks in quotes": post('Transfer-Encoding: "chunked"\r\n', "0\r\n\r\n"),
    "chunks with a parameter": post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"),
    "chunks twice in one": post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
    "an empty coding": post("Transfer-Encoding:\r\n", "0\r\n\r\n"),
    "a comma and chunks": post("Transfer-Encoding: , chunked\r\n", "0\r\n\r\n"),
    "a vertical tab before chunks": post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"),
    "a NUL behind chunks": post("Transfer-Encoding: chunked\0\r\n", "0\r\n\r\n"),
    "a high byte before chunks": post("Transfer-Encoding: \xffchunked\r\n", "0\r\n\r\n"),
    "space before the colon": post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
    "tab before the colon": post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"),
    "a folded coding": post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
    "a folded header": post("A: b\r\n c\r\nContent-Length: 0\r\n"),
    "a folded header by tab": post("A: b\r\n\tTransfer-Encoding: chunked\r\n"),
    "a line that begins with a space": `GET /health HTTP/1.1\r\n Host: x\r\n\r\n`,
    "chunks in HTTP/1.0": `POST /auth/tokens/refresh/ HTTP/1.0\r\n${CHUNKED}\r\n0\r\n\r\n`,
    "two lengths": post("Content-Length: 0\r\nContent-Length: 5\r\n"),
    "one length twice": post("Content-Length: 0\r\nContent-Length: 0\r\n"),
    "two lengths in one": post("Content-Length: 0, 0\r\n"),
    "a length with a plus": post("Content-Length: +0\r\n"),
    "a negative length": post("Content-Length: -1\r\n"),
    "a length in hex": post("Content-Length: 0x0\r\n"),
    "a length with a space in it": post("Content-Length: 0 0\r\n"),
    "a length with tabs around it": post("Content-Length: \t 2 \t\r\n", "{}"),
    "a length with a point": post("Content-Length: 0.0\r\n"),
    "a length that is a word": post("Content-Length: abc\r\n"),
    "an empty length": post("Content-Length: \r\n"),
    "a length past 64 bits": post("Content-Length: 18446744073709551616\r\n"),
    "a length past 63 bits": post("Content-Length: 9223372036854775808\r\n"),
    "a length with an underscore": post("Content-Length: 1_0\r\n"),
    "a length with a space before the colon": post("Content-Length : 5\r\n", "12345"),
    "bare line feeds": "GET /health HTTP/1.1\nHost: x\n\n",
    "a bare line feed behind the request line": "GET /health HTTP/1.1\nHost: x\r\n\r\n",
    "a bare line feed in a header": "GET /health HTTP/1.1\r\nHost: x\r\nA: b\nTransfer-Encoding: chunked\r\n\r\n",
    "a bare carriage return in a header": "GET /health HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n",
    "two carriage returns": "GET /health HTTP/1.1\r\nHost: x\r\r\n\r\n",
    "a NUL in a header": "GET /health HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "a NUL in a name": "GET /health HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n",
    "a NUL in the path": "GET /hea\0lth HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control character in a header": "GET /health HTTP/1.1\r\nHost: x\r\nA: b\x01c\r\n\r\n",
    "DEL in a header": "GET /health HTTP/1.1\r\nHost: x\r\nA: b\x7fc\r\n\r\n",
    "a header without a colon": "GET /health HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a header without a name": "GET /health HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
    "a name with a space": "GET /health HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n",
    "a name in brackets": "GET /health HTTP/1.1\r\nHost: x\r\n(A): c\r\n\r\n",
    "a name with a high byte": "GET /health HTTP/1.1\r\nHost: x\r\n\xc3\xa4: c\r\n\r\n",
    "no host": "GET /health HTTP/1.1\r\n\r\n",
    "two hosts": "GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "one host twice": "GET /health HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "a host with a space": "GET /health HTTP/1.1\r\nHost: x y\r\n\r\n",
    "a host with a path": "GET /health HTTP/1.1\r\nHost: x/smuggled\r\n\r\n",
    "a host with a name": "GET /health HTTP/1.1\r\nHost: x@y\r\n\r\n",
    "two hosts in one": "GET /health HTTP/1.1\r\nHost: x, y\r\n\r\n",
    "another host in the target": "GET http://y/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a name in the target": "GET http://u@x/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target without a host": "GET http:///health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target of another scheme": "GET ftp://x/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target without a slash": "GET health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target with a space": "GET /health /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target with a tab": "GET\t/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "two spaces before the target": "GET  /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "two spaces behind the target": "GET /health  HTTP/1.1\r\nHost: x\r\n\r\n",
    "a space behind the version": "GET /health HTTP/1.1 \r\nHost: x\r\n\r\n",
    "a fragment": "GET /health#x HTTP/1.1\r\nHost: x\r\n\r\n",
    "a backslash for a slash": "GET \\health HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": "GET /health\r\n\r\n",
    "no version but headers": "GET /health\r\nHost: x\r\n\r\n",
    "HTTP/0.9": "GET /health HTTP/0.9\r\nHost: x\r\n\r\n",
    "HTTP/1.2": "GET /health HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2.0": "GET /health HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/1.10": "GET /health HTTP/1.10\r\nHost: x\r\n\r\n",
    "HTTP/01.1": "GET /health HTTP/01.1\r\nHost: x\r\n\r\n",
    "http in small letters": "GET /health http/1.1\r\nHost: x\r\n\r\n",
    RTSP: "DESCRIBE /health RTSP/1.0\r\nHost: x\r\n\r\n",
    ICE: "SOURCE /health ICE/1.0\r\nHost: x\r\n\r\n",
    "GET of another protocol": "GET /health RTSP/1.0\r\nHost: x\r\n\r\n",
    "no method": " /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method in small letters": "get /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method that is none": "G(T /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a method of its own": "SMUGGLE /health HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n",
    "a tunnel to another": "CONNECT x:80 HTTP/1.1\r\nHost: y\r\n\r\n",
    "the preface of HTTP/2 too late": "GET /health HTTP/1.1\r\nHost: x\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
};

for (const [what, bytes] of Object.entries(refused)) {
    test(`refused: ${what}`, async () => {
        const text = await attempt(bytes);
        const got = statuses(text);
        const last = got.at(-1);
        assert.ok(got.length <= 2 && last >= 400 && last <= 505, `${got}: ${text.slice(0, 400)}`);
        assert.ok(got.length === 1 || /^GET \/health HTTP\/1.1\r\nHost: x\r\n\r\n/.test(bytes), `${got}`);
        assert.doesNotMatch(text, /"status": 404/, "what was behind it was taken for a request");
        assert.match(text, /^connection: close\r$/im);
        counts.refused++;
    });
}

const chunks = {
    "a space behind the size": "5 \r\nhello\r\n0\r\n\r\n",
    "a space before the size": " 5\r\nhello\r\n0\r\n\r\n",
    "0x before the size": "0x5\r\nhello\r\n0\r\n\r\n",
    "a plus before the size": "+5\r\nhello\r\n0\r\n\r\n",
    "a minus before the size": "-5\r\nhello\r\n0\r\n\r\n",
    "an underscore in the size": "0_5\r\nhello\r\n0\r\n\r\n",
    "no size": "\r\nhello\r\n0\r\n\r\n",
    "a size past 64 bits": "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a size of 16 digits": "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "a bare line feed behind the size": "5\nhello\r\n0\r\n\r\n",
    "a bare line feed behind the data": "5\r\nhello\n0\r\n\r\n",
    "two bytes that are no line end": "5\r\nhelloXX0\r\n\r\n",
    "more data than its size": "5\r\nhello!\r\n0\r\n\r\n",
    "a line feed in an extension": "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "a carriage return in an extension": "5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a NUL in an extension": "5;a\0b\r\nhello\r\n0\r\n\r\n",
    "an extension without end": `5;${"a".repeat(1_000)}\r\nhello\r\n0\r\n\r\n`,
    "extensions that outweigh the data": `${`1;${"a".repeat(200)}\r\nx\r\n`.repeat(1_000)}0\r\n\r\n`,
    "sizes with zeros that outweigh the data": `${"0".repeat(100_000)}5\r\nhello\r\n0\r\n\r\n`,
    "trailers without end": `0\r\n${"A: b\r\n".repeat(5_000)}\r\n`,
    "a bare line feed in the trailers": "0\r\nA: b\n\r\n",
    "a carriage return alone behind the last": "0\r\n\rX",
};

for (const [what, body] of Object.entries(chunks)) {
    test(`chunks refused: ${what}`, async () => {
        const text = await attempt(post(`Content-Type: application/json\r\n${CHUNKED}`, body));
        assert.deepEqual(statuses(text), [400], text.slice(0, 400));
        assert.doesNotMatch(text, /smuggled|"status": 404/);
        counts.refused++;
    });
}

/** Both of what is on the connection is taken as any reader would: two answers. */
const harmless = {
    "a length of zeros": post("Content-Type: application/json\r\nContent-Length: 0000000002\r\n", "{}"),
    "a coding in capitals": post(
        `Content-Type: application/json\r\nTransfer-Encoding: CHUNKED\r\n`,
        "2\r\n{}\r\n0\r\n\r\n",
    ),
    "chunks with an extension": post(`Content-Type: application/json\r\n${CHUNKED}`, '2;a="b"\r\n{}\r\n0\r\n\r\n'),
    "trailers that would be headers": post(
        `Content-Type: application/json\r\n${CHUNKED}`,
        "2\r\n{}\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: chunked\r\nHost: y\r\n\r\n",
    ),
    "a header with an underscore": post(
        "Content-Type: application/json\r\nContent_Length: 50\r\nContent-Length: 2\r\n",
        "{}",
    ),
    "a length with GET": "GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    "an upgrade that is not taken":
        "GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    "a WebSocket that is not opened":
        "GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n",
    "a connection that names the length": post(
        "Connection: Content-Length\r\nContent-Type: application/json\r\nContent-Length: 2\r\n",
        "{}",
    ),
    "the whole target": "GET http://x/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "the whole target in capitals": "GET HTTP://X/health HTTP/1.1\r\nHost: x\r\n\r\n",
    "another method in a header":
        "GET /health HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: DELETE\r\nX-Original-URL: /smuggled\r\nX-Rewrite-URL: /smuggled\r\n\r\n",
    "an empty line before the request": "\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n",
};

for (const [what, bytes] of Object.entries(harmless)) {
    test(`taken as it is: ${what}`, async () => {
        const text = await attempt(bytes);
        const [first, second, ...more] = statuses(text);
        assert.ok([200, 400, 413, 422].includes(first), `${first}: ${text.slice(0, 400)}`);
        assert.equal(second, 404, text.slice(0, 600));
        assert.deepEqual(more, []);
        counts.harmless++;
    });
}

test("where the host ends the path begins", async () => {
    for (const target of ["http://x?/smuggled", "http://x?a=/smuggled", "http://x#/smuggled", "http://x\\/smuggled"]) {
        const text = await exchange(server.port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
        assert.deepEqual(statuses(text), [400], `${target}: ${text.slice(0, 300)}`);
        counts.attempts++;
    }
});

test("every cut of a request that has both gives the same answer", async (t) => {
    const bytes = post(`Content-Length: 4\r\n${CHUNKED}`, "0\r\n\r\n") + smuggled;
    for (let cut = 1; cut < bytes.length; cut += 7) {
        const one = wire(t, server.port);
        await one.send(bytes.slice(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        await one.send(bytes.slice(cut));
        await one.closed;
        assert.deepEqual(one.statuses, [400], `cut at ${cut}`);
        counts.attempts++;
    }
});

test("the counts", () => tell("smuggling", counts));
