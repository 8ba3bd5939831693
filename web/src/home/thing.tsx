// One thing of the pipeline as a card: what it is, and how it stands now.
import type { ComponentChildren } from "preact";
import { channels, jobs, listeners, recent, tables, views } from "../live/team";
import { to } from "../router";
import { bytes, plural } from "../ui/format";
import { KindIcon, type Kind } from "../ui/kind";
import { Ago } from "../ui/time";
import { Change } from "../views/change";

interface ThingProps {
    kind: Kind;
    id: string;
}

interface Told {
    title: string;
    line: ComponentChildren;
    href: string;
    bad?: boolean;
    dim?: boolean;
}

function tableTold(name: string): Told | undefined {
    const table = tables.value.get(name);
    return (
        table && {
            title: name,
            line: `${plural(table.row_count, "row")} · ${bytes(table.bytes)}`,
            href: to("tables", name),
        }
    );
}

function viewTold(name: string): Told | undefined {
    const view = views.value.get(name);
    return (
        view && {
            title: name,
            bad: Boolean(view.error),
            line: view.error ? (
                "the last refresh failed"
            ) : (
                <>
                    {plural(view.row_count, "row")} · <Ago at={view.refreshed_at} none="never refreshed" />
                    {view.version > 1 && (
                        <>
                            {" "}
                            <Change added={view.added} removed={view.removed} />
                        </>
                    )}
                </>
            ),
            href: to("views", name),
        }
    );
}

function jobTold(id: string): Told | undefined {
    const job = jobs.value.get(Number(id));
    return (
        job && {
            title: job.crontab_def,
            bad: job.last_outcome === "failed",
            dim: !job.active,
            line: !job.active ? (
                "paused"
            ) : (
                <>
                    {job.last_outcome === "failed" ? "failed · " : ""}next <Ago at={job.next_run} none="never" />
                </>
            ),
            href: to("jobs", id),
        }
    );
}

function channelTold(id: string): Told | undefined {
    const channel = channels.value.get(id);
    const open = listeners.value.get(id) ?? channel?.listeners ?? 0;
    return channel && { title: `${id.slice(0, 8)}…`, line: `${plural(open, "listener")}`, href: to("channels", id) };
}

const tell = { table: tableTold, view: viewTold, job: jobTold, channel: channelTold };

export function Thing({ kind, id }: ThingProps) {
    const told = tell[kind](id);
    if (!told) return null;
    const last = recent.value.find(({ subject, type }) => subject === id && type.startsWith(kind))?.n;
    return (
        <a
            href={told.href}
            class={`relative block h-[68px] overflow-hidden rounded-lg border bg-surface px-3 py-2 hover:border-edge ${
                told.bad ? "border-bad" : "border-line"
            } ${told.dim ? "border-dashed" : ""}`}
        >
            {last !== undefined && <span key={last} class="absolute inset-0 animate-flash" aria-hidden="true" />}
            <span class="relative flex items-center gap-2">
                <KindIcon kind={kind} size={16} />
                <span class="sr-only">{kind} </span>
                <span class="truncate font-medium" title={told.title}>
                    {told.title}
                </span>
            </span>
            <span class={`relative block truncate text-sm ${told.bad ? "text-bad" : "text-muted"}`}>{told.line}</span>
        </a>
    );
}
