// What a file would become, seen at once however large it is: the server is sent its beginning, or a Parquet file's footer.
import { useEffect, useState } from "preact/hooks";
import type { Column, Row } from "../api/client";
import { problemOf } from "../api/problem";
import { authorized } from "../api/session";
import type { Lent } from "./uploads";

/** A file here, or one that the server has. */
export type Source = File | Lent;

export interface Preview {
    format: "csv" | "parquet" | "json";
    columns: Column[];
    rows: Row[];
    complete: boolean; // these are all rows
}

export const BEGINNING = 1_000_000; // bytes
const FOOTER_MAX = 64_000_000;
const MAGIC = "PAR1";

async function parquetEnd(file: File): Promise<Blob> {
    const tail = await file.slice(-8).arrayBuffer();
    const length = new DataView(tail).getUint32(0, true);
    const whole = new TextDecoder().decode(tail.slice(4)) === MAGIC && length + 12 <= file.size;
    if (!whole || length > FOOTER_MAX) throw new Error("This Parquet file is not whole: it does not end as one does.");
    return new Blob([MAGIC, file.slice(-8 - length)]);
}

/** As much of a file as tells its columns; `cut` when it is not all of it. */
async function beginning(file: File): Promise<{ part: Blob; cut: boolean }> {
    if (file.size === 0) throw new Error("The file is empty.");
    const magic = await file
        .slice(0, 4)
        .text()
        .catch(() => {
            throw new Error("The browser can't read this. Is it a folder, or was the file moved?");
        });
    if (file.size <= BEGINNING) return { part: file, cut: false };
    if (magic === MAGIC) return { part: await parquetEnd(file), cut: false };
    return { part: file.slice(0, BEGINNING), cut: true };
}

async function formOf(file: File, columns: readonly Column[] | null): Promise<FormData> {
    const { part, cut } = await beginning(file);
    const form = new FormData();
    if (cut) form.append("cut", "true");
    if (columns) form.append("columns", JSON.stringify(columns));
    form.append("file", part, file.name);
    return form;
}

async function preview(source: Source, columns: readonly Column[] | null, signal: AbortSignal): Promise<Preview> {
    const asked = { method: "POST", signal };
    const request =
        source instanceof File
            ? new Request("/tables/preview", { ...asked, body: await formOf(source, columns) })
            : new Request("/tables/preview", {
                  ...asked,
                  headers: { "content-type": "application/json" },
                  body: JSON.stringify({ upload: source.upload, ...(columns && { columns }) }),
              });
    const answer = await authorized(request);
    if (!answer.ok) throw await problemOf(answer);
    return (await answer.json()) as Preview;
}

interface Looked {
    file: Source | null;
    inferred: Column[] | undefined;
    shown: Preview | null; // with the columns as they are declared
    problem: unknown;
    busy: boolean;
}

const nothing: Looked = { file: null, inferred: undefined, shown: null, problem: null, busy: false };

/** `declare` says how the file's columns are to be read, once they are known; null: as they were found. */
export function usePreview(
    file: Source | null,
    declare: (inferred: Column[] | undefined) => Column[] | null,
): Looked & { declared: Column[] | null } {
    const [kept, set] = useState(nothing);
    const looked = kept.file === file ? kept : { ...nothing, busy: true };
    const declared = file ? declare(looked.inferred) : null;
    const wanted = declared && JSON.stringify(declared);
    useEffect(() => {
        if (!file) return set(nothing);
        const call = new AbortController();
        set((before) => ({ ...(before.file === file ? before : { ...nothing, file }), busy: true }));
        const done = (how: Partial<Looked>) => {
            if (!call.signal.aborted) set((before) => ({ ...before, problem: null, ...how, busy: false }));
        };
        preview(file, declared, call.signal).then(
            (shown) => done(declared ? { shown } : { shown, inferred: shown.columns }),
            (problem: unknown) => done({ problem }),
        );
        return () => call.abort();
    }, [file, wanted]);
    return { ...looked, declared };
}
