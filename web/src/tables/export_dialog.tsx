// Asks for the format of a file of rows, and tells how far it is.
import { useEffect, useRef, useState } from "preact/hooks";
import type { RowsAsk } from "../api/rows";
import { Button } from "../ui/button";
import { Choices } from "../ui/choices";
import { Dialog } from "../ui/dialog";
import { Failed } from "../ui/failed";
import { bytes as size, plural } from "../ui/format";
import { tell } from "../ui/toast";
import { exportRows, formats, type Format } from "./export";

interface ExportProps {
    path: string;
    name: string;
    ask: RowsAsk;
    rows: number;
    bytes: number;
    onClose: () => void;
}

const choices = Object.entries(formats).map(([value, { title, text }]) => ({ value: value as Format, title, text }));

export function ExportDialog({ path, name, ask, rows, bytes, onClose }: ExportProps) {
    const [format, choose] = useState<Format>("csv");
    const [done, tellDone] = useState<number | null>(null); // bytes so far
    const [problem, fail] = useState<unknown>(null);
    const call = useRef(new AbortController());
    useEffect(() => () => call.current.abort(), []);
    const busy = done !== null;
    const run = async () => {
        call.current = new AbortController();
        const { signal } = call.current;
        fail(null);
        tellDone(0);
        try {
            await exportRows({ path, name, ask, format, bytes, told: tellDone, signal });
            tell(`${name}.${format} is saved.`);
            onClose();
        } catch (caught) {
            if (!(caught instanceof DOMException && caught.name === "AbortError")) fail(caught);
            tellDone(null);
        }
    };
    const filtered = (ask.filter ?? []).length > 0;
    return (
        <Dialog title={`Export ${name}`} onClose={onClose}>
            <div class="grid gap-4">
                <p>
                    {plural(rows, "row")}
                    {filtered && " that fit the filters"}
                    {ask.sort && `, sorted by ${ask.sort.column}`}.
                </p>
                <Choices label="Format" value={format} choices={choices} onValue={choose} />
                <Failed problem={problem} />
                <div class="flex flex-wrap items-center justify-end gap-2">
                    {busy && (
                        <p class="mr-auto text-sm tabular-nums text-muted" role="status">
                            {done > 0 ? `${size(done)} so far` : "The server is writing it …"}
                        </p>
                    )}
                    <Button onClick={onClose}>{busy ? "Stop" : "Cancel"}</Button>
                    <Button kind="main" busy={busy} onClick={() => void run()}>
                        Save the file
                    </Button>
                </div>
            </div>
        </Dialog>
    );
}
