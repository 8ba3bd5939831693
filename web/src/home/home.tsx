// Home: the team's whole pipeline as a picture, and what has just happened.
import { useState } from "preact/hooks";
import { channels, jobs, ready, tables, views } from "../live/team";
import { useEntries } from "../log/entries";
import { Entry } from "../log/entry";
import { news } from "../log/types";
import type { PageProps } from "../pages";
import { to } from "../router";
import { Button, LinkButton } from "../ui/button";
import { Failed } from "../ui/failed";
import { plural } from "../ui/format";
import { Card, Page } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { FirstSteps } from "./first_steps";
import { Pipeline } from "./pipeline";
import { isSample, TABLE } from "./sample";

const KEY = "tinydevcrm.steps";
const SHOWN = 8;

function Recent() {
    const { entries, problem } = useEntries(news);
    return (
        <Card
            title="What has happened"
            actions={
                <LinkButton small href={to("log")}>
                    The whole log
                </LinkButton>
            }
            flush
        >
            <Failed problem={problem} />
            <ol class="divide-y divide-line">
                {entries.slice(0, SHOWN).map((event) => (
                    <Entry key={event.n} event={event} />
                ))}
            </ol>
        </Card>
    );
}

export function Home(_: PageProps) {
    const [hidden, hide] = useState(localStorage.getItem(KEY) === "hidden");
    if (!ready.value) return <Waiting />;
    const none = tables.value.size + views.value.size + jobs.value.size + channels.value.size === 0;
    const steps = none || (!hidden && isSample(tables.value.get(TABLE)));
    const set = (value: boolean) => {
        if (value) localStorage.setItem(KEY, "hidden");
        else localStorage.removeItem(KEY);
        hide(value);
    };
    return (
        <Page
            title="Home"
            wide={!none}
            heading={none ? "Welcome" : "Home"}
            intro={
                none
                    ? "Upload a table, ask a standing question of it in SQL, and be told, row by row, when the answer changes."
                    : `${plural(tables.value.size, "table")}, ${plural(views.value.size, "view")}, ${plural(jobs.value.size, "job")}, ${plural(channels.value.size, "channel")}`
            }
            actions={
                !none && (
                    <>
                        {steps && (
                            <Button small kind="quiet" onClick={() => set(true)}>
                                Hide the first steps
                            </Button>
                        )}
                        {!steps && isSample(tables.value.get(TABLE)) && (
                            <Button small kind="quiet" onClick={() => set(false)}>
                                Show the first steps
                            </Button>
                        )}
                        <LinkButton small href={to("tables")}>
                            Upload a table
                        </LinkButton>
                        <LinkButton small kind="main" href={to("views", "new")}>
                            New view
                        </LinkButton>
                    </>
                )
            }
        >
            {!none && (
                <Card title="The pipeline" flush>
                    <Pipeline />
                </Card>
            )}
            {steps && <FirstSteps />}
            {!none && <Recent />}
        </Page>
    );
}
