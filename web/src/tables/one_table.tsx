// One table: what it is, who reads it, its rows, and what can be done with it.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Copy, FilePlus2, Keyboard, Replace, Trash2 } from "lucide-preact";
import { api, type Table } from "../api/client";
import { dependentsOf } from "../live/dependents";
import { dropTable, dropView, ready, tables } from "../live/team";
import { go, to } from "../router";
import { Button } from "../ui/button";
import { DeleteDialog } from "../ui/confirm";
import { bytes, number } from "../ui/format";
import { KindIcon } from "../ui/kind";
import { Card, Empty, Facts, Page } from "../ui/page";
import { Ago } from "../ui/time";
import { tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import { askLoad } from "./asked";
import { ForkDialog } from "./fork_dialog";
import { Loads } from "./loads";
import { RowsCard } from "./rows_card";
import { TypedRows } from "./typed_rows";

type Open = "fork" | "type" | "delete" | null;

const back = { href: to("tables"), text: "Tables" };

function Readers({ table, views }: { table: string; views: readonly string[] }) {
    if (views.length === 0)
        return (
            <a class="text-accent underline" href={`${to("views", "new")}?from=${encodeURIComponent(table)}`}>
                Make a view
            </a>
        );
    return (
        <ul class="flex flex-wrap gap-x-3 gap-y-1">
            {views.map((view) => (
                <li key={view} class="inline-flex min-w-0 items-center gap-1">
                    <KindIcon kind="view" size={16} />
                    <a class="break-all text-accent underline" href={to("views", view)}>
                        {view}
                    </a>
                </li>
            ))}
        </ul>
    );
}

function Actions({ table, open }: { table: Table; open: (what: Open) => void }) {
    const { table_name: name } = table;
    const items: [icon: ComponentChildren, text: string, run: () => void][] = [
        [<FilePlus2 size={18} aria-hidden="true" />, "Append a file", () => askLoad({ mode: "append", table: name })],
        [<Keyboard size={18} aria-hidden="true" />, "Type rows", () => open("type")],
        [<Replace size={18} aria-hidden="true" />, "Replace", () => askLoad({ mode: "replace", table: name })],
        [<Copy size={18} aria-hidden="true" />, "Fork", () => open("fork")],
    ];
    return (
        <>
            {items.map(([icon, text, run]) => (
                <Button key={text} onClick={run}>
                    {icon}
                    {text}
                </Button>
            ))}
            <Button kind="danger" onClick={() => open("delete")}>
                <Trash2 size={18} aria-hidden="true" />
                Delete
            </Button>
        </>
    );
}

function DeleteTable({ table, onClose }: { table: Table; onClose: () => void }) {
    const { table_name: name } = table;
    const going = dependentsOf(name);
    const remove = async (cascade: boolean) => {
        const query = cascade ? { cascade } : {};
        await api.DELETE("/tables/{name}", { params: { path: { name }, query } });
        go("tables");
        going.views.forEach(dropView);
        dropTable(name);
        tell(`The table ${name} is deleted.`);
    };
    return (
        <DeleteDialog
            what={`the table ${name}`}
            note="All its rows go. This can't be undone."
            dependents={going}
            onDelete={remove}
            onClose={onClose}
        />
    );
}

export function OneTable({ name }: { name: string }) {
    const [open, show] = useState<Open>(null);
    const table = tables.value.get(name);
    if (!table)
        return (
            <Page title={name} back={back}>
                {ready.value ? (
                    <>
                        <Loads table={name} />
                        <Empty title="There is no table of this name">
                            It may have been deleted, or it is called otherwise.{" "}
                            <a class="text-accent underline" href={to("tables")}>
                                See the tables there are
                            </a>
                            .
                        </Empty>
                    </>
                ) : (
                    <Waiting />
                )}
            </Page>
        );
    const close = () => show(null);
    const facts = [
        ["Rows", number(table.row_count)],
        ["Columns", number(table.columns.length)],
        ["Size", bytes(table.bytes)],
        ["Updated", <Ago at={table.updated} />],
        ["Version", number(table.version)],
        ["Read by", <Readers table={name} views={table.dependents} />],
    ] as const;
    return (
        <Page
            title={name}
            back={back}
            heading={
                <>
                    <KindIcon kind="table" size={24} />
                    {name}
                </>
            }
            actions={<Actions table={table} open={show} />}
        >
            <Loads table={name} />
            <Card>
                <Facts facts={facts} />
            </Card>
            <RowsCard key={name} kind="tables" name={name} of={table} none="The table has no rows yet: append some." />
            {open === "fork" && <ForkDialog table={name} onClose={close} />}
            {open === "type" && <TypedRows table={table} onClose={close} />}
            {open === "delete" && <DeleteTable table={table} onClose={close} />}
        </Page>
    );
}
