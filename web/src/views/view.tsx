// One view: its facts, what can be done with it, and its tabs.
import type { ComponentType } from "preact";
import type { View } from "../api/client";
import { ready, views } from "../live/team";
import { to } from "../router";
import { LinkButton } from "../ui/button";
import { duration, number } from "../ui/format";
import { KindIcon } from "../ui/kind";
import { lazy } from "../ui/lazy";
import { Card, Empty, Facts, Page } from "../ui/page";
import { Ago } from "../ui/time";
import { Waiting } from "../ui/waiting";
import { Actions } from "./actions";
import { changesHref, tabs, viewHref, type Tab } from "./address";
import { Change } from "./change";
import { useFlash } from "./flash";
import { HistoryTab } from "./history_tab";
import { RelationLinks } from "./links";
import { RowsTab } from "./rows_tab";
import { JobsOf, StateOf } from "./state";

export interface TabProps {
    view: View;
}

const shown: Record<Tab, ComponentType<TabProps>> = {
    rows: RowsTab,
    query: lazy(() => import("./query_tab").then((m) => m.QueryTab)),
    chart: lazy(() => import("./chart_tab").then((m) => m.ChartTab)),
    history: HistoryTab,
};

const isTab = (tab: string): tab is Tab => Object.hasOwn(tabs, tab);

function Tabs({ name, here }: { name: string; here: Tab }) {
    return (
        <nav aria-label="Parts of the view" class="flex gap-1 overflow-x-auto border-b border-line">
            {Object.entries(tabs).map(([tab, text]) => (
                <a
                    key={tab}
                    href={viewHref(name, tab as Tab)}
                    aria-current={tab === here ? "page" : undefined}
                    class={`-mb-px min-h-10 whitespace-nowrap border-b-2 px-4 py-2 focus-visible:outline-offset-[-2px] ${
                        tab === here
                            ? "border-accent font-medium text-accent"
                            : "border-transparent text-muted hover:border-edge hover:text-fg"
                    }`}
                >
                    {text}
                </a>
            ))}
        </nav>
    );
}

function Version({ view }: { view: View }) {
    const flash = useFlash<HTMLSpanElement>(view.version);
    return (
        <span ref={flash} class="inline-flex flex-wrap gap-x-2 rounded">
            {number(view.version)}
            {view.version > 1 && (
                <a class="underline" href={changesHref(view.view_name, view.version - 1, view.version)}>
                    <Change added={view.added} removed={view.removed} />
                </a>
            )}
        </span>
    );
}

function Refreshed({ view }: { view: View }) {
    return (
        <>
            <Ago at={view.refreshed_at} />
            <span class="block text-sm font-normal text-muted">took {duration(view.duration_ms)}</span>
        </>
    );
}

function Failure({ view }: { view: View }) {
    if (!view.error) return null;
    return (
        <div role="alert" class="grid gap-2 rounded-xl border border-bad/60 bg-bad/10 px-4 py-3">
            <p class="font-semibold text-bad">The last refresh failed</p>
            <p class="whitespace-pre-wrap break-words text-sm">{view.error}</p>
            <p class="text-sm text-muted">
                The rows are those of version {number(view.version)}, until a refresh succeeds.{" "}
                <a class="text-accent underline" href={viewHref(view.view_name, "query")}>
                    Mend the query
                </a>{" "}
                or refresh again.
            </p>
        </div>
    );
}

function Gone({ name }: { name: string }) {
    return (
        <Page title="No such view" back={{ href: to("views"), text: "Views" }}>
            <Empty title={`There is no view ${name}`} action={<LinkButton href={to("views")}>All views</LinkButton>}>
                It may have been deleted, or belong to another team.
            </Empty>
        </Page>
    );
}

function Head({ view }: { view: View }) {
    return (
        <>
            <Failure view={view} />
            <Card>
                <Facts
                    facts={[
                        ["Rows", number(view.row_count)],
                        ["Version", <Version key="version" view={view} />],
                        ["Last refresh", <Refreshed key="refresh" view={view} />],
                        ["Reads", <RelationLinks key="reads" names={view.depends_on} />],
                        ["Read by", <RelationLinks key="read" names={view.dependents} none="no view" />],
                        ["Refreshed by", <JobsOf key="jobs" name={view.view_name} />],
                    ]}
                />
            </Card>
        </>
    );
}

export function ViewPage({ name, tab }: { name: string; tab: string }) {
    const view = views.value.get(name);
    if (!view) return ready.value ? <Gone name={name} /> : <Waiting />;
    const here = isTab(tab) ? tab : "rows";
    const Tab = shown[here];
    return (
        <Page
            title={name}
            heading={
                <>
                    <KindIcon kind="view" size={24} />
                    {name}
                    <StateOf view={view} />
                </>
            }
            back={{ href: to("views"), text: "Views" }}
            actions={<Actions view={view} />}
        >
            <Head view={view} />
            <Tabs name={name} here={here} />
            <Tab view={view} />
        </Page>
    );
}
