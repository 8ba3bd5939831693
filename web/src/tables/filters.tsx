// The filters of a table's rows: a chip each, and a form for another.
import { useEffect, useRef, useState } from "preact/hooks";
import { ListFilter, X } from "lucide-preact";
import type { Column } from "../api/client";
import { Button } from "../ui/button";
import { SelectField, TextField } from "../ui/field";
import { needsValue, ops, opsOf, type Filter, type Op } from "./filter";

interface FiltersProps {
    columns: readonly Column[];
    filters: readonly Filter[];
    onFilters: (filters: Filter[]) => void;
}

function Chip({ filter: { column, op, value }, remove }: { filter: Filter; remove: () => void }) {
    const text = `${column} ${ops[op]}${needsValue(op) ? ` ${value || '""'}` : ""}`;
    return (
        <li class="inline-flex max-w-full items-center gap-1 rounded-full border border-accent/50 bg-accent/10 pl-3 text-sm">
            <span class="truncate" title={text}>
                <span class="font-medium">{column}</span> {ops[op]} {needsValue(op) && <code>{value || '""'}</code>}
            </span>
            <button
                class="grid h-8 w-8 shrink-0 place-items-center rounded-full text-muted hover:text-fg"
                aria-label={`Remove the filter ${text}`}
                onClick={remove}
            >
                <X size={14} />
            </button>
        </li>
    );
}

function Another({ columns, add, close }: { columns: readonly Column[]; add: (f: Filter) => void; close: () => void }) {
    const [column, setColumn] = useState(columns[0]?.column_name ?? "");
    const type = columns.find((one) => one.column_name === column)?.column_type ?? "text";
    const offered = opsOf(type);
    const [wanted, setOp] = useState<Op>("eq");
    const [value, setValue] = useState("");
    const op = offered.includes(wanted) ? wanted : (offered[0] ?? "eq");
    const place = useRef<HTMLFormElement>(null);
    useEffect(() => place.current?.querySelector("select")?.focus(), []);
    return (
        <form
            ref={place}
            aria-label="Another filter"
            class="grid gap-3 rounded-lg border border-line bg-sunken p-3 sm:grid-cols-[1fr_1fr_1fr_auto] sm:items-end"
            onSubmit={(event) => {
                event.preventDefault();
                add({ column, op, value: needsValue(op) ? value || (type === "boolean" ? "true" : "") : "" });
            }}
        >
            <SelectField
                label="Column"
                value={column}
                options={columns.map(({ column_name: name }) => [name, name] as const)}
                onValue={setColumn}
            />
            <SelectField
                label="Condition"
                value={op}
                options={offered.map((one) => [one, ops[one]] as const)}
                onValue={(chosen) => setOp(chosen as Op)}
            />
            {!needsValue(op) ? (
                <span />
            ) : type === "boolean" ? (
                <SelectField
                    label="Value"
                    value={value || "true"}
                    options={[
                        ["true", "true"],
                        ["false", "false"],
                    ]}
                    onValue={setValue}
                />
            ) : (
                <TextField label="Value" value={value} onValue={setValue} autocomplete="off" />
            )}
            <div class="flex gap-2">
                <Button kind="main" type="submit">
                    Add
                </Button>
                <Button onClick={close}>Cancel</Button>
            </div>
        </form>
    );
}

export function Filters({ columns, filters, onFilters }: FiltersProps) {
    const [open, show] = useState(false);
    const place = useRef<HTMLDivElement>(null);
    const close = () => {
        show(false);
        place.current?.querySelector("button")?.focus();
    };
    return (
        <div ref={place} class="grid min-w-0 gap-3">
            <div class="flex flex-wrap items-center gap-2">
                <Button small expanded={open} onClick={() => show(!open)}>
                    <ListFilter size={16} aria-hidden="true" />
                    Filter
                </Button>
                {filters.length > 0 && (
                    <ul class="flex min-w-0 flex-wrap gap-2" aria-label="Filters">
                        {filters.map((filter, i) => (
                            <Chip
                                key={`${filter.column} ${filter.op} ${filter.value}`}
                                filter={filter}
                                remove={() => onFilters(filters.filter((_, at) => at !== i))}
                            />
                        ))}
                    </ul>
                )}
                {filters.length > 1 && (
                    <Button small kind="quiet" onClick={() => onFilters([])}>
                        Remove all
                    </Button>
                )}
            </div>
            {open && (
                <Another
                    columns={columns}
                    close={close}
                    add={(filter) => {
                        onFilters([...filters, filter]);
                        close();
                    }}
                />
            )}
        </div>
    );
}
