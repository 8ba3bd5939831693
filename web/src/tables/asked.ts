// What the dialog for a file was opened for: from a button, or by a file that was dropped on the page.
import { signal } from "@preact/signals";
import { tell } from "../ui/toast";
import type { Column } from "../api/client";
import type { Mode } from "./notes";
import type { Lent } from "./uploads";

export interface Asked {
    mode: Mode;
    table?: string; // to begin with, or, of append and replace, the one
    columns?: Column[] | null;
    file?: File | Lent;
    replaces?: string; // an upload, or a load, that this is another try of
}

export const asked = signal<Asked | null>(null);

export const askLoad = (what: Asked) => (asked.value = what);
export const askNoLoad = () => (asked.value = null);

/** Into the dialog that is open, or into another. */
export function takeFiles(files: FileList, otherwise: Asked): void {
    const [file] = files;
    if (!file) return;
    if (files.length > 1) tell(`One file at a time: this is ${file.name}.`);
    asked.value = { ...(asked.value ?? otherwise), file };
}
