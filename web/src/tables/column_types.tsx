// The columns that a file will make, with types that can be changed.
import { useState } from "preact/hooks";
import type { Column, Row } from "../api/client";
import { Button } from "../ui/button";
import { number } from "../ui/format";
import { valueShort } from "../ui/value";

const TYPES = [
    "text",
    "int",
    "bigint",
    "smallint",
    "double",
    "real",
    "numeric",
    "boolean",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "json",
];
const OWN = "own";
const FIRST = 60; // columns shown before all are asked for

interface TypeProps {
    column: Column;
    inferred: string | undefined;
    onType: (type: string) => void;
}

const looks = "w-full min-w-0 rounded-lg border border-edge/70 bg-surface px-2 py-1 text-sm min-h-9";

function TypeChoice({ column, inferred, onType }: TypeProps) {
    const { column_name: name, column_type: type } = column;
    const offered = [...new Set([...(inferred ? [inferred] : []), ...TYPES])];
    const [own, write] = useState(!offered.includes(type));
    const take = (chosen: string) => {
        write(chosen === OWN);
        if (chosen !== OWN) onType(chosen);
    };
    return (
        <div class="flex min-w-0 flex-wrap gap-2">
            <select
                class={`${looks} max-w-52`}
                aria-label={`Type of ${name}`}
                value={own ? OWN : type}
                onChange={(event) => take(event.currentTarget.value)}
            >
                {offered.map((one) => (
                    <option key={one} value={one}>
                        {one === inferred ? `${one} (found)` : one}
                    </option>
                ))}
                <option value={OWN}>another …</option>
            </select>
            {own && (
                <input
                    class={`${looks} max-w-52 font-mono`}
                    aria-label={`Another type of ${name}`}
                    placeholder="varchar(256)"
                    value={type}
                    onChange={(event) => onType(event.currentTarget.value.trim())}
                    onKeyDown={(event) => {
                        if (event.key !== "Enter") return;
                        event.preventDefault(); // it is looked at first, then loaded
                        onType(event.currentTarget.value.trim());
                    }}
                />
            )}
        </div>
    );
}

interface ColumnTypesProps {
    columns: readonly Column[];
    inferred: readonly Column[];
    sample: Row | undefined;
    fixed: boolean; // they are the table's
    onType: (column: string, type: string) => void;
}

export function ColumnTypes({ columns, inferred, sample, fixed, onType }: ColumnTypesProps) {
    const [all, showAll] = useState(false);
    const shown = all ? columns : columns.slice(0, FIRST);
    const found = new Map(inferred.map(({ column_name, column_type }) => [column_name, column_type]));
    const head = "px-3 py-1.5 text-left font-medium text-muted";
    return (
        <div class="grid min-w-0 gap-2">
            <div
                class="max-h-72 overflow-auto rounded-lg border border-line"
                tabIndex={0}
                role="region"
                aria-label="Columns"
            >
                <table class="w-full text-sm">
                    <thead class="sticky top-0 z-10 bg-sunken">
                        <tr>
                            <th class={head}>Column</th>
                            <th class={head}>Type</th>
                            <th class={`${head} hidden sm:table-cell`}>In the first row</th>
                        </tr>
                    </thead>
                    <tbody>
                        {shown.map((column) => (
                            <tr key={column.column_name} class="border-t border-line">
                                <td class="break-words px-3 py-1.5 font-medium">{column.column_name}</td>
                                <td class="px-3 py-1.5">
                                    {fixed ? (
                                        <code>{column.column_type}</code>
                                    ) : (
                                        <TypeChoice
                                            column={column}
                                            inferred={found.get(column.column_name)}
                                            onType={(type) => onType(column.column_name, type)}
                                        />
                                    )}
                                </td>
                                <td class="hidden max-w-56 truncate px-3 py-1.5 text-muted sm:table-cell">
                                    {sample && valueShort(sample[column.column_name])}
                                </td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
            {shown.length < columns.length && (
                <Button small onClick={() => showAll(true)}>
                    Show all {number(columns.length)} columns
                </Button>
            )}
        </div>
    );
}
