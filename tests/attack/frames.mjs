// HTTP/2 frame by frame: whatever a peer could put on the wire, and what comes back.
import { until } from "../api/harness.mjs";
import { Wire } from "./wire.mjs";

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;

export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const FLOW_CONTROL_ERROR = 3;
export const CALM_DOWN = 11;

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function frame(type, flags, id, payload = Buffer.alloc(0)) {
    const out = Buffer.alloc(9 + payload.length);
    out.writeUIntBE(payload.length, 0, 3);
    out[3] = type;
    out[4] = flags;
    out.writeUInt32BE(id, 5);
    payload.copy(out, 9);
    return out;
}

export function u32(n) {
    const out = Buffer.alloc(4);
    out.writeUInt32BE(n >>> 0);
    return out;
}

export const settings = (...pairs) =>
    frame(
        SETTINGS,
        0,
        0,
        Buffer.concat(
            pairs.map(([id, value]) => {
                const pair = Buffer.alloc(6);
                pair.writeUInt16BE(id);
                pair.writeUInt32BE(value, 2);
                return pair;
            }),
        ),
    );
export const settingsAck = frame(SETTINGS, ACK, 0);
export const reset = (id, code = 8) => frame(RST_STREAM, 0, id, u32(code));
export const widen = (id, by) => frame(WINDOW_UPDATE, 0, id, u32(by));

/** An integer of HPACK behind the bits of `first`. */
function integer(first, bits, n) {
    const most = (1 << bits) - 1;
    if (n < most) return Buffer.from([first | n]);
    const out = [first | most];
    for (n -= most; n >= 128; n = Math.floor(n / 128)) out.push((n % 128) | 128);
    return Buffer.from([...out, n]);
}

function text(value) {
    const bytes = Buffer.from(value, "latin1");
    return Buffer.concat([integer(0, 7, bytes.length), bytes]);
}

export const indexed = (n) => integer(0x80, 7, n);
/** A header as it is; `kept` puts it into the peer's table. */
export const field = (name, value, kept = false) =>
    Buffer.concat([Buffer.from([kept ? 0x40 : 0]), text(name), text(value)]);
export const fields = (pairs) => Buffer.concat(pairs.map(([name, value]) => field(name, value)));

export const request = (path = "/health", { method = "GET", authority = "localhost", more = [] } = {}) =>
    fields([[":method", method], [":scheme", "http"], [":path", path], [":authority", authority], ...more]);

export const headers = (id, block, flags = END_STREAM | END_HEADERS) => frame(HEADERS, flags, id, block);
export const get = (id, path, options) => headers(id, request(path, options));

export class Session extends Wire {
    constructor(port, { first = [[3, 100]], greet = true, ...options } = {}) {
        super(port, options);
        this.rest = Buffer.alloc(0);
        this.frames = [];
        if (greet) this.socket.write(Buffer.concat([preface, settings(...first)]));
    }

    take(piece) {
        this.rest = Buffer.concat([this.rest, piece]);
        while (this.rest.length >= 9) {
            const size = this.rest.readUIntBE(0, 3);
            if (this.rest.length < 9 + size) return;
            this.frames.push({
                type: this.rest[3],
                flags: this.rest[4],
                id: this.rest.readUInt32BE(5),
                payload: this.rest.subarray(9, 9 + size),
            });
            this.rest = this.rest.subarray(9 + size);
        }
    }

    of(type, id) {
        return this.frames.filter((one) => one.type === type && (id === undefined || one.id === id));
    }

    /** The code of the last GOAWAY. */
    get goaway() {
        return this.of(GOAWAY).at(-1)?.payload.readUInt32BE(4);
    }

    resetOf(id) {
        return this.of(RST_STREAM, id)[0]?.payload.readUInt32BE(0);
    }

    body(id) {
        return Buffer.concat(this.of(DATA, id).map((one) => one.payload)).toString();
    }

    ended(id) {
        return this.frames.some((one) => one.id === id && one.type <= HEADERS && one.flags & END_STREAM);
    }

    /** Waits for the end of a stream, however it comes: its body, its reset's code, or the end of the connection. */
    async outcome(id) {
        await until(() => this.gone || this.ended(id) || this.resetOf(id) !== undefined, `an end of stream ${id}`);
        return this.ended(id)
            ? { body: this.body(id) }
            : { reset: this.resetOf(id), goaway: this.goaway, closed: Boolean(this.gone) };
    }

    /** The server has had enough: GOAWAY or the end of the connection. */
    stopped(what = "the server to end the session") {
        return until(() => this.gone || this.goaway !== undefined, what);
    }
}

export function session(t, port, options) {
    const made = new Session(port, options);
    t.after(() => made.close());
    return made;
}
