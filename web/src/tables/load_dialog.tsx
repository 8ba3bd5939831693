// A file is looked at before it is loaded: its columns with their types, its first rows, and what is wrong with it.
import { useState } from "preact/hooks";
import type { Column, Table } from "../api/client";
import { Problem } from "../api/problem";
import { tables, views } from "../live/team";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { TextField } from "../ui/field";
import { bytes, plural } from "../ui/format";
import { Grid } from "../ui/grid";
import { Waiting } from "../ui/waiting";
import { askLoad, askNoLoad, type Asked } from "./asked";
import { ColumnTypes } from "./column_types";
import { declare, find, sameColumns, type Types } from "./declare";
import { FileChoice } from "./file_choice";
import { LineErrors } from "./line_errors";
import { nameOf } from "./names";
import type { Mode } from "./notes";
import { BEGINNING, usePreview, type Preview, type Source } from "./preview";
import { dismissLoad, dismissUpload, startLoad, startUpload } from "./uploads";

const titles: Record<Mode, (table: string) => string> = {
    create: () => "Make a table of a file",
    append: (table) => `Append a file to ${table}`,
    replace: (table) => `Replace the rows of ${table}`,
};
const verbs: Record<Mode, string> = { create: "Load it", append: "Append it", replace: "Replace all rows" };
const PREVIEW_PX = 260;

function First({ shown, file }: { shown: Preview; file: Source }) {
    const { rows, complete, columns, format } = shown;
    if (rows.length === 0)
        return (
            <p class="text-sm text-muted">
                {format === "parquet" && file.size > BEGINNING
                    ? "The rows of a large Parquet file are seen when it is loaded."
                    : "The file has no rows."}
            </p>
        );
    return (
        <section class="grid min-w-0 gap-2">
            <h3 class="text-sm font-medium">{complete ? "Its rows" : `Its first ${rows.length} rows`}</h3>
            <div class="overflow-hidden rounded-lg border border-line">
                <Grid
                    columns={columns}
                    count={rows.length}
                    row={(i) => rows[i]}
                    label="First rows"
                    height={PREVIEW_PX}
                />
            </div>
        </section>
    );
}

interface TakenProps {
    name: string;
    asked: Asked;
    file: Source | null;
}

/** A name that is in use: most often the file belongs into that table. */
function Taken({ name, asked, file }: TakenProps) {
    const table = find(tables.value, name)?.[0];
    if (!table) return null;
    const turn = (mode: Mode) => askLoad({ ...asked, mode, table, columns: null, file: file ?? undefined });
    return (
        <div class="flex flex-wrap gap-2">
            <Button small onClick={() => turn("append")}>
                Append to it
            </Button>
            <Button small onClick={() => turn("replace")}>
                Replace its rows
            </Button>
        </div>
    );
}

function Changed({ table, columns }: { table: Table; columns: Column[] }) {
    const had = new Set(table.columns.map((c) => c.column_name.toLowerCase()));
    const has = new Set(columns.map((c) => c.column_name.toLowerCase()));
    const gone = table.columns.filter((c) => !has.has(c.column_name.toLowerCase())).map((c) => c.column_name);
    const fresh = columns.filter((c) => !had.has(c.column_name.toLowerCase())).map((c) => c.column_name);
    return (
        <div class="rounded-lg border border-warn/60 bg-warn/10 px-4 py-3 text-sm" role="status">
            <p class="font-medium">The table's columns change.</p>
            {gone.length > 0 && <p>Gone: {gone.join(", ")}</p>}
            {fresh.length > 0 && <p>New: {fresh.join(", ")}</p>}
            {table.dependents.length > 0 && <p>Views that read it: {table.dependents.join(", ")}</p>}
        </div>
    );
}

