// Rows as an event carries them: what came is green, what went is red; the first few, or all on demand.
import { useState } from "preact/hooks";
import type { Row } from "../api/client";
import { Button } from "../ui/button";
import { plural } from "../ui/format";
import { valueShort } from "../ui/value";
import type { ChangedRow } from "./told";

const FEW = 10;

const marks = {
    added: { sign: "+", class: "bg-good/10", colour: "text-good" },
    removed: { sign: "−", class: "bg-bad/10", colour: "text-bad" },
};

function Line({ change, row, columns }: { change?: ChangedRow["change"]; row: Row; columns: string[] }) {
    const mark = change && marks[change];
    return (
        <tr class={mark?.class ?? ""}>
            {mark && (
                <td class={`px-2 font-semibold ${mark.colour}`}>
                    <span aria-hidden="true">{mark.sign}</span>
                    <span class="sr-only">{change}</span>
                </td>
            )}
            {columns.map((name) => (
                <td key={name} class={`max-w-md truncate px-2 py-0.5 font-mono ${mark?.colour ?? ""}`}>
                    {valueShort(row[name])}
                </td>
            ))}
        </tr>
    );
}

interface RowsProps {
    label: string;
    rows: readonly { change?: ChangedRow["change"]; row: Row }[];
}

export function ChangedRows({ label, rows }: RowsProps) {
    const [all, show] = useState(false);
    const [first] = rows;
    if (!first) return null;
    const columns = Object.keys(first.row);
    return (
        <div class="grid justify-items-start gap-2">
            <div
                class="relative max-h-96 w-full overflow-auto rounded-lg border border-line"
                tabIndex={0}
                role="region"
                aria-label={label}
            >
                <table class="min-w-full text-sm">
                    <thead class="text-left text-muted">
                        <tr>
                            {first.change && (
                                <th class="w-6 px-2 font-medium">
                                    <span class="sr-only">Change</span>
                                </th>
                            )}
                            {columns.map((name) => (
                                <th key={name} class="px-2 py-1 font-medium">
                                    {name}
                                </th>
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {(all ? rows : rows.slice(0, FEW)).map(({ change, row }, i) => (
                            <Line key={i} change={change} row={row} columns={columns} />
                        ))}
                    </tbody>
                </table>
            </div>
            {rows.length > FEW && !all && (
                <Button small kind="quiet" onClick={() => show(true)}>
                    Show all {plural(rows.length, "row")}
                </Button>
            )}
        </div>
    );
}
