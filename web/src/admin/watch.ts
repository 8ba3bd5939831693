// The present of the server as its stream tells it: what is running, and each line of the log.
import { batch, signal } from "@preact/signals";
import type { EventSourceMessage } from "eventsource-parser";
import { all, api, body, type LogLine, type Processes, type RunningQuery } from "../api/client";
import { Stream, type StreamState } from "../api/stream";

export interface Status extends Processes {
    queries: RunningQuery[];
    atMs: number; // when it came
}

const LINES_MAX = 1_000;
const LINES_READ = 500;
const SOON_MS = 1_000;

type Old = "lists" | "names";

export class Watch {
    readonly status = signal<Status | null>(null);
    readonly lines = signal<readonly LogLine[]>([]); // newest first
    readonly state = signal<StreamState>("connecting");
    readonly problem = signal<unknown>(null);
    /** Names of teams by id, as far as they were read. */
    readonly names = signal<ReadonlyMap<string, string>>(new Map());
    /** Rises when what a list shows may be another: something was added to the log of a team. */
    readonly lists = signal(0);
    private readonly stream: Stream;
    private readonly timers = new Map<Old, number>();
    private readonly sought = new Set<string>();

    constructor() {
        this.stream = new Stream("/admin/listen/", {
            message: (message) => this.take(message),
            state: (state) => (this.state.value = state),
            refused: (problem) => (this.problem.value = problem),
        });
    }

    close(): void {
        this.stream.close();
        this.timers.forEach((timer) => clearTimeout(timer));
    }

    private take({ event, data }: EventSourceMessage): void {
        if (event === "stream-open") void this.read();
        if (event === "status") this.look(JSON.parse(data) as Omit<Status, "atMs">);
        if (event === "log") this.hear(JSON.parse(data) as LogLine);
    }

    private look(now: Omit<Status, "atMs">): void {
        const before = this.status.value?.server.events;
        this.status.value = { ...now, atMs: Date.now() };
        if (before !== undefined && before !== now.server.events) this.soon("lists");
    }

    /** The stream tells what comes; what was before is asked for, also when the server is another one now. */
    private async read(): Promise<void> {
        try {
            const { data } = await body(api.GET("/admin/log", { params: { query: { limit: LINES_READ } } }));
            batch(() => {
                this.lines.value = [...data].reverse();
                this.lists.value++;
            });
            await this.readNames();
        } catch (problem) {
            this.problem.value = problem;
        }
    }

    /** A team that is new: its name is read once more. */
    seek(team: string): void {
        if (this.sought.has(team) || this.names.value.has(team)) return;
        this.sought.add(team);
        this.soon("names");
    }

    private async readNames(): Promise<void> {
        const teams = await all((after) =>
            body(api.GET("/admin/teams", { params: { query: { limit: 1000, after } } })),
        );
        this.names.value = new Map(teams.map(({ id, name }) => [id, name]));
    }

    private hear(line: LogLine): void {
        const last = this.lines.value[0]?.n ?? 0;
        if (line.n > last) this.lines.value = [line, ...this.lines.value].slice(0, LINES_MAX);
    }

    /** Many lines make a list old once. */
    private soon(list: Old): void {
        if (this.timers.has(list)) return;
        const timer = window.setTimeout(() => {
            this.timers.delete(list);
            if (list === "names") void this.readNames().catch(() => undefined);
            else this.lists.value++;
        }, SOON_MS);
        this.timers.set(list, timer);
    }
}