export function LoadDialog({ asked }: { asked: Asked }) {
    const { mode, file = null } = asked;
    const [named, rename] = useState(asked.table ?? "");
    const [types, setTypes] = useState<Types>(
        Object.fromEntries((asked.columns ?? []).map((c) => [c.column_name, c.column_type])),
    );
    const fixedTable = mode === "create" ? undefined : find(tables.value, asked.table ?? "")?.[1];
    const name = mode === "create" ? named || (file ? nameOf(file.name) : "") : (asked.table ?? "");
    const looked = usePreview(file, (inferred) => declare(mode, fixedTable, types, inferred));
    const { inferred, declared } = looked;
    const columns = declared ?? inferred;
    const changed = mode === "replace" && fixedTable && columns && !sameColumns(columns, fixedTable.columns);
    const sent = mode === "create" ? declared : changed ? columns : null;
    const wrong = looked.problem instanceof Problem && looked.problem.status === 422;

    const kind = find(tables.value, name) ? "table" : find(views.value, name) ? "view" : undefined;
    const taken = mode === "create" && kind ? `There is a ${kind} of that name.` : undefined;
    const load = () => {
        if (!file) return;
        const used = file instanceof File ? undefined : file.upload;
        if (asked.replaces) {
            dismissUpload(asked.replaces, used);
            dismissLoad(asked.replaces, used);
        }
        const wanted = { table: name, mode, columns: sent };
        if (file instanceof File) startUpload(wanted, file);
        else startLoad(wanted, file, asked.replaces);
        askNoLoad();
    };
    return (
        <Dialog title={titles[mode](name)} onClose={askNoLoad} wide>
            <form
                class="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-4"
                onSubmit={(event) => {
                    event.preventDefault();
                    load();
                }}
            >
                {file && (
                    <p class="min-w-0 break-words">
                        <span class="font-medium">{file.name}</span>{" "}
                        <span class="text-muted">
                            {bytes(file.size)}
                            {looked.shown && `, ${looked.shown.format === "csv" ? "CSV" : "Parquet"}`}
                            {columns && `, ${plural(columns.length, "column")}`}
                        </span>
                    </p>
                )}
                <FileChoice file={file} onFile={(chosen) => askLoad({ ...asked, file: chosen })} />
                {file && mode === "create" && (
                    <>
                        <TextField
                            label="Name of the table"
                            value={name}
                            onValue={rename}
                            required
                            error={taken}
                            autocomplete="off"
                            spellcheck={false}
                        />
                        {taken && <Taken name={name} asked={asked} file={file} />}
                    </>
                )}
                <LineErrors problem={looked.problem} />
                {columns && file && (
                    <section class="grid min-w-0 gap-2">
                        <h3 class="text-sm font-medium">
                            {mode === "append" ? "The table's columns" : "Columns, with the types that were found"}
                        </h3>
                        <ColumnTypes
                            columns={columns}
                            inferred={inferred ?? []}
                            sample={looked.shown?.rows[0]}
                            fixed={mode === "append"}
                            onType={(column, type) => setTypes({ ...types, [column]: type })}
                        />
                        {file.size > BEGINNING && mode !== "append" && looked.shown?.format === "csv" && (
                            <p class="text-sm text-muted">
                                Found in its first {bytes(BEGINNING)}.{" "}
                                {declared
                                    ? "As you have changed some, all are taken as they stand here: what does not fit further on is told at its line."
                                    : "When you change none of them, they are found anew in the whole file as it is loaded."}
                            </p>
                        )}
                    </section>
                )}
                {changed && <Changed table={fixedTable} columns={columns} />}
                {looked.busy && !looked.shown && <Waiting what="Looking into the file" />}
                {looked.shown && !looked.problem && file && <First shown={looked.shown} file={file} />}
                <div class="sticky bottom-0 z-30 -mx-5 -mb-5 flex flex-wrap justify-end gap-2 border-t border-line bg-surface px-5 py-3">
                    <Button onClick={askNoLoad}>Cancel</Button>
                    <Button
                        kind={mode === "replace" ? "danger" : "main"}
                        type="submit"
                        disabled={!file || !name || Boolean(taken) || wrong || looked.busy}
                    >
                        {verbs[mode]}
                    </Button>
                </div>
            </form>
        </Dialog>
    );
}
