// What can be done with a view: refreshed, scheduled, deleted.
import { useState } from "preact/hooks";
import { CalendarClock, RefreshCw, Trash2 } from "lucide-preact";
import { api, body, type View } from "../api/client";
import { dependentsOf } from "../live/dependents";
import { dropView, putView } from "../live/team";
import { go } from "../router";
import { Button, LinkButton } from "../ui/button";
import { DeleteDialog } from "../ui/confirm";
import { number } from "../ui/format";
import { complain, tell } from "../ui/toast";
import { forgetDraft } from "./draft";

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
                    dependents={dependentsOf(name)}
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
