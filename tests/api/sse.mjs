// A reader of text/event-stream over fetch: collects every block with its id, and waits for the next one asked for.
import assert from "node:assert/strict";
import { within } from "./harness.mjs";

export class Listener {
    constructor(url, { token, lastEventId, headers = {} } = {}) {
        this.url = url;
        this.events = [];
        this.comments = [];
        this.text = "";
        this.at = 0;
        this.waiting = new Set();
        this.abort = new AbortController();
        this.headers = { accept: "text/event-stream", ...headers };
        if (token) this.headers.authorization = `JWT ${token}`;
        if (lastEventId !== undefined) this.headers["last-event-id"] = lastEventId;
    }

    async open() {
        const answer = await fetch(this.url, { headers: this.headers, signal: this.abort.signal });
        this.status = answer.status;
        this.answer = answer;
        if (answer.status !== 200) {
            this.body = await answer.json().catch(() => undefined);
            return this;
        }
        this.ended = this.read(answer.body.getReader());
        return this;
    }

    async read(reader) {
        const decoder = new TextDecoder();
        let rest = "";
        try {
            for (;;) {
                const { done, value } = await reader.read();
                if (done) break;
                const text = decoder.decode(value, { stream: true });
                this.text += text;
                const blocks = (rest + text).split("\n\n");
                rest = blocks.pop();
                for (const block of blocks) this.take(block);
            }
            this.end = "closed";
        } catch (problem) {
            this.end = problem.name === "AbortError" ? "aborted" : "broken";
        }
        this.wake();
        return this.end;
    }

    take(block) {
        const event = { event: "message", data: [] };
        let named = false;
        for (const line of block.split("\n")) {
            const colon = line.indexOf(":");
            const name = colon < 0 ? line : line.slice(0, colon);
            const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
            if (colon === 0) {
                this.comments.push(line);
                continue;
            }
            named = true;
            if (name === "data") event.data.push(value);
            else event[name] = value;
        }
        if (!named) return;
        event.text = event.data.join("\n");
        event.data = event.text ? JSON.parse(event.text) : undefined;
        this.events.push(event);
        this.wake();
    }

    wake() {
        for (const resolve of this.waiting) resolve();
        this.waiting.clear();
    }

    /** The next event, in order, of a type (and one that `where` accepts); those before it are passed over. */
    async next(type = "message", where = () => true, ms = 15_000) {
        const found = this.search(type, where);
        return within(ms, found, `an event of type ${type} on ${this.url}; got ${this.text.slice(-2_000).trim()}`);
    }

    async search(type, where) {
        for (;;) {
            while (this.at < this.events.length) {
                const event = this.events[this.at++];
                if (event.event === type && where(event)) return event;
            }
            if (this.end)
                throw new Error(`the stream ${this.url} was ${this.end} before an event of type ${type} came`);
            await new Promise((resolve) => this.waiting.add(resolve));
        }
    }

    /** All messages so far. */
    messages(type = "message") {
        return this.events.filter((event) => event.event === type);
    }

    async closed(ms = 15_000) {
        return within(ms, this.ended, `the end of the stream ${this.url}`);
    }

    async close() {
        this.abort.abort();
        await this.ended;
    }
}

/** Opens a stream, which must answer `status`, and waits until it is open; `t` closes it when the test ends. */
export async function listen(t, url, { status = 200, ...options } = {}) {
    const listener = new Listener(url, options);
    t.after(() => listener.close());
    await within(15_000, listener.open(), `an answer of ${url}`);
    assert.equal(listener.status, status, `${url} answered ${listener.status}: ${JSON.stringify(listener.body)}`);
    if (listener.status === 200) await listener.next("stream-open");
    return listener;
}
