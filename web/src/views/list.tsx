// All views of the team, as they are now.
import { Plus } from "lucide-preact";
import type { View } from "../api/client";
import { ready, tables, views } from "../live/team";
import { to } from "../router";
import { LinkButton } from "../ui/button";
import { number, plural } from "../ui/format";
import { KindIcon } from "../ui/kind";
import { List, ListRow } from "../ui/list";
import { Empty, Page } from "../ui/page";
import { Ago } from "../ui/time";
import { Waiting } from "../ui/waiting";
import { viewHref } from "./address";
import { Change } from "./change";
import { useFlash } from "./flash";
import { RelationLinks } from "./links";
import { JobsOf, StateOf } from "./state";

function Line({ view }: { view: View }) {
    const flash = useFlash<HTMLSpanElement>(view.version);
    return (
        <ListRow
            icon={<KindIcon kind="view" />}
            title={
                <a class="break-all text-accent underline" href={viewHref(view.view_name)}>
                    {view.view_name}
                </a>
            }
            facts={
                <>
                    <span>{plural(view.row_count, "row")}</span>
                    <span ref={flash} class="inline-flex flex-wrap gap-x-2 rounded">
                        <span>version {number(view.version)}</span>
                        <Ago at={view.refreshed_at} />
                        <Change added={view.added} removed={view.removed} />
                    </span>
                    <span class="inline-flex flex-wrap gap-x-1.5">
                        reads <RelationLinks names={view.depends_on} />
                    </span>
                </>
            }
            state={
                <>
                    <JobsOf name={view.view_name} />
                    <StateOf view={view} />
                </>
            }
        >
            {view.error && <p class="break-words pl-8 text-sm text-bad">{view.error}</p>}
        </ListRow>
    );
}

function None() {
    const any = tables.value.size > 0;
    return (
        <Empty
            title="No views yet"
            action={
                any ? (
                    <LinkButton kind="main" href={to("views", "new")}>
                        <Plus size={18} aria-hidden="true" /> Write the first one
                    </LinkButton>
                ) : (
                    <LinkButton kind="main" href={to("tables")}>
                        <KindIcon kind="table" /> Upload a table first
                    </LinkButton>
                )
            }
        >
            A view is a question in SQL that stays: its answer is kept, refreshed by hand or by a job, and each refresh
            that changes something is a new version. You see which rows came and which went, and a channel tells others.
        </Empty>
    );
}

export function ViewList() {
    const all = Array.from(views.value.values()).sort((a, b) => a.view_name.localeCompare(b.view_name));
    return (
        <Page
            title="Views"
            actions={
                all.length > 0 && (
                    <LinkButton kind="main" href={to("views", "new")}>
                        <Plus size={18} aria-hidden="true" /> New view
                    </LinkButton>
                )
            }
        >
            {!ready.value && <Waiting />}
            {ready.value && all.length === 0 && <None />}
            {all.length > 0 && (
                <List label="Views">
                    {all.map((view) => (
                        <Line key={view.view_name} view={view} />
                    ))}
                </List>
            )}
        </Page>
    );
}
