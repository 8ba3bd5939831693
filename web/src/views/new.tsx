// A new view: its query is written and tried, then it gets a name.
import { useState } from "preact/hooks";
import { api, body } from "../api/client";
import { Problem } from "../api/problem";
import { account } from "../account/who";
import { putView, tables, views } from "../live/team";
import { query, to } from "../router";
import { Button } from "../ui/button";
import { Page } from "../ui/page";
import { tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import { viewHref } from "./address";
import type { Relation } from "./completion";
import { Desk } from "./desk";
import { useDraft } from "./draft";
import { examplesOf } from "./examples";
import { Leaving } from "./leaving";
import { useTrial } from "./run";
import { Save } from "./save";

/** The table or view that the person comes from, else the first one. */
function source(): Relation | undefined {
    const wanted = query.value.get("from") ?? "";
    const table = tables.value.get(wanted);
    const view = views.value.get(wanted);
    if (view && !table) return { name: view.view_name, kind: "view", columns: view.columns };
    const first = table ?? tables.value.values().next().value;
    return first && { name: first.table_name, kind: "table", columns: first.columns };
}

function Examples({ choose }: { choose: (sql: string) => void }) {
    const from = source();
    if (!from) {
        return (
            <p class="text-sm text-muted">
                There is no table yet to ask something of:{" "}
                <a class="text-accent underline" href={to("tables")}>
                    upload one
                </a>
                , or try <code>SELECT 42 AS answer</code>.
            </p>
        );
    }
    return (
        <div class="flex flex-wrap items-center gap-2">
            <span class="text-sm text-muted">Begin with</span>
            {examplesOf(from).map(({ text, sql }) => (
                <Button key={text} small onClick={() => choose(sql)}>
                    {text}
                </Button>
            ))}
        </div>
    );
}

function Writing() {
    const draft = useDraft("", "");
    const trial = useTrial();
    const [refusal, refuse] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const errors = (field: string) => {
        const told = refusal instanceof Problem ? refusal.field(field) : undefined;
        return told && refusal instanceof Problem && refusal.status === 409 ? refusal.message : told;
    };
    const forgive = () => {
        trial.forgive();
        refuse(null);
    };
    const save = async (view_name: string) => {
        work(true);
        refuse(null);
        try {
            const view = await body(api.POST("/views", { body: { view_name, sql_query: draft.text } }));
            putView(view);
            draft.drop();
            tell(`The view ${view_name} is there.`);
            location.hash = viewHref(view_name);
        } catch (problem) {
            refuse(problem);
            work(false);
        }
    };
    return (
        <>
            {!draft.text.trim() && <Examples choose={draft.put} />}
            <Desk
                draft={draft}
                label="The query, in SQL"
                hint="SELECT …"
                trial={trial}
                refusal={errors("view_name") ? null : refusal}
                forgive={forgive}
                aside={
                    <Save
                        busy={busy}
                        ready={draft.text.trim() !== ""}
                        errors={errors}
                        save={(name) => void save(name.trim())}
                    />
                }
            >
                {draft.text && (
                    <Button
                        small
                        kind="quiet"
                        onClick={() => {
                            forgive();
                            draft.drop();
                        }}
                    >
                        Start over
                    </Button>
                )}
            </Desk>
            <Leaving unsaved={draft.unsaved && !busy} discard={draft.drop} />
        </>
    );
}

export function NewView() {
    return (
        <Page
            title="New view"
            back={{ href: to("views"), text: "Views" }}
            intro={
                <p>
                    A view is a question that stays: one SELECT over your tables and views, in DuckDB's SQL. A job asks
                    it again by a schedule, and tells what has changed, row by row.
                </p>
            }
        >
            {account.value ? <Writing /> : <Waiting />}
        </Page>
    );
}
