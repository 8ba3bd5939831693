// Notes of the files that this tab sends, kept until they are dismissed: a reload of the page finds them again.
import { computed, signal } from "@preact/signals";
import type { Column, Load } from "../api/client";

export type Mode = "create" | "append" | "replace";

/** What is to be done with a file. */
export interface Wanted {
    table: string;
    mode: Mode;
    columns: Column[] | null; // null: inferred, or as the table has them
}

export interface Note extends Wanted {
    key: string;
    who: string | null; // whose it is
    file: string; // its name
    bytes: number;
    modified?: number; // when the file was, as the browser says
    upload?: string; // as the server calls it, once it has begun
    tried?: string; // the load of that upload which this is another try of
    load?: string; // what it became
    failed?: string; // why nothing became of it
}

const KEY = "tinydevcrm.uploads";

export const notes = signal<readonly Note[]>(read());
/** The loads that they became. */
export const noted = computed(() => new Set(notes.value.map(({ load }) => load)));

function read(): Note[] {
    try {
        const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
        return Array.isArray(found) ? (found as Note[]) : [];
    } catch {
        return [];
    }
}

function keep(next: readonly Note[]): void {
    notes.value = next;
    try {
        sessionStorage.setItem(KEY, JSON.stringify(next));
    } catch {
        // no room: a reload will not know of them
    }
}

/** In the place of one with the same key. */
export const putNote = (note: Note) => keep([...notes.value.filter(({ key }) => key !== note.key), note]);
export const dropNote = (key: string) => keep(notes.value.filter((note) => note.key !== key));
export const dropNoteOf = (load: string) => keep(notes.value.filter((note) => note.load !== load));
export const dropNotes = () => keep([]);

export const fileOf = (load: Load) => notes.value.find((note) => note.load === load.id)?.file;
