// What the team has, as it is now: read once, then kept up by the stream of its log and its signals. No polling.
import { batch, computed, signal, type Signal } from "@preact/signals";
import type { EventSourceMessage } from "eventsource-parser";
import { all, api, body } from "../api/client";
import type { Channel, Job, Load, LogEvent, Run, Table, View } from "../api/client";
import { Problem } from "../api/problem";
import { Stream, type StreamState } from "../api/stream";
import { Gather } from "./gather";

type Kept<K, T> = Signal<ReadonlyMap<K, T>>;

export const tables: Kept<string, Table> = signal(new Map());
export const views: Kept<string, View> = signal(new Map());
export const jobs: Kept<number, Job> = signal(new Map());
export const channels: Kept<string, Channel> = signal(new Map());
/** Loads under way, by id, and the newest that have ended; held ones stay until they are forgotten. */
export const loads: Kept<string, Load> = signal(new Map());
/** Runs under way, by id. */
export const running: Kept<string, Run> = signal(new Map());
/** Streams open on each channel. */
export const listeners: Kept<string, number> = signal(new Map());
/** The newest events of the log, newest first. */
export const recent = signal<readonly LogEvent[]>([]);
export const ready = signal(false);
/** How often all of it was read. When it rises, what a page has read itself is old too: the log did not tell all. */
export const reads = signal(0);
export const failed = signal<unknown>(null);
export const state = signal<StreamState>("closed");
export const empty = computed(() => ready.value && tables.value.size === 0 && views.value.size === 0);

const RECENT_MAX = 200;
const ENDED_MAX = 20;
const held = new Set<string>();
const gather = new Gather(120, 4);
let stream: Stream | undefined;

function put<K, T>(kept: Kept<K, T>, key: K, value: T | undefined): void {
    const next = new Map(kept.value);
    if (value === undefined) next.delete(key);
    else next.set(key, value);
    kept.value = next;
}

export const putTable = (table: Table) => put(tables, table.table_name ?? "", table);
export const putView = (view: View) => put(views, view.view_name ?? "", view);
export const putJob = (job: Job) => put(jobs, job.id, job);
export const putChannel = (channel: Channel) => put(channels, channel.public_identifier ?? "", channel);
export const holdLoad = (id: string) => void held.add(id);
export function putLoad(load: Load): void {
    const next = new Map(loads.value);
    next.delete(load.id); // the newest is the last
    next.set(load.id, load);
    const ended = [...next.values()].filter(({ id, state }) => state !== "running" && !held.has(id));
    for (const { id } of ended.slice(0, -ENDED_MAX)) next.delete(id);
    loads.value = next;
}
export function forgetLoad(id: string): void {
    held.delete(id);
    put(loads, id, undefined);
}
export const dropTable = (name: string) => put(tables, name, undefined);
export const dropView = (name: string) => put(views, name, undefined);
export const dropJob = (id: number) => put(jobs, id, undefined);
export const dropChannel = (id: string) => put(channels, id, undefined);

/** Reads one thing anew; one that is gone is forgotten. */
async function renew<K, T>(kept: Kept<K, T>, key: K, read: () => Promise<T>): Promise<void> {
    try {
        put(kept, key, await read());
    } catch (problem) {
        if (!(problem instanceof Problem) || problem.status !== 404) throw problem;
        put(kept, key, undefined);
    }
}

const renewTable = (name: string) =>
    renew(tables, name, () => body(api.GET("/tables/{name}", { params: { path: { name } } })));
const renewView = (name: string) =>
    renew(views, name, () => body(api.GET("/views/{name}", { params: { path: { name } } })));
const renewJob = (id: number) =>
    renew(jobs, id, () => body(api.GET("/jobs/{id}", { params: { path: { id: String(id) } } })));
const renewChannel = (id: string) =>
    renew(channels, id, () => body(api.GET("/channels/{id}", { params: { path: { id } } })));

function renewJobsOf(view: string): void {
    for (const job of jobs.value.values())
        if (job.view_name === view) gather.ask(`job ${job.id}`, () => renewJob(job.id));
}

/** What an event of the log makes old. */
function renewAfter({ type, subject }: { type: string; subject: string }): void {
    const [kind, what] = type.split(".");
    if (what === "deleted") return forget(kind ?? "", subject);
    if (kind === "table") gather.ask(`table ${subject}`, () => renewTable(subject));
    if (kind === "view" || kind === "run") {
        gather.ask(`view ${subject}`, () => renewView(subject));
        renewJobsOf(subject);
    }
    if (kind === "job") gather.ask(`job ${subject}`, () => renewJob(Number(subject)));
    if (kind === "channel") gather.ask(`channel ${subject}`, () => renewChannel(subject));
    if (what === "created") gather.ask("dependents", renewDependents);
}

