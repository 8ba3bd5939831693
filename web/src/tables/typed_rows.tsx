// Rows that are typed in, to be appended to a table.
import { useState } from "preact/hooks";
import { Plus, Trash2 } from "lucide-preact";
import { api, body, type Column, type Table } from "../api/client";
import { putTable } from "../live/team";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { plural } from "../ui/format";
import { tell } from "../ui/toast";
import { LineErrors } from "./line_errors";

type Typed = Record<string, string>;

const MOST = 50;

function jsonOf(text: string, column: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        throw new Error(`What stands in ${column} is no JSON. A text of it needs quotes: "${text}"`);
    }
}

/** The server reads a text as whatever the column is; a field without anything is NULL. */
function rowOf(typed: Typed, columns: readonly Column[]): Record<string, unknown> {
    return Object.fromEntries(
        columns.map(({ column_name: name, column_type: type }) => {
            const text = typed[name] ?? "";
            if (text === "") return [name, null];
            return [name, type === "json" ? jsonOf(text, name) : text];
        }),
    );
}

interface OneRowProps {
    n: number;
    columns: readonly Column[];
    typed: Typed;
    onTyped: (typed: Typed) => void;
    remove?: () => void;
}

function OneRow({ n, columns, typed, onTyped, remove }: OneRowProps) {
    return (
        <fieldset class="min-w-0 rounded-lg border border-line p-3">
            <legend class="px-1 text-sm font-medium">Row {n}</legend>
            <div class="grid grid-cols-[repeat(auto-fill,minmax(11rem,1fr))] gap-3">
                {columns.map(({ column_name: name, column_type: type }, i) => {
                    const common = {
                        label: name,
                        value: typed[name] ?? "",
                        onValue: (value: string) => onTyped({ ...typed, [name]: value }),
                    };
                    if (type !== "boolean")
                        return (
                            <TextField
                                key={name}
                                {...common}
                                placeholder={type}
                                autocomplete="off"
                                autofocus={n === 1 && i === 0}
                            />
                        );
                    return (
                        <SelectField
                            key={name}
                            {...common}
                            options={["", "true", "false"].map((v) => [v, v] as const)}
                        />
                    );
                })}
            </div>
            {remove && (
                <div class="mt-3 flex justify-end">
                    <Button small kind="quiet" onClick={remove} label={`Remove row ${n}`}>
                        <Trash2 size={16} aria-hidden="true" />
                        Remove
                    </Button>
                </div>
            )}
        </fieldset>
    );
}

export function TypedRows({ table, onClose }: { table: Table; onClose: () => void }) {
    const [rows, set] = useState<readonly Typed[]>([{}]);
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const { columns, table_name: name } = table;
    const run = async (event: Event) => {
        event.preventDefault();
        work(true);
        fail(null);
        try {
            const sent = { rows: rows.map((typed) => rowOf(typed, columns)) };
            const answer = body(api.POST("/tables/{name}/rows", { params: { path: { name } }, body: sent as never }));
            putTable((await answer) as unknown as Table);
            tell(`${plural(rows.length, "row")} appended to ${name}.`);
            onClose();
        } catch (caught) {
            fail(caught);
            work(false);
        }
    };
    return (
        <Dialog title={`Type rows for ${name}`} onClose={onClose} wide>
            <form class="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-4" onSubmit={(event) => void run(event)}>
                <p class="text-muted">A field without anything in it is NULL. All rows are appended, or none.</p>
                {rows.map((typed, i) => (
                    <OneRow
                        key={i}
                        n={i + 1}
                        columns={columns}
                        typed={typed}
                        onTyped={(next) => set(rows.map((row, at) => (at === i ? next : row)))}
                        remove={rows.length > 1 ? () => set(rows.filter((_, at) => at !== i)) : undefined}
                    />
                ))}
                <LineErrors problem={problem} line="Row" />
                <div class="flex flex-wrap justify-between gap-2">
                    <Button disabled={rows.length >= MOST} onClick={() => set([...rows, {}])}>
                        <Plus size={18} aria-hidden="true" />
                        Another row
                    </Button>
                    <div class="flex gap-2">
                        <Button onClick={onClose}>Cancel</Button>
                        <Button kind="main" type="submit" busy={busy}>
                            Append
                        </Button>
                    </div>
                </div>
            </form>
        </Dialog>
    );
}
