// Rows as a file on the person's disk: asked for with their token, written as they come where the browser can.
import type { Row } from "../api/client";
import { rowsQuery, type RowsAsk } from "../api/rows";
import { problemOf } from "../api/problem";
import { authorized } from "../api/session";

export const formats = {
    csv: { title: "CSV", text: "For spreadsheets and most programs.", type: "text/csv" },
    parquet: {
        title: "Parquet",
        text: "Small, with the types: for data tools.",
        type: "application/vnd.apache.parquet",
    },
    json: { title: "JSON", text: "A list of objects, for programs.", type: "application/json" },
} as const;

export type Format = keyof typeof formats;

const PAGE = 10_000; // rows
const LARGE = 50_000_000; // bytes: from here on the browser is asked for a place to write to

interface FilePicker {
    showSaveFilePicker?: (options: { suggestedName: string }) => Promise<{
        createWritable: () => Promise<WritableStream<Uint8Array>>;
    }>;
}

async function ask(path: string, type: string, signal: AbortSignal): Promise<Response> {
    const answer = await authorized(new Request(path, { headers: { accept: type }, signal }));
    if (!answer.ok) throw await problemOf(answer);
    return answer;
}

interface Page {
    data: Row[];
    version: number;
    links: { next: string | null };
}

/** JSON comes by pages; a file must be of one version. */
async function* pages(first: string, signal: AbortSignal): AsyncGenerator<string> {
    let version: number | undefined;
    let before = "[";
    for (let path: string | null = first; path;) {
        const page = (await (await ask(path, formats.json.type, signal)).json()) as Page;
        if (version !== undefined && page.version !== version)
            throw new Error("The table has changed while its rows were read. Export it again.");
        version = page.version;
        for (const row of page.data) {
            yield `${before}\n${JSON.stringify(row)}`;
            before = ",";
        }
        path = page.links.next;
    }
    yield before === "[" ? "[]\n" : "\n]\n";
}

function streamOf(texts: AsyncGenerator<string>): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    return new ReadableStream({
        async pull(control) {
            const { done, value } = await texts.next();
            if (done) control.close();
            else control.enqueue(encoder.encode(value));
        },
    });
}

async function content(path: string, how: RowsAsk, format: Format, signal: AbortSignal) {
    const query = rowsQuery(how);
    if (format === "json") {
        query.set("limit", String(PAGE));
        return streamOf(pages(`${path}?${query.toString()}`, signal));
    }
    const { body } = await ask(`${path}?${query.toString()}`, formats[format].type, signal);
    if (!body) throw new Error("The server's answer was empty.");
    return body;
}

/** `told` is called with the bytes so far. */
function counted(stream: ReadableStream<Uint8Array>, told: (bytes: number) => void): ReadableStream<Uint8Array> {
    let bytes = 0;
    return stream.pipeThrough(
        new TransformStream({
            transform(part: Uint8Array, control) {
                told((bytes += part.length));
                control.enqueue(part);
            },
        }),
    );
}

function download(blob: Blob, name: string): void {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

interface Wish {
    path: string;
    name: string;
    ask: RowsAsk;
    format: Format;
    bytes: number; // of the table, about
    told: (bytes: number) => void;
    signal: AbortSignal;
}

/** Called from a click: only then a browser asks for a place. */
export async function exportRows({ path, name, ask: how, format, bytes, told, signal }: Wish): Promise<void> {
    const file = `${name}.${format}`;
    const { showSaveFilePicker } = window as unknown as FilePicker;
    if (bytes > LARGE && showSaveFilePicker) {
        const place = await showSaveFilePicker({ suggestedName: file });
        const stream = counted(await content(path, how, format, signal), told);
        return stream.pipeTo(await place.createWritable(), { signal });
    }
    const stream = counted(await content(path, how, format, signal), told);
    download(await new Response(stream).blob(), file);
}
