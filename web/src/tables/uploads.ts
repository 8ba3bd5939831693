// Files on their way to the server, and the loads they become. A reload of the page and a lost network only interrupt them.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { api, body, type Load } from "../api/client";
import { Problem, problemOf } from "../api/problem";
import { authorized, signedIn } from "../api/session";
import { upload } from "../api/upload";
import { forgetLoad, holdLoad, loads, putLoad, reads, state } from "../live/team";
import { dropFile, dropFiles, keepFile, keptFile } from "./files";
import { dropNote, dropNoteOf, dropNotes, notes, putNote, type Note, type Wanted } from "./notes";

export interface Upload extends Note {
    sent: number;
    state: "sending" | "waiting" | "failed" | "cut"; // waiting: for the network; cut off by a reload, and the file is lost
    problem?: unknown;
    source?: File;
}

/** A file that the server has already: of a load that failed. */
export interface Lent {
    upload: string;
    name: string;
    size: number;
}

const CLOCKS_MS = 120_000; // so far apart may the clocks here and there be
const LOOKED_AT = 100; // of the newest loads
const AGAIN_MS = 5_000;

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

const noteOf = ({ key, table, mode, columns, file, bytes, started, upload }: Note): Note => ({
    key,
    table,
    mode,
    columns,
    file,
    bytes,
    started,
    upload,
});

const noted = (wanted: Wanted, file: string, bytes: number): Note => ({
    ...wanted,
    key: `${Date.now()}-${Math.random().toString(36).slice(2)}`,
    file,
    bytes,
    started: Date.now(),
});

/** The upload has become a load. */
function adopt(note: Note, load: Load): void {
    dropFile(note.key);
    batch(() => {
        holdLoad(load.id);
        if (!loads.value.has(load.id)) putLoad(load); // else the stream was faster, and knows better
        putNote({ ...note, load: load.id });
        put(note.key, undefined);
    });
}

/** The newest load of the note's upload, since it was noted. */
async function loadOf({ upload, started }: Note): Promise<Load | undefined> {
    if (!upload) return undefined;
    const { data } = await body(api.GET("/loads", { params: { query: { limit: LOOKED_AT } } }));
    return data.find((load) => load.upload === upload && new Date(load.created).getTime() > started - CLOCKS_MS);
}

function path({ table, mode }: Wanted): string {
    if (mode === "create") return "/tables";
    return `/tables/${encodeURIComponent(table)}/${mode === "append" ? "rows" : "replace"}`;
}

/** All of it is there. When this was asked for before, and the answer was lost, it is under way or done: an upload is loaded once. */
async function load(note: Note): Promise<Load> {
    const { table, mode, columns, upload } = note;
    const answer = await authorized(
        new Request(path(note), {
            method: "POST",
            headers: { "content-type": "application/json", prefer: "respond-async" },
            body: JSON.stringify({
                ...(mode === "create" && { table_name: table }),
                ...(columns && { columns }),
                upload,
            }),
        }),
    );
    if (answer.ok) return (await answer.json()) as Load;
    const problem = await problemOf(answer);
    const before = problem.code === "upload_in_use" || problem.field("upload") ? await loadOf(note) : undefined;
    if (before) return before;
    throw problem;
}

function wait(key: string): void {
    update(key, { state: "waiting" });
    setTimeout(() => state.value === "open" && goOn(key), AGAIN_MS);
}

async function send(begun: Note, source: File | undefined, sent = 0): Promise<void> {
    const { key } = begun;
    const call = new AbortController();
    let note = begun;
    calls.set(key, call);
    putNote(note);
    put(key, { ...note, source, sent, state: "sending" });
    if (source) keepFile(key, source);
    try {
        if (source)
            await upload(source, {
                upload: note.upload,
                begun: (id) => {
                    note = { ...note, upload: id };
                    putNote(note);
                    update(key, { upload: id });
                },
                sent: (bytes) => update(key, { sent: bytes }),
                signal: call.signal,
            });
        adopt(note, await load(note));
    } catch (problem) {
        if (call.signal.aborted) put(key, undefined);
        else if (problem instanceof Problem) update(key, { state: "failed", problem });
        else wait(key);
    } finally {
        if (calls.get(key) === call) calls.delete(key);
    }
}

