// A stream of Server-Sent Events that holds on: it comes back after a break and goes on behind the last id it has.
//
// Read with fetch, not EventSource: so it can send the access token as a header, and see why it was refused.
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { Problem, problemOf } from "./problem";
import { access, accessAfter } from "./session";

export type StreamState = "connecting" | "open" | "waiting" | "closed";

export interface StreamCalls {
    message: (message: EventSourceMessage) => void;
    state?: (state: StreamState) => void;
    /** It is over: the server refuses for good (no such channel, signed out). */
    refused?: (problem: Problem) => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const SILENCE_MS = 45_000; // the server says something every 20 s
const HIDDEN_MS = 30_000; // a page that nobody sees lets its connection go: over HTTP/1.1 a browser has six of them

export class Stream {
    lastId: string | undefined;
    private abort: AbortController | undefined;
    private over = false;
    private waitMs = FIRST_WAIT_MS;
    private wake: (() => void) | undefined;
    private asleep = false;
    private sleepTimer = 0;

    constructor(
        private readonly path: string,
        private readonly calls: StreamCalls,
        lastId?: string,
    ) {
        this.lastId = lastId;
        addEventListener("online", this.hurry);
        document.addEventListener("visibilitychange", this.seen);
        void this.run();
    }

    close(): void {
        this.over = true;
        removeEventListener("online", this.hurry);
        document.removeEventListener("visibilitychange", this.seen);
        clearTimeout(this.sleepTimer);
        this.abort?.abort();
        this.wake?.();
        this.tell("closed");
    }

    /** Cuts the connection, as a lost network does; it comes back by itself. */
    cut(): void {
        this.abort?.abort();
    }

    private readonly hurry = () => this.wake?.();
    private readonly seen = () => {
        clearTimeout(this.sleepTimer);
        if (document.hidden) {
            this.sleepTimer = window.setTimeout(() => {
                this.asleep = true;
                this.abort?.abort();
            }, HIDDEN_MS);
        } else if (this.asleep) {
            this.asleep = false;
            this.wake?.();
        }
    };
    private tell(state: StreamState): void {
        this.calls.state?.(state);
    }

    private async run(): Promise<void> {
        while (!this.over) {
            while (this.asleep && !this.over) await this.pause();
            if (this.over) return;
            this.tell("connecting");
            try {
                await this.read();
            } catch (problem) {
                const gone = problem instanceof Problem && problem.status >= 400 && problem.status < 500;
                if (gone && problem.status !== 429) {
                    this.over = true;
                    this.tell("closed");
                    this.calls.refused?.(problem);
                    return;
                }
            }
            if (this.over) return;
            this.tell("waiting");
            await this.pause();
        }
    }

    private async open(signal: AbortSignal): Promise<Response> {
        const ask = (token: string | null) =>
            fetch(this.path, {
                signal,
                cache: "no-store",
                headers: {
                    accept: "text/event-stream",
                    ...(token ? { authorization: `Bearer ${token}` } : {}),
                    ...(this.lastId ? { "last-event-id": this.lastId } : {}),
                },
            });
        const token = await access();
        const answer = await ask(token);
        if (answer.status !== 401 || !token) return answer;
        return ask(await accessAfter(token));
    }

    private async read(): Promise<void> {
        const abort = (this.abort = new AbortController());
        const answer = await this.open(abort.signal);
        if (!answer.ok || !answer.body) throw await problemOf(answer);
        const parser = createParser({
            onEvent: (message) => this.take(message),
            onRetry: (ms) => (this.waitMs = Math.max(ms, FIRST_WAIT_MS)),
        });
        let silence = 0;
        const heard = () => {
            clearTimeout(silence);
            silence = window.setTimeout(() => abort.abort(), SILENCE_MS);
        };
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        try {
            heard();
            for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
                heard();
                parser.feed(value ?? "");
            }
        } finally {
            clearTimeout(silence);
            abort.abort();
        }
    }

    private take(message: EventSourceMessage): void {
        if (message.event === "stream-open") {
            this.waitMs = FIRST_WAIT_MS;
            this.tell("open");
        }
        if (message.id && message.event !== "stream-error") this.lastId = message.id;
        if (message.event !== "keep-alive") this.calls.message(message);
    }

    private pause(): Promise<void> {
        const ms = this.waitMs * (0.75 + Math.random() / 2);
        this.waitMs = Math.min(this.waitMs * 2, LONGEST_WAIT_MS);
        return new Promise((resolve) => {
            const timer = this.asleep ? 0 : setTimeout(resolve, ms);
            this.wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }
}
