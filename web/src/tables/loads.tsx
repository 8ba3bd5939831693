// Files that are sent and loads that are under way: how far each is, and what became of it.
import { useState } from "preact/hooks";
import type { Load } from "../api/client";
import { Problem, type ProblemBody } from "../api/problem";
import { to } from "../router";
import { Button, LinkButton } from "../ui/button";
import { bytes, plural } from "../ui/format";
import { Progress } from "../ui/progress";
import { complain, tell } from "../ui/toast";
import { askLoad } from "./asked";
import { Entry } from "./load_entry";
import { LineErrors } from "./line_errors";
import { fileOf, type Mode } from "./notes";
import { shownLoads } from "./shown";
import {
    dismissLoad,
    dismissUpload,
    retryUpload,
    sourceOf,
    stopLoad,
    stopUpload,
    uploads,
    type Upload,
} from "./uploads";

function Sending({ upload }: { upload: Upload }) {
    const { key, mode, table, file, bytes: size, sent, state, problem, source, columns } = upload;
    const common = { mode, table, file };
    const other = (
        <Button small kind="main" onClick={() => askLoad({ mode, table, columns, replaces: key })}>
            {state === "cut" ? "Choose the file again" : "Choose another file"}
        </Button>
    );
    const dismiss = (
        <Button small onClick={() => dismissUpload(key)}>
            Dismiss
        </Button>
    );
    if (state === "cut") {
        const text = "This page was reloaded before all of the file was sent. Nothing was loaded.";
        return <Entry {...common} mark="bad" text={text} actions={[other, dismiss]} />;
    }
    if (state === "failed") {
        const again = source && !(problem instanceof Problem) && (
            <Button small kind="main" onClick={() => retryUpload(upload)}>
                Try again
            </Button>
        );
        return (
            <Entry {...common} mark="bad" text="Nothing was loaded." actions={[again || other, dismiss]}>
                <LineErrors problem={problem} />
            </Entry>
        );
    }
    const all = sent >= size;
    return (
        <Entry
            {...common}
            mark="busy"
            text={all ? `All ${bytes(size)} are sent` : `1 of 2: sending ${bytes(sent)} of ${bytes(size)}`}
            actions={
                <Button small onClick={() => stopUpload(key)} label={`Stop the upload of ${file}`}>
                    Stop
                </Button>
            }
        >
            <Progress label={`Sending ${file}`} value={all ? undefined : sent} max={size} />
        </Entry>
    );
}

function reading({ bytes: size, bytes_done, rows }: Load): string {
    if (!bytes_done) return "2 of 2: waiting for its turn, or just begun";
    return `2 of 2: reading ${bytes(bytes_done)} of ${bytes(size)}, ${plural(rows ?? 0, "row")} so far`;
}

const ended: Record<Mode, string> = { create: "in the new table", append: "added", replace: "in the place of the old" };

function Loading({ load, here }: { load: Load; here: boolean }) {
    const [stopping, stop] = useState(false);
    const { id, table_name: table, state } = load;
    const mode = load.mode as Mode;
    const common = { mode, table, file: fileOf(load) };
    const dismiss = (
        <Button small onClick={() => dismissLoad(id)}>
            Dismiss
        </Button>
    );
    if (state === "succeeded") {
        const open = !here && (
            <LinkButton small kind="main" href={to("tables", table)} label={`Open ${table}`}>
                Open
            </LinkButton>
        );
        const text = `${plural(load.rows ?? 0, "row")} ${ended[mode]}`;
        return <Entry {...common} mark="good" text={text} actions={[open, dismiss]} />;
    }
    if (state === "failed") {
        const error = (load.error ?? {}) as Partial<ProblemBody>;
        const source = sourceOf(id);
        const types = source && mode !== "append" && (
            <Button small kind="main" onClick={() => askLoad({ mode, table, ...source, replaces: id })}>
                Change the types
            </Button>
        );
        const again = (
            <Button
                small
                kind={types ? "plain" : "main"}
                onClick={() => askLoad({ mode, table, columns: source?.columns ?? null, replaces: id })}
            >
                Choose another file
            </Button>
        );
        return (
            <Entry {...common} mark="bad" text="Nothing was loaded." actions={[types, again, dismiss]}>
                <LineErrors problem={new Problem(error.status ?? 500, error)} />
            </Entry>
        );
    }
    const run = () => {
        stop(true);
        stopLoad(id).then(
            () => tell(`The load of ${table} is stopped. Nothing of it is kept.`),
            (problem: unknown) => {
                stop(false);
                complain(problem);
            },
        );
    };
    return (
        <Entry
            {...common}
            mark="busy"
            text={reading(load)}
            actions={
                <Button small busy={stopping} onClick={run} label={`Stop the load of ${table}`}>
                    Stop
                </Button>
            }
        >
            <Progress label={`Loading ${table}`} value={load.bytes_done || undefined} max={load.bytes ?? 0} />
        </Entry>
    );
}

/** All of the team, or those of one table. */
export function Loads({ table }: { table?: string }) {
    const mine = (name: string) => table === undefined || name.toLowerCase() === table.toLowerCase();
    const sending = uploads.value.filter((upload) => mine(upload.table));
    const loading = shownLoads.value.filter((load) => mine(load.table_name));
    if (sending.length + loading.length === 0) return null;
    return (
        <ul aria-label="Uploads" class="divide-y divide-line rounded-xl border border-line bg-surface">
            {sending.map((upload) => (
                <Sending key={upload.key} upload={upload} />
            ))}
            {loading.map((load) => (
                <Loading key={load.id} load={load} here={table !== undefined} />
            ))}
        </ul>
    );
}
