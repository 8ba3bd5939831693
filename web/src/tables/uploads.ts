// Files on their way to the server, and the loads they become: also those that a reload of the page has cut off.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { api, body, type Load } from "../api/client";
import { Problem } from "../api/problem";
import { signedIn } from "../api/session";
import { upload } from "../api/upload";
import { forgetLoad, holdLoad, loads, putLoad, reads } from "../live/team";
import { dropNote, dropNoteOf, dropNotes, noted, notes, putNote, type Note, type Wanted } from "./notes";

export interface Upload extends Note {
    sent: number;
    state: "sending" | "failed" | "cut"; // cut off by a reload
    problem?: unknown;
    source?: File;
}

const CLOCKS_MS = 120_000; // so far apart may the clocks here and there be
const LOOKED_AT = 100; // of the newest loads

/** The files of loads that this page began, as long as it is not reloaded: one that does not fit is tried again with other types. */
const sources = new Map<string, { file: File; columns: Wanted["columns"] }>();

const kept = signal<ReadonlyMap<string, Upload>>(new Map());
const calls = new Map<string, AbortController>();

export const uploads = computed(() => [...kept.value.values()]);

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

/** The upload has become a load. */
function adopt(note: Note, load: Load): void {
    batch(() => {
        holdLoad(load.id);
        if (!loads.value.has(load.id)) putLoad(load); // else the stream was faster, and knows better
        putNote({ ...note, load: load.id });
        put(note.key, undefined);
    });
}

async function send(note: Note, source: File): Promise<void> {
    const { key } = note;
    const call = new AbortController();
    calls.set(key, call);
    putNote(note);
    put(key, { ...note, source, sent: 0, state: "sending" });
    try {
        const { body: load } = await upload<Load>(path(note), form(note, source), {
            sent: (bytes) => update(key, { sent: Math.min(bytes, note.bytes) }),
            signal: call.signal,
            headers: { prefer: "respond-async" },
        });
        sources.set(load.id, { file: source, columns: note.columns });
        adopt(note, load);
    } catch (problem) {
        dropNote(key);
        if (call.signal.aborted) put(key, undefined);
        else update(key, { state: "failed", problem });
    } finally {
        calls.delete(key);
    }
}

export function startUpload(wanted: Wanted, file: File): void {
    const key = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    void send({ ...wanted, key, file: file.name, bytes: file.size, started: Date.now() }, file);
}

/** Once more with the same file. */
export function retryUpload({ key, table, mode, columns, file, bytes, source }: Upload): void {
    if (source) void send({ key, table, mode, columns, file, bytes, started: Date.now() }, source);
}

export const stopUpload = (key: string) => calls.get(key)?.abort();

export function dismissUpload(key: string): void {
    dropNote(key);
    put(key, undefined);
}

export const sourceOf = (load: string) => sources.get(load);

export function dismissLoad(id: string): void {
    sources.delete(id);
    dropNoteOf(id);
    forgetLoad(id);
}

export async function stopLoad(id: string): Promise<void> {
    await api.DELETE("/loads/{id}", { params: { path: { id } } });
    dismissLoad(id);
}

/** The loads that notes stand for. A good end is told once. */
async function findNoted(): Promise<void> {
    for (const note of notes.value) {
        if (!note.load || loads.value.has(note.load)) continue;
        try {
            const load = await body(api.GET("/loads/{id}", { params: { path: { id: note.load } } }));
            const age = Date.now() - new Date(load.finished ?? Date.now()).getTime();
            if (load.state === "succeeded" && age > CLOCKS_MS) dropNote(note.key);
            else adopt(note, load);
        } catch (problem) {
            if (!(problem instanceof Problem) || problem.status !== 404) throw problem;
            dropNote(note.key);
        }
    }
}

const becameOf = (note: Note, { id, table_name, mode, bytes, created }: Load) =>
    !noted.value.has(id) &&
    table_name === note.table &&
    mode === note.mode &&
    bytes === note.bytes &&
    new Date(created).getTime() > note.started - CLOCKS_MS;

/** Uploads without an answer: the server may have had all of it before the page went, else they were cut off. */
async function findCut(): Promise<void> {
    const open = notes.value.filter(({ key, load }) => !load && !kept.value.has(key));
    if (open.length === 0) return;
    const { data } = await body(api.GET("/loads", { params: { query: { limit: LOOKED_AT } } }));
    for (const note of open) {
        const load = data.find((one) => becameOf(note, one));
        if (load) adopt(note, load);
        else put(note.key, { ...note, sent: 0, state: "cut" });
    }
}

function forgetAll(): void {
    for (const call of calls.values()) call.abort();
    dropNotes();
    sources.clear();
    kept.value = new Map();
}

effect(() => {
    if (!signedIn.value) untracked(forgetAll);
});
effect(() => {
    if (reads.value === 0) return;
    const find = () => findNoted().then(findCut);
    untracked(() => void find().catch(() => undefined)); // the next start of the stream looks again
});
addEventListener("beforeunload", (event) => {
    if (calls.size > 0) event.preventDefault(); // the browser asks whether to leave
});
