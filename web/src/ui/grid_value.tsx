// The value that is chosen in a grid: a line below it, and all of it in a dialog.
import type { Column } from "../api/client";
import { Button } from "./button";
import { CopyButton } from "./code";
import { Dialog } from "./dialog";
import { number, plural } from "./format";
import { valueShort, valueText, valueWide } from "./value";

interface GridFootProps {
    count: number;
    cell: { row: number } | null;
    column: Column | undefined;
    value: unknown; // undefined: not here yet
    show: () => void;
}

export function GridFoot({ count, cell, column, value, show }: GridFootProps) {
    return (
        <div class="flex min-h-11 items-center gap-3 border-t border-line px-3 py-1.5 text-sm">
            {cell && column ? (
                <>
                    <span class="min-w-0 max-w-[45%] shrink-0 truncate text-muted">
                        {number(cell.row + 1)} · {column.column_name}
                    </span>
                    <code class="min-w-0 flex-1 truncate">{value === undefined ? "" : valueShort(value)}</code>
                    {value !== undefined && (
                        <span class="flex shrink-0 items-center gap-2">
                            <CopyButton text={valueText(value)} />
                            <Button small kind="quiet" onClick={show} label="Show all of the value">
                                Show
                            </Button>
                        </span>
                    )}
                </>
            ) : (
                <span class="text-muted">{plural(count, "row")}</span>
            )}
        </div>
    );
}

export function WholeValue({ title, value, close }: { title: string; value: unknown; close: () => void }) {
    return (
        <Dialog title={title} onClose={close} wide>
            {value === null ? (
                <p class="text-muted">NULL: there is no value here.</p>
            ) : (
                <div class="grid gap-2">
                    <div class="justify-self-end">
                        <CopyButton text={valueText(value)} />
                    </div>
                    <pre
                        class="max-h-[60vh] overflow-auto whitespace-pre-wrap break-words rounded-lg border border-line bg-sunken p-3 leading-5"
                        tabIndex={0}
                    >
                        {valueWide(value)}
                    </pre>
                </div>
            )}
        </Dialog>
    );
}
