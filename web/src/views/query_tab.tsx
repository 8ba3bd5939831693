// The query of a view: changed, tried, and saved as its next version.
import { useState } from "preact/hooks";
import { api, body } from "../api/client";
import { account } from "../account/who";
import { putView } from "../live/team";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { number } from "../ui/format";
import { tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import { Desk } from "./desk";
import { useDraft } from "./draft";
import { Leaving } from "./leaving";
import { useTrial } from "./run";
import type { TabProps } from "./view";

function Writing({ view }: TabProps) {
    const name = view.view_name;
    const draft = useDraft(name, view.sql_query);
    const trial = useTrial();
    const [refusal, refuse] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const [begun] = useState(view.sql_query);
    const forgive = () => {
        trial.forgive();
        refuse(null);
    };
    const save = async () => {
        work(true);
        refuse(null);
        try {
            const sql_query = draft.text;
            const saved = await body(api.PATCH("/views/{name}", { params: { path: { name } }, body: { sql_query } }));
            putView(saved);
            tell(`Saved: version ${number(saved.version)} is by the new query.`);
        } catch (problem) {
            refuse(problem);
        }
        work(false);
    };
    return (
        <>
            {draft.unsaved && view.sql_query !== begun && (
                <p role="status" class="rounded-lg border border-warn/60 bg-warn/10 px-4 py-2 text-sm">
                    Somebody has saved another query meanwhile. Saving yours replaces it.
                </p>
            )}
            <Desk
                draft={draft}
                label={`The query of ${name}, in SQL`}
                trial={trial}
                refusal={refusal}
                forgive={forgive}
            >
                <Button
                    small
                    kind="main"
                    busy={busy}
                    disabled={!draft.unsaved || !draft.text.trim()}
                    onClick={() => void save()}
                >
                    Save
                </Button>
                {draft.unsaved && (
                    <>
                        <Badge tone="warn">not saved</Badge>
                        <Button
                            small
                            kind="quiet"
                            onClick={() => {
                                forgive();
                                draft.drop();
                            }}
                        >
                            Discard
                        </Button>
                    </>
                )}
            </Desk>
            <Leaving unsaved={draft.unsaved} discard={draft.drop} />
        </>
    );
}

export function QueryTab({ view }: TabProps) {
    return account.value ? <Writing view={view} /> : <Waiting />;
}