/** Once more what waits, or has failed. */
export function goOn(key: string): void {
    const found = kept.value.get(key);
    if (found && !calls.has(key)) void send(noteOf(found), found.source, found.sent);
}

export const startUpload = (wanted: Wanted, file: File) => void send(noted(wanted, file.name, file.size), file);

/** What was tried with a file that the server has is tried in another way. */
export const startLoad = (wanted: Wanted, { upload, name, size }: Lent) =>
    void send({ ...noted(wanted, name, size), upload }, undefined, size);

/** The file of one that was cut off, chosen again; false: it is another one. */
export function continueWith(key: string, file: File): boolean {
    const found = kept.value.get(key);
    if (!found || found.file !== file.name || found.bytes !== file.size) return false;
    void send(noteOf(found), file, found.sent);
    return true;
}

const forgetUpload = (id: string | null | undefined) =>
    id && api.DELETE("/uploads/{id}", { params: { path: { id } } }).catch(() => undefined); // gone, or it will expire

/** Of what the server has of it nothing is kept, unless it is used further. */
export function dismissUpload(key: string, used?: string): void {
    const id = kept.value.get(key)?.upload;
    calls.get(key)?.abort();
    if (id !== used) void forgetUpload(id);
    dropFile(key);
    dropNote(key);
    put(key, undefined);
}

export function dismissLoad(id: string, used?: string): void {
    const load = loads.value.get(id);
    if (load?.state !== "succeeded" && load?.upload !== used) void forgetUpload(load?.upload);
    dropNoteOf(id);
    forgetLoad(id);
}

export async function stopLoad(id: string): Promise<void> {
    await api.DELETE("/loads/{id}", { params: { path: { id } } });
    dismissLoad(id);
}

/** The file of a load that failed, which the server still has. */
export function lentBy({ id, upload, bytes }: Load): Lent | undefined {
    const name = notes.value.find((note) => note.load === id)?.file;
    return upload ? { upload, name: name ?? "The file", size: bytes } : undefined;
}

/** The loads that notes stand for. A good end is told once. */
async function findLoaded(): Promise<void> {
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

/** How much of an upload the server has; 0 also when it has forgotten it. */
async function sentOf({ upload: id }: Note): Promise<number> {
    if (!id) return 0;
    try {
        return (await body(api.GET("/uploads/{id}", { params: { path: { id } } }))).bytes_done;
    } catch (problem) {
        if (problem instanceof Problem && problem.status === 404) return 0;
        throw problem;
    }
}

/** What the page that was here before was sending goes on. */
async function findSending(): Promise<void> {
    for (const note of notes.value) {
        if (note.load || kept.value.has(note.key)) continue;
        const before = await loadOf(note);
        const file = before ? undefined : await keptFile(note.key);
        const sent = before ? 0 : await sentOf(note);
        if (kept.value.has(note.key)) continue;
        if (before) adopt(note, before);
        else if (file || (note.upload && sent === note.bytes)) void send(note, file, sent);
        else put(note.key, { ...note, sent, state: "cut" });
    }
}

function forgetAll(): void {
    for (const call of calls.values()) call.abort();
    dropNotes();
    dropFiles();
    kept.value = new Map();
}

effect(() => {
    if (!signedIn.value) untracked(forgetAll);
});
effect(() => {
    if (reads.value === 0) return;
    const find = () => findLoaded().then(findSending);
    untracked(() => void find().catch(() => undefined)); // the next start of the stream looks again
});
effect(() => {
    if (state.value !== "open") return;
    untracked(() => {
        for (const { key, state: how } of uploads.value) if (how === "waiting") goOn(key);
    });
});
addEventListener("beforeunload", (event) => {
    if (calls.size > 0) event.preventDefault(); // the browser asks whether to leave: a tab that is closed forgets them
});
