// One entry of the log: what happened to what, when, by whom; and all of it as JSON.
import { useState } from "preact/hooks";
import { ChevronRight, UserRound } from "lucide-preact";
import { account } from "../account/who";
import type { Load, LogEvent } from "../api/client";
import { channels, jobs, tables, views } from "../live/team";
import { to } from "../router";
import { Code } from "../ui/code";
import { number, plural } from "../ui/format";
import { KindIcon, type Kind } from "../ui/kind";
import { Moment } from "../ui/time";
import { viewHref } from "../views/address";
import { Change } from "../views/change";
import type { Told } from "../channels/told";
import { typeText } from "./types";

const kinds: Record<string, Kind> = {
    table: "table",
    load: "table",
    view: "view",
    run: "view",
    job: "job",
    channel: "channel",
};
const link = "text-accent underline";

function hrefOf(kind: Kind | undefined, subject: string): string | undefined {
    if (kind === "table" && tables.value.has(subject)) return to("tables", subject);
    if (kind === "view" && views.value.has(subject)) return viewHref(subject);
    if (kind === "job" && jobs.value.has(Number(subject))) return to("jobs", subject);
    if (kind === "channel" && channels.value.has(subject)) return to("channels", subject);
    return undefined;
}

/** A load has a number that says nothing: what it is for does. */
function subjectOf({ type, subject, data }: LogEvent): string {
    return type.startsWith("load.") ? (data as Load).table_name : subject;
}

/** A load says in full what was wrong with its file, all else in one sentence. */
function errorOf(data: unknown): string | undefined {
    const { error } = data as { error?: string | { detail?: string } | null };
    return typeof error === "string" ? error : error?.detail;
}

function Subject({ kind, subject }: { kind: Kind | undefined; subject: string }) {
    const href = hrefOf(kind, subject);
    const text = kind === "job" ? `job ${subject}` : kind ? subject : subject.slice(0, 8);
    return href ? (
        <a class={`${link} break-all`} href={href}>
            {text}
        </a>
    ) : (
        <span class={`break-all ${kind ? "" : "text-muted"}`}>{text}</span>
    );
}

/** What makes the entry worth reading. */
function Gist({ event: { type, data } }: { event: LogEvent }) {
    if (type === "view.refreshed") {
        const { version, added, removed } = data as Told;
        return (
            <span class="text-sm">
                version {number(version)} <Change added={added} removed={removed} />
            </span>
        );
    }
    if (type === "load.succeeded") return <span class="text-sm">{plural((data as Load).rows ?? 0, "row")}</span>;
    if (!type.endsWith(".failed")) return null;
    return <span class="order-last basis-full break-words text-sm text-bad md:pl-16">{errorOf(data)}</span>;
}

function Actor({ actor }: { actor: string }) {
    const job = /^job:(\d+)$/.exec(actor)?.[1];
    if (job) {
        return (
            <a class={link} href={to("jobs", job)}>
                job {job}
            </a>
        );
    }
    if (actor === "system") return <>the server</>;
    return <>{actor === account.value?.id ? "you" : `account ${actor.slice(0, 8)}`}</>;
}

export function Entry({ event }: { event: LogEvent }) {
    const [open, show] = useState(false);
    const kind = kinds[event.type.split(".")[0] ?? ""];
    const bad = event.type.endsWith(".failed");
    return (
        <li class="px-4 py-2" data-entry={event.n}>
            <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <button
                    class="-ml-1 flex items-center gap-1 rounded px-1 text-muted hover:text-fg"
                    aria-expanded={open}
                    aria-label={`Entry ${event.n}: ${open ? "hide" : "show"} the details`}
                    onClick={() => show(!open)}
                >
                    <ChevronRight size={16} class={open ? "rotate-90" : ""} aria-hidden="true" />
                    <span class="min-w-10 text-right tabular-nums">{event.n}</span>
                </button>
                {kind ? (
                    <KindIcon kind={kind} size={16} />
                ) : (
                    <UserRound size={16} class="text-muted" aria-hidden="true" />
                )}
                <span class={`font-medium ${bad ? "text-bad" : ""}`} title={event.type}>
                    {typeText(event.type)}
                </span>
                <span class="min-w-0">
                    <Subject kind={kind} subject={subjectOf(event)} />
                </span>
                <Gist event={event} />
                <span class="ml-auto text-sm text-muted">
                    <Moment at={event.at} /> by <Actor actor={event.actor} />
                </span>
            </div>
            {open && (
                <div class="mt-2">
                    <Code text={JSON.stringify(event, null, 2)} />
                </div>
            )}
        </li>
    );
}