function forget(kind: string, subject: string): void {
    if (kind === "table") dropTable(subject);
    if (kind === "view") dropView(subject);
    if (kind === "job") dropJob(Number(subject));
    if (kind === "channel") dropChannel(subject);
    gather.ask("dependents", renewDependents);
}

/** Who reads whom is told by all that is read. */
async function renewDependents(): Promise<void> {
    await Promise.all([readTables(), readViews()]);
}

type Signalled =
    | { kind: "missed" } // there was no room for some: what is true now must be asked for
    | { kind: "listeners"; channel: string; listeners: number }
    | { kind: "load"; load: Load }
    | { kind: "run"; job: number | null; run: Run };

const takeRun = (run: Run) => put(running, run.id ?? "", run.outcome === "running" ? run : undefined);

function takeSignal(told: Signalled): void {
    if (told.kind === "missed") void readAll();
    if (told.kind === "listeners") put(listeners, told.channel, told.listeners);
    if (told.kind === "load") putLoad(told.load);
    if (told.kind === "run") {
        const { job, run } = told;
        takeRun(run);
        if (job) gather.ask(`job ${job}`, () => renewJob(job));
    }
}

function take(message: EventSourceMessage): void {
    if (message.event === "stream-open") {
        // What happens from here on is told; of what was missed the log is caught up, but not the signals.
        if (!stream?.lastId) void readAll();
        else gather.ask("channels", readChannels);
        return;
    }
    if (message.event === "stream-reset") return void readAll();
    if (message.event === "signal") return takeSignal(JSON.parse(message.data) as Signalled);
    if (message.event && message.event !== "message") return;
    const event = JSON.parse(message.data) as LogEvent;
    batch(() => {
        recent.value = [event, ...recent.value].slice(0, RECENT_MAX);
        if (event.type.startsWith("run.")) takeRun(event.data as Run);
        if (event.type.startsWith("load.")) putLoad(event.data as Load);
        renewAfter({ type: event.type ?? "", subject: event.subject ?? "" });
    });
}

function mapped<K, T>(list: T[], key: (item: T) => K): ReadonlyMap<K, T> {
    return new Map(list.map((item) => [key(item), item]));
}

async function readTables(): Promise<void> {
    const list = await all((after) => body(api.GET("/tables", { params: { query: { limit: 1000, after } } })));
    tables.value = mapped(list, (table) => table.table_name ?? "");
}

async function readViews(): Promise<void> {
    const list = await all((after) => body(api.GET("/views", { params: { query: { limit: 1000, after } } })));
    views.value = mapped(list, (view) => view.view_name ?? "");
}

async function readJobs(): Promise<void> {
    const list = await all((after) => body(api.GET("/jobs", { params: { query: { limit: 1000, after } } })));
    jobs.value = mapped(list, (job) => job.id);
}

async function readChannels(): Promise<void> {
    const list = await all((after) => body(api.GET("/channels", { params: { query: { limit: 1000, after } } })));
    batch(() => {
        channels.value = mapped(list, (channel) => channel.public_identifier ?? "");
        listeners.value = new Map(); // what the list says is newer
    });
}

/** Those that were under way when this was last known, and are no more, have ended meanwhile. */
async function readLoads(): Promise<void> {
    const list = await all((after) =>
        body(api.GET("/loads", { params: { query: { state: "running", limit: 1000, after } } })),
    );
    const ended = [...loads.value.values()].filter(
        ({ id, state }) => state === "running" && !list.some((load) => load.id === id),
    );
    for (const load of list) putLoad(load);
    for (const { id } of ended)
        await renew(loads, id, () => body(api.GET("/loads/{id}", { params: { path: { id } } })));
}

async function readAll(): Promise<void> {
    batch(() => (running.value = listeners.value = new Map()));
    try {
        await Promise.all([readTables(), readViews(), readJobs(), readChannels(), readLoads()]);
        batch(() => {
            ready.value = true;
            reads.value++;
            failed.value = null;
        });
    } catch (problem) {
        failed.value = problem;
    }
}

/** While somebody is signed in. */
export function follow(): void {
    if (stream) return;
    stream = new Stream("/events/listen/?signals=true", {
        message: take,
        state: (now) => (state.value = now),
        refused: (problem) => (failed.value = problem),
    });
}

export function unfollow(): void {
    stream?.close();
    stream = undefined;
    gather.clear();
    batch(() => {
        tables.value = views.value = new Map();
        jobs.value = new Map();
        channels.value = new Map();
        loads.value = new Map();
        held.clear();
        running.value = new Map();
        listeners.value = new Map();
        recent.value = [];
        ready.value = false;
        failed.value = null;
    });
}

/** Cuts the stream as a lost network does; for showing that nothing is lost. */
export function cutStream(): void {
    stream?.cut();
}
