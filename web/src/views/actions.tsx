// What can be done with a view: refreshed, scheduled, deleted.
import { useState } from "preact/hooks";
import { CalendarClock, RefreshCw, Trash2 } from "lucide-preact";
import { api, body, type View } from "../api/client";
import { channels, dropView, putView } from "../live/team";
import { go } from "../router";
import { Button, LinkButton } from "../ui/button";
import { DeleteDialog } from "../ui/confirm";
import { number } from "../ui/format";
import { complain, tell } from "../ui/toast";
import { forgetDraft } from "./draft";
import { jobsOf } from "./state";

function Refresh({ name }: { name: string }) {
    const [busy, work] = useState(false);
    const run = async () => {
        work(true);
        try {
            const { outcome, ...view } = await body(
                api.POST("/views/{name}/refresh", { params: { path: { name } }, body: {} }) as Promise<{
                    data?: View & { outcome: string };
                }>,
            );
            putView(view);
            tell(
                outcome === "skipped"
                    ? "Nothing that the view reads has changed: it stays as it is."
                    : `Refreshed: version ${number(view.version)}.`,
            );
        } catch (problem) {
            complain(problem);
        }
        work(false);
    };
    return (
        <Button busy={busy} onClick={() => void run()}>
            {!busy && <RefreshCw size={16} aria-hidden="true" />} Refresh now
        </Button>
    );
}

/** Jobs that refresh it, views that read it, channels that follow nothing but these jobs. */
function dependentsOf(view: View) {
    const jobs = jobsOf(view.view_name).map(({ id }) => id);
    const only = Array.from(channels.value.values()).filter(
        ({ job_ids }) => job_ids.length > 0 && job_ids.every((id) => jobs.includes(id)),
    );
    return { views: view.dependents, jobs, channels: only.map(({ public_identifier }) => public_identifier ?? "") };
}

function Delete({ view }: { view: View }) {
    const [asking, ask] = useState(false);
    const name = view.view_name;
    return (
        <>
            <Button kind="danger" onClick={() => ask(true)}>
                <Trash2 size={16} aria-hidden="true" /> Delete
            </Button>
            {asking && (
                <DeleteDialog
                    what={`the view ${name}`}
                    note="Its rows and its history go. The tables it reads stay."
                    dependents={dependentsOf(view)}
                    onClose={() => ask(false)}
                    onDelete={async (cascade) => {
                        await api.DELETE("/views/{name}", { params: { path: { name }, query: { cascade } } });
                        forgetDraft(name);
                        go("views");
                        dropView(name);
                        tell(`The view ${name} is deleted.`);
                    }}
                />
            )}
        </>
    );
}

export function Actions({ view }: { view: View }) {
    const name = view.view_name;
    return (
        <>
            <Refresh name={name} />
            <LinkButton href={`#/jobs/new?${new URLSearchParams({ view: name }).toString()}`}>
                <CalendarClock size={16} aria-hidden="true" /> Schedule
            </LinkButton>
            <Delete view={view} />
        </>
    );
}
