// For those who look after the server: its present, accounts, teams, jobs that fail, and its log.
import { useEffect, useState } from "preact/hooks";
import { account } from "../account/who";
import type { PageProps } from "../pages";
import { to } from "../router";
import { Badge } from "../ui/badge";
import { Failed } from "../ui/failed";
import { Page } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { Accounts } from "./accounts";
import { FailingJobs } from "./failing";
import { Present } from "./present";
import { Tail } from "./tail";
import { Teams } from "./teams";
import { Watch } from "./watch";

const parts = {
    "": { text: "Now", part: Present },
    accounts: { text: "Accounts", part: Accounts },
    teams: { text: "Teams", part: Teams },
    jobs: { text: "Jobs that fail", part: FailingJobs },
    log: { text: "Log", part: Tail },
};

type Step = keyof typeof parts;
const known = (step: string): step is Step => step in parts;

function Nav({ here }: { here: Step }) {
    return (
        <nav aria-label="Admin" class="-mx-1 flex flex-wrap gap-1 p-1">
            {Object.entries(parts).map(([step, { text }]) => (
                <a
                    key={step}
                    href={step ? to("admin", step) : to("admin")}
                    aria-current={step === here ? "page" : undefined}
                    class={`whitespace-nowrap rounded-lg px-3 py-1.5 text-sm font-medium ${
                        step === here ? "bg-accent/10 text-accent" : "text-muted hover:bg-sunken hover:text-fg"
                    }`}
                >
                    {text}
                </a>
            ))}
        </nav>
    );
}

function ForSuperusers({ step }: { step: Step }) {
    const [watch] = useState(() => new Watch());
    useEffect(() => () => watch.close(), []);
    const Part = parts[step].part;
    const live = watch.state.value === "open";
    return (
        <Page
            title="Admin"
            heading={
                <>
                    Admin <Badge tone={live ? "good" : "warn"}>{live ? "live" : "connecting …"}</Badge>
                </>
            }
        >
            <Nav here={step} />
            <Failed problem={watch.problem.value} />
            <Part watch={watch} />
        </Page>
    );
}

function ForOthers() {
    return (
        <Page title="Admin">
            <p>
                This part is for those who look after the server. Your account is not one of them: on the server,{" "}
                <code>tinydevcrm superuser EMAIL</code> makes one.
            </p>
        </Page>
    );
}

export function Admin({ rest: [step = ""] }: PageProps) {
    if (!account.value) return <Waiting />;
    if (!account.value.is_superuser) return <ForOthers />;
    return <ForSuperusers step={known(step) ? step : ""} />;
}
