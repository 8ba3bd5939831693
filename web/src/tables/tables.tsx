// Tables: the list of them, or one; and the dialog for a file, which may be dropped anywhere here.
import { FilePlus2 } from "lucide-preact";
import { ready, tables } from "../live/team";
import type { PageProps } from "../pages";
import { Button } from "../ui/button";
import { Empty, Page } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { asked, askLoad, takeFiles } from "./asked";
import { DropVeil, useFileDrop } from "./drop";
import { TableList } from "./list";
import { LoadDialog } from "./load_dialog";
import { Loads } from "./loads";
import { OneTable } from "./one_table";

function Upload() {
    return (
        <Button kind="main" onClick={() => askLoad({ mode: "create" })}>
            <FilePlus2 size={18} aria-hidden="true" />
            Upload a file
        </Button>
    );
}

function NoTables() {
    return (
        <Empty title="No tables yet" action={<Upload />}>
            <p>
                A table is made of a CSV or Parquet file: drop one anywhere on this page, and see its columns and first
                rows before anything is loaded. Views then ask questions of it in SQL.
            </p>
            <p class="mt-2">
                No file at hand?{" "}
                <a class="text-accent underline" href="#/">
                    Take the sample table
                </a>
                , or send rows by{" "}
                <a class="text-accent underline" href="/docs">
                    the API
                </a>
                .
            </p>
        </Empty>
    );
}

function All() {
    const none = tables.value.size === 0;
    return (
        <Page
            title="Tables"
            intro="What your views ask about: rows from files, or sent by the API."
            actions={!none && <Upload />}
        >
            <Loads />
            {ready.value ? none ? <NoTables /> : <TableList /> : <Waiting />}
        </Page>
    );
}

export function Tables({ rest: [name] }: PageProps) {
    useFileDrop((files) => takeFiles(files, name ? { mode: "append", table: name } : { mode: "create" }));
    return (
        <>
            {name === undefined ? <All /> : <OneTable key={name} name={name} />}
            <DropVeil text={name ? `Drop it to append it to ${name}` : "Drop it to make a table of it"} />
            {asked.value && <LoadDialog key={asked.value.table ?? ""} asked={asked.value} />}
        </>
    );
}
