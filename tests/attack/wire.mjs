// Raw connections: bytes in, bytes out, one at a time or many, for what polite clients would never send.
import net from "node:net";
import { slow, until, within } from "../api/harness.mjs";

/** Everything at full length unless ATTACK=short. */
export const short = process.env.ATTACK === "short";

export class Wire {
    /** `keep` of false counts what comes without keeping it. */
    constructor(port, { keep = true, allowHalfOpen = false } = {}) {
        this.pieces = [];
        this.received = 0;
        this.socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen });
        this.socket.on("error", (problem) => (this.problem = problem));
        this.socket.on("data", (piece) => {
            this.received += piece.length;
            if (keep) this.take(piece);
        });
        this.socket.once("end", () => (this.ended = true));
        this.closed = new Promise((resolve) => this.socket.once("close", () => resolve((this.gone = Date.now()))));
        this.opened = new Promise((resolve) => {
            this.socket.once("connect", () => resolve(true));
            this.closed.then(() => resolve(false));
        });
    }

    take(piece) {
        this.pieces.push(piece);
    }

    get text() {
        return Buffer.concat(this.pieces).toString("latin1");
    }

    get statuses() {
        return statuses(this.text);
    }

    /** Writes and waits until the kernel has taken it, or the connection is gone. */
    async send(bytes) {
        if (this.gone || this.socket.destroyed) return false;
        if (this.socket.write(bytes)) return true;
        await Promise.race([new Promise((resolve) => this.socket.once("drain", resolve)), this.closed]);
        return !this.gone;
    }

    /** Writes the pieces one by one, `every` ms apart, until they are all sent or the connection is gone. */
    async drip(pieces, every) {
        for (const piece of pieces) {
            if (!(await this.send(piece))) return;
            await Promise.race([new Promise((resolve) => setTimeout(resolve, every)), this.closed]);
        }
    }

    close() {
        this.socket.destroy();
        return this.closed;
    }
}

export const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => Number(found[1]));

export function wire(t, port, options) {
    const made = new Wire(port, options);
    t.after(() => made.close());
    return made;
}

/** Sends bytes on a fresh connection; what came until the server closed it, or `enough` says so. */
export async function exchange(port, bytes, enough = () => false) {
    const made = new Wire(port);
    try {
        for (const piece of [bytes].flat()) await made.send(piece);
        await until(() => made.gone || enough(made.text), `an end to ${JSON.stringify(String(bytes)).slice(0, 200)}`);
        return made.text;
    } finally {
        made.close();
    }
}

/** The seconds from now to the moment the server closes the connection. */
export async function secondsToClose(made, most) {
    const began = Date.now();
    await within((most * 1_000) / slow + 1_000, made.closed, "the server to close");
    return (made.gone - began) / 1_000;
}

export const head = (method, path, headers = {}) =>
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join("")}\r\n`;
