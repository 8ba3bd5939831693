// Files on their way to the server, and the loads they became. A note of each is kept in this tab, so that a reload of the
// page finds them: loads go on without it, and an upload that it cut off says so.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { api, body, type Column, type Load } from "../api/client";
import { Problem } from "../api/problem";
import { signedIn } from "../api/session";
import { upload } from "../api/upload";
import { forgetLoad, loads, putLoad, reads } from "../live/team";
import { to } from "../router";

export type Mode = "create" | "append" | "replace";

/** What is to be done with a file. */
export interface Wanted {
    table: string;
    mode: Mode;
    columns: Column[] | null; // null: inferred, or as the table has them
}

interface Note extends Wanted {
    key: string;
    file: string; // its name
    bytes: number;
    started: number;
    load?: string; // what it became
}

export interface Upload extends Note {
    sent: number;
    state: "sending" | "failed" | "cut"; // cut off by a reload
    problem?: unknown;
    source?: File;
}

const KEY = "tinydevcrm.uploads";
const CLOCKS_MS = 120_000; // so far apart may the clocks here and there be
const LOOKED_AT = 100; // of the newest loads

const notes = signal<readonly Note[]>(readNotes());
const kept = signal<ReadonlyMap<string, Upload>>(new Map());
const calls = new Map<string, AbortController>();

export const uploads = computed(() => [...kept.value.values()]);
/** Loads to be shown: whatever is under way, and what this tab began and has not dismissed. */
export const shownLoads = computed(() => {
    const own = new Set(notes.value.map(({ load }) => load));
    return [...loads.value.values()].filter(({ id, state }) => state === "running" || own.has(id));
});
export const fileOf = (load: Load) => notes.value.find((note) => note.load === load.id)?.file;

function readNotes(): Note[] {
    try {
        const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
        return Array.isArray(found) ? (found as Note[]) : [];
    } catch {
        return [];
    }
}

function keepNotes(next: readonly Note[]): void {
    notes.value = next;
    try {
        sessionStorage.setItem(KEY, JSON.stringify(next));
    } catch {
        // no room: a reload will not know of them
    }
}

function change(key: string, how: Partial<Note>): void {
    keepNotes(notes.value.map((note) => (note.key === key ? { ...note, ...how } : note)));
}

function put(key: string, found: Upload | undefined): void {
    const next = new Map(kept.value);
    if (found) next.set(key, found);
    else next.delete(key);
    kept.value = next;
}

function update(key: string, how: Partial<Upload>): void {
    const found = kept.value.get(key);
    if (found) put(key, { ...found, ...how });
}

function path({ table, mode }: Wanted): string {
    if (mode === "create") return "/tables";
    return `/tables/${encodeURIComponent(table)}/${mode === "append" ? "rows" : "replace"}`;
}

function form({ table, mode, columns }: Wanted, file: File): FormData {
    const data = new FormData();
    if (mode === "create") data.append("table_name", table);
    if (columns) data.append("columns", JSON.stringify(columns));
    data.append("file", file);
    return data;
}

const forgetNote = (key: string) => keepNotes(notes.value.filter((note) => note.key !== key));

async function send(note: Note, source: File): Promise<void> {
    const { key } = note;
    keepNotes([...notes.value.filter((other) => other.key !== key), note]);
    const call = new AbortController();
    calls.set(key, call);
    put(key, { ...note, source, sent: 0, state: "sending" });
    try {
        const { body: load } = await upload<Load>(path(note), form(note, source), {
            sent: (bytes) => update(key, { sent: Math.min(bytes, note.bytes) }),
            signal: call.signal,
            headers: { prefer: "respond-async" },
        });
        batch(() => {
            if (!loads.value.has(load.id)) putLoad(load); // else the stream was faster, and knows better
            change(key, { load: load.id });
            put(key, undefined);
        });
    } catch (problem) {
        forgetNote(key);
        if (call.signal.aborted) put(key, undefined);
        else update(key, { state: "failed", problem });
    } finally {
        calls.delete(key);
    }
}

export function startUpload(wanted: Wanted, file: File): void {
    const key = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    const note: Note = { ...wanted, key, file: file.name, bytes: file.size, started: Date.now() };
    void send(note, file);
}

/** Once more with the same file. */
export function retryUpload({ key, table, mode, columns, file, bytes, source }: Upload): void {
    if (source) void send({ key, table, mode, columns, file, bytes, started: Date.now() }, source);
}

export const stopUpload = (key: string) => calls.get(key)?.abort();

export function dismissUpload(key: string): void {
    forgetNote(key);
    put(key, undefined);
}

export function dismissLoad(id: string): void {
    keepNotes(notes.value.filter((note) => note.load !== id));
    forgetLoad(id);
}

export async function stopLoad(id: string): Promise<void> {
    await api.DELETE("/loads/{id}", { params: { path: { id } } });
    dismissLoad(id);
}

/** The loads that notes stand for. */
async function findNoted(): Promise<void> {
    const ended = notes.value.filter(({ load }) => load && !loads.value.has(load));
    for (const { key, load = "" } of ended) {
        try {
            putLoad(await body(api.GET("/loads/{id}", { params: { path: { id: load } } })));
        } catch (problem) {
            if (problem instanceof Problem && problem.status === 404) dismissUpload(key);
        }
    }
}

/** Uploads without an answer: the server may have had all of it before the page went, else they were cut off. */
async function findCut(): Promise<void> {
    const open = notes.value.filter(({ key, load }) => !load && !kept.value.has(key));
    if (open.length === 0) return;
    const { data } = await body(api.GET("/loads", { params: { query: { limit: LOOKED_AT } } }));
    const taken = new Set(notes.value.map(({ load }) => load));
    for (const note of open) {
        const load = data.find(
            ({ id, table_name, mode, bytes, created }) =>
                !taken.has(id) &&
                table_name === note.table &&
                mode === note.mode &&
                bytes === note.bytes &&
                new Date(created).getTime() > note.started - CLOCKS_MS,
        );
        batch(() => {
            if (load) {
                taken.add(load.id);
                putLoad(load);
                change(note.key, { load: load.id });
            } else put(note.key, { ...note, sent: 0, state: "cut" });
        });
    }
}

function forgetAll(): void {
    for (const call of calls.values()) call.abort();
    keepNotes([]);
    kept.value = new Map();
}

effect(() => {
    if (!signedIn.value) untracked(forgetAll);
});
effect(() => {
    if (reads.value > 0)
        untracked(() => {
            void findNoted()
                .then(findCut)
                .catch(() => undefined); // the next start of the stream looks again
        });
});
addEventListener("beforeunload", (event) => {
    if (calls.size > 0) event.preventDefault(); // the browser asks whether to leave
});

export const tableHref = (name: string) => to("tables", name);
