// Files on their way to the server, and the loads they become. A reload of the page and a lost network only interrupt them.
import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { api, body, type Load } from "../api/client";
import { Problem, problemOf, sentence } from "../api/problem";
import { authorized, who } from "../api/session";
import { upload } from "../api/upload";
import { forgetLoad, holdLoad, loads, putLoad, reads, state } from "../live/team";
import { dropFile, dropFiles, keepFile, keptFile } from "./files";
import { dropNote, dropNoteOf, dropNotes, notes, putNote, type Note, type Wanted } from "./notes";

export interface Upload extends Note {
    sent: number;
    state: "sending" | "waiting" | "failed" | "cut"; // waiting: for the server; cut off by a reload, and the file is lost
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
const AGAIN_MS = 5_000;
const PASSING = [423, 429, 502, 503, 504];

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

function noteOf({ key, table, mode, columns, who, file, bytes, modified, upload, tried }: Note): Note {
    return { key, table, mode, columns, who, file, bytes, modified, upload, tried };
}

const noted = (wanted: Wanted, file: string, bytes: number): Note => ({
    ...wanted,
    key: `${Date.now()}-${Math.random().toString(36).slice(2)}`,
    who: who.value,
    file,
    bytes,
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

/** What has become of the note's upload already. Ids rise with time. */
async function loadOf({ upload, tried = "" }: Note): Promise<Load | undefined> {
    if (!upload) return undefined;
    const { data } = await body(api.GET("/loads", { params: { query: { upload, limit: 1 } } }));
    return data.find(({ id }) => id > tried);
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
    const known = problem.code === "upload_in_use" || problem.field("upload");
    const before = known ? await loadOf(note) : undefined;
    if (before) return before;
    throw problem;
}

const readable = (file: File) =>
    file
        .slice(0, 1)
        .arrayBuffer()
        .then(
            () => true,
            () => false,
        );

function fail(note: Note, problem: unknown): void {
    putNote({ ...note, failed: sentence(problem) });
    update(note.key, { state: "failed", problem });
}

/** What was interrupted goes on later; what was refused does not. */
async function interrupted(note: Note, source: File | undefined, problem: unknown): Promise<void> {
    const refused = problem instanceof Problem && !PASSING.includes(problem.status);
    if (refused || (problem instanceof Error && !(problem instanceof Problem) && !(problem instanceof TypeError)))
        return fail(note, problem);
    if (source && !(await readable(source)))
        return fail(note, new Error("The file was changed or moved since it was chosen. Choose it again."));
    update(note.key, { state: "waiting" });
    const after = problem instanceof Problem ? (problem.retryAfter ?? 0) * 1_000 : 0;
    setTimeout(() => state.value === "open" && goOnWaiting(note.key), Math.max(after, AGAIN_MS));
}

async function sendPieces(note: Note, source: File, signal: AbortSignal): Promise<Note> {
    const begun = (upload: string) => {
        putNote({ ...note, upload });
        update(note.key, { upload });
    };
    const sent = (bytes: number) => update(note.key, { sent: bytes });
    const id = await upload(source, { upload: note.upload, begun, sent, signal });
    return { ...note, upload: id };
}

/** What has become of it, as far as it was begun: of what was interrupted as well. */
const begunOf = (note: Note) => ({ ...note, upload: kept.value.get(note.key)?.upload });

/** From where it is to its load. */
async function goThrough(note: Note, source: File | undefined, signal: AbortSignal): Promise<[Note, Load]> {
    const before = await loadOf(note);
    if (before) return [note, before];
    if (!source) return [note, await load(note)];
    let begun = note;
    try {
        begun = await sendPieces(note, source, signal);
    } catch (problem) {
        if (!(problem instanceof Problem) || problem.status !== 404 || signal.aborted) throw problem;
        const loaded = await loadOf(begunOf(note)); // that is what ends an upload, or else its time
        if (loaded) return [begunOf(note), loaded];
        begun = await sendPieces({ ...note, upload: undefined }, source, signal);
    }
    signal.throwIfAborted();
    return [begun, await load(begun)];
}

/** It was stopped while it was asked for; one that is done already is shown. */
async function stop(note: Note, { id }: Load): Promise<void> {
    try {
        await api.DELETE("/loads/{id}", { params: { path: { id } } });
    } catch {
        adopt(note, await body(api.GET("/loads/{id}", { params: { path: { id } } })));
    }
}

async function send(note: Note, source: File | undefined, sent = 0): Promise<void> {
    const { key } = note;
    const call = new AbortController();
    calls.set(key, call);
    putNote(note);
    put(key, { ...note, source, sent, state: "sending" });
    if (source) keepFile(key, source);
    try {
        const [begun, found] = await goThrough(note, source, call.signal);
        if (!call.signal.aborted) adopt(begun, found);
        else if (who.value === note.who) await stop(begun, found);
    } catch (problem) {
        const now = kept.value.get(key);
        if (!call.signal.aborted && now) await interrupted(noteOf(now), source, problem);
    } finally {
        if (calls.get(key) === call) calls.delete(key);
    }
}

/** Once more what waits, or has failed. */
export function goOn(key: string): void {
    const found = kept.value.get(key);
    if (found && !calls.has(key)) void send(noteOf(found), found.source, found.sent);
}

function goOnWaiting(key: string): void {
    if (kept.value.get(key)?.state === "waiting") goOn(key);
}

export const startUpload = (wanted: Wanted, file: File) =>
    void send({ ...noted(wanted, file.name, file.size), modified: file.lastModified }, file);

/** What was tried with a file that the server has is tried in another way. */
export const startLoad = (wanted: Wanted, { upload, name, size }: Lent, tried?: string) =>
    void send({ ...noted(wanted, name, size), upload, tried }, undefined, size);

/** The file of one that was cut off, chosen again; false: it is another one. */
export function continueWith(key: string, file: File): boolean {
    const found = kept.value.get(key);
    const same = found?.file === file.name && found.bytes === file.size && found.modified === file.lastModified;
    if (found && same) void send(noteOf(found), file, found.sent);
    return same;
}

const forgetUpload = (id: string | null | undefined) =>
    id && api.DELETE("/uploads/{id}", { params: { path: { id } } }).catch(() => undefined); // gone, or it will expire

/** Of what the server has of it nothing is kept, unless it is used further. */
export function dismissUpload(key: string, used?: string): void {
    const id = kept.value.get(key)?.upload;
    calls.get(key)?.abort();
    calls.delete(key);
    if (id !== used) void forgetUpload(id);
    dropFile(key);
    dropNote(key);
    put(key, undefined);
}

export function dismissLoad(id: string, used?: string): void {
    const load = loads.value.get(id);
    const ours = notes.value.some((note) => note.load === id);
    if (ours && load?.state !== "succeeded" && load?.upload !== used) void forgetUpload(load?.upload);
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

/** The load that a note stands for. A good end is told once. */
async function findLoaded(note: Note, id: string): Promise<void> {
    if (loads.value.has(id)) return;
    try {
        const load = await body(api.GET("/loads/{id}", { params: { path: { id } } }));
        const age = Date.now() - new Date(load.finished ?? Date.now()).getTime();
        if (load.state === "succeeded" && age > CLOCKS_MS) dropNote(note.key);
        else adopt(note, load);
    } catch (problem) {
        if (!(problem instanceof Problem) || problem.status !== 404) throw problem;
        dropNote(note.key);
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
async function findSending(note: Note): Promise<void> {
    const { key } = note;
    if (kept.value.has(key)) return;
    const before = await loadOf(note);
    if (before) return adopt(note, before);
    const file = await keptFile(key);
    const source = file && (await readable(file)) ? file : undefined;
    const sent = await sentOf(note);
    if (kept.value.has(key) || !notes.value.includes(note)) return;
    if (note.failed) put(key, { ...note, source, sent, state: "failed", problem: new Error(note.failed) });
    else if (source || (note.upload && sent === note.bytes)) void send(note, source, sent);
    else put(key, { ...note, sent, state: "cut" });
}

/** What can't be found now is looked for when the stream starts again. */
function findNoted(): void {
    for (const note of notes.value)
        void (note.load ? findLoaded(note, note.load) : findSending(note)).catch(() => undefined);
}

function forgetAll(): void {
    for (const call of calls.values()) call.abort();
    calls.clear();
    dropNotes();
    dropFiles();
    kept.value = new Map();
}

effect(() => {
    const now = who.value;
    untracked(() => {
        if ([...notes.value, ...uploads.value].some(({ who }) => who !== now)) forgetAll();
    });
});
effect(() => {
    if (reads.value > 0) untracked(findNoted);
});
effect(() => {
    if (state.value !== "open") return;
    untracked(() => uploads.value.forEach(({ key }) => goOnWaiting(key)));
});
addEventListener("beforeunload", (event) => {
    if (calls.size > 0) event.preventDefault(); // the browser asks whether to leave: a tab that is closed forgets them
});
