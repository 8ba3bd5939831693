// The tables of the team, in the order that is asked for.
import { useState } from "preact/hooks";
import { ArrowDown, ArrowUp } from "lucide-preact";
import type { Table } from "../api/client";
import { tables } from "../live/team";
import { to } from "../router";
import { TextField } from "../ui/field";
import { bytes, number, plural } from "../ui/format";
import { KindIcon } from "../ui/kind";
import { Ago } from "../ui/time";

type Key = "name" | "rows" | "columns" | "size" | "updated" | "readers";

interface Order {
    key: Key;
    descending: boolean;
}

const MANY = 12; // from here on they can be searched

const heads: Record<Key, { text: string; class: string; of: (table: Table) => string | number }> = {
    name: { text: "Name", class: "text-left", of: (table) => table.table_name.toLowerCase() },
    rows: { text: "Rows", class: "text-right", of: (table) => table.row_count ?? 0 },
    columns: { text: "Columns", class: "text-right hidden md:table-cell", of: (table) => table.columns.length },
    size: { text: "Size", class: "text-right hidden sm:table-cell", of: (table) => table.bytes ?? 0 },
    updated: { text: "Updated", class: "text-left hidden sm:table-cell", of: (table) => table.updated },
    readers: { text: "Read by", class: "text-left", of: (table) => table.dependents.length },
};

const keys = Object.keys(heads) as Key[];

function sorted(list: readonly Table[], { key, descending }: Order): Table[] {
    const { of } = heads[key];
    const sign = descending ? -1 : 1;
    const compare = (one: string | number, other: string | number) => (one < other ? -1 : one > other ? 1 : 0);
    return [...list].sort(
        (one, other) => sign * compare(of(one), of(other)) || compare(heads.name.of(one), heads.name.of(other)),
    );
}

function Head({ name, order, onOrder }: { name: Key; order: Order; onOrder: (order: Order) => void }) {
    const chosen = order.key === name;
    const Icon = order.descending ? ArrowDown : ArrowUp;
    return (
        <th
            class={`p-0 font-medium text-muted ${heads[name].class}`}
            aria-sort={chosen ? (order.descending ? "descending" : "ascending") : "none"}
        >
            <button
                class="inline-flex min-h-10 items-center gap-1 px-3 hover:text-fg"
                onClick={() => onOrder({ key: name, descending: chosen ? !order.descending : name !== "name" })}
            >
                {heads[name].text}
                {chosen && <Icon size={14} aria-hidden="true" />}
            </button>
        </th>
    );
}

function Readers({ views }: { views: readonly string[] }) {
    const [first] = views;
    if (first === undefined) return <span class="text-muted">–</span>;
    if (views.length > 1) return <span title={views.join(", ")}>{plural(views.length, "view")}</span>;
    return (
        <a class="break-all text-accent underline" href={to("views", first)}>
            {first}
        </a>
    );
}

function OneRow({ table }: { table: Table }) {
    const { table_name: name, columns, dependents } = table;
    const cell = (key: Key) => `px-3 py-2.5 ${heads[key].class}`;
    return (
        <tr class="border-t border-line hover:bg-sunken/60">
            <th scope="row" class={`${cell("name")} font-medium`}>
                <span class="flex min-w-0 items-center gap-2">
                    <KindIcon kind="table" />
                    <a class="break-all text-accent underline" href={to("tables", name)}>
                        {name}
                    </a>
                </span>
            </th>
            <td class={`${cell("rows")} tabular-nums`}>{number(table.row_count)}</td>
            <td class={`${cell("columns")} tabular-nums`} title={columns.map((c) => c.column_name).join(", ")}>
                {number(columns.length)}
            </td>
            <td class={`${cell("size")} whitespace-nowrap tabular-nums`}>{bytes(table.bytes)}</td>
            <td class={`${cell("updated")} whitespace-nowrap`}>
                <Ago at={table.updated} />
            </td>
            <td class={cell("readers")}>
                <Readers views={dependents} />
            </td>
        </tr>
    );
}

export function TableList() {
    const [order, setOrder] = useState<Order>({ key: "name", descending: false });
    const [words, search] = useState("");
    const all = [...tables.value.values()];
    const found = all.filter((table) => table.table_name.toLowerCase().includes(words.trim().toLowerCase()));
    return (
        <div class="grid min-w-0 gap-4">
            {all.length >= MANY && (
                <TextField label="Search by name" type="search" value={words} onValue={search} autocomplete="off" />
            )}
            <div class="overflow-x-auto rounded-xl border border-line bg-surface">
                <table class="w-full text-[15px]" aria-label="Tables">
                    <thead class="bg-sunken text-sm">
                        <tr>
                            {keys.map((key) => (
                                <Head key={key} name={key} order={order} onOrder={setOrder} />
                            ))}
                        </tr>
                    </thead>
                    <tbody>
                        {sorted(found, order).map((table) => (
                            <OneRow key={table.table_name} table={table} />
                        ))}
                    </tbody>
                </table>
                {found.length === 0 && <p class="px-4 py-8 text-center text-muted">No table has that in its name.</p>}
            </div>
        </div>
    );
}
