// Files that are sent and loads that are under way: how far each is, and what became of it.
import { useState } from "preact/hooks";
import type { Load } from "../api/client";
import { Problem, type ProblemBody } from "../api/problem";
import { to } from "../router";
import { Button, FileButton, LinkButton } from "../ui/button";
import { bytes, plural } from "../ui/format";
import { Progress } from "../ui/progress";
import { complain, tell } from "../ui/toast";
import { askLoad } from "./asked";
import { ACCEPTED } from "./file_choice";
import { Entry } from "./load_entry";
import { LineErrors } from "./line_errors";
import { fileOf, notes, type Mode } from "./notes";
import { shownLoads } from "./shown";
import { continueWith, dismissLoad, dismissUpload, goOn, lentBy, stopLoad, uploads, type Upload } from "./uploads";

function Cut({ upload }: { upload: Upload }) {
    const { key, mode, table, file, bytes: size, sent, columns } = upload;
    const take = (chosen: File) => {
        if (!continueWith(key, chosen)) askLoad({ mode, table, columns, file: chosen, replaces: key });
    };
    const text = sent
        ? `${bytes(sent)} of ${bytes(size)} have arrived. Choose the file again, and the rest is sent.`
        : "This page was reloaded before any of the file was sent. Choose it again.";
    return (
        <Entry
            {...{ mode, table, file }}
            mark="bad"
            text={text}
            actions={[
                <FileButton small kind="main" accept={ACCEPTED} onFile={take}>
                    Choose the file again
                </FileButton>,
                <Button small onClick={() => dismissUpload(key)}>
                    Dismiss
                </Button>,
            ]}
        >
            {sent > 0 && <Progress label={`Sending ${file}`} value={sent} max={size} />}
        </Entry>
    );
}

function Failed({ upload }: { upload: Upload }) {
    const { key, mode, table, file, problem, columns } = upload;
    return (
        <Entry
            {...{ mode, table, file }}
            mark="bad"
            text="Nothing was loaded."
            actions={[
                <Button small kind="main" onClick={() => goOn(key)}>
                    Try again
                </Button>,
                <Button small onClick={() => askLoad({ mode, table, columns, replaces: key })}>
                    Choose another file
                </Button>,
                <Button small onClick={() => dismissUpload(key)}>
                    Dismiss
                </Button>,
            ]}
        >
            <LineErrors problem={problem} />
        </Entry>
    );
}

function progress({ bytes: size, sent, state }: Upload): string {
    const far = `${bytes(sent)} of ${bytes(size)}`;
    if (state === "waiting") return `1 of 2: ${far} sent. It was interrupted, and goes on by itself.`;
    return sent >= size ? `All ${bytes(size)} are sent` : `1 of 2: sending ${far}`;
}

function Sending({ upload }: { upload: Upload }) {
    const { key, mode, table, file, bytes: size, sent, state } = upload;
    if (state === "cut") return <Cut upload={upload} />;
    if (state === "failed") return <Failed upload={upload} />;
    return (
        <Entry
            {...{ mode, table, file }}
            mark="busy"
            text={progress(upload)}
            actions={
                <Button small onClick={() => dismissUpload(key)} label={`Stop the upload of ${file}`}>
                    Stop
                </Button>
            }
        >
            <Progress label={`Sending ${file}`} value={sent >= size ? undefined : sent} max={size} />
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
        const columns = notes.value.find((note) => note.load === id)?.columns ?? null;
        const lent = lentBy(load);
        const types = lent && mode !== "append" && (
            <Button small kind="main" onClick={() => askLoad({ mode, table, columns, file: lent, replaces: id })}>
                Change the types
            </Button>
        );
        const again = (
            <Button
                small
                kind={types ? "plain" : "main"}
                onClick={() => askLoad({ mode, table, columns, replaces: id })}
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
