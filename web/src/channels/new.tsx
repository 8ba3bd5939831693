// Makes a channel: which jobs it follows, and what its events carry, with an example.
import { useState } from "preact/hooks";
import { api, body, type Job } from "../api/client";
import { Problem } from "../api/problem";
import { jobs, putChannel, ready, views } from "../live/team";
import { go, query, to } from "../router";
import { scheduleText } from "../jobs/words";
import { Button, LinkButton } from "../ui/button";
import { Choices } from "../ui/choices";
import { Failed } from "../ui/failed";
import { Checkbox } from "../ui/field";
import { Card, Empty, Page } from "../ui/page";
import { tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import { includeChoices, type Include } from "./include";
import { example } from "./told";

interface JobsFieldProps {
    all: readonly Job[];
    chosen: readonly number[];
    onValue: (chosen: number[]) => void;
    error?: string;
}

function JobsField({ all, chosen, onValue, error }: JobsFieldProps) {
    return (
        <fieldset aria-describedby={error ? "jobs-error" : undefined}>
            <legend class="mb-1 text-sm font-medium">Jobs to follow</legend>
            <div class="grid gap-1">
                {all.map((job) => (
                    <Checkbox
                        key={job.id}
                        label={`Job ${job.id}: ${job.view_name}. ${scheduleText(job.crontab_def) ?? job.crontab_def}`}
                        checked={chosen.includes(job.id)}
                        onValue={(on) => onValue(on ? [...chosen, job.id] : chosen.filter((id) => id !== job.id))}
                    />
                ))}
            </div>
            {error && (
                <p id="jobs-error" role="alert" class="mt-1 text-sm text-bad">
                    {error}
                </p>
            )}
        </fieldset>
    );
}

function Example({ name, include }: { name: string; include: Include }) {
    const told = JSON.stringify(example(views.value.get(name), name, include), null, 2);
    return (
        <Card title="What a client will get">
            <div class="grid grid-cols-[minmax(0,1fr)] gap-2">
                <p class="text-sm text-muted">
                    The data of one event, here with values made up and spread over lines; it comes as one line.
                </p>
                <pre class="overflow-x-auto rounded-lg bg-sunken p-3" tabIndex={0} aria-label="Example of an event">
                    {told}
                </pre>
            </div>
        </Card>
    );
}

function Form({ all }: { all: readonly Job[] }) {
    const asked = Number(query.value.get("job"));
    const first = all.find(({ id }) => id === asked) ?? (all.length === 1 ? all[0] : undefined);
    const [chosen, choose] = useState<number[]>(first ? [first.id] : []);
    const [include, carry] = useState<Include>("changes");
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const told = (field: string) => (problem instanceof Problem ? problem.field(field) : undefined);
    const ofJobs = told("job_ids") ?? told("job_id");
    const save = async (event: Event) => {
        event.preventDefault();
        work(true);
        fail(null);
        try {
            const asked = { job_ids: [...chosen].sort((a, b) => a - b), include: include === "none" ? null : include };
            const channel = await body(api.POST("/channels", { body: asked }));
            putChannel(channel);
            tell("The channel is open.");
            go("channels", channel.public_identifier);
        } catch (caught) {
            fail(caught);
            work(false);
        }
    };
    const shown = all.find(({ id }) => chosen.includes(id)) ?? all[0];
    return (
        <div class="grid items-start gap-6 lg:grid-cols-2">
            <form
                class="grid gap-6 rounded-xl border border-line bg-surface p-4"
                onSubmit={(event) => void save(event)}
            >
                <JobsField
                    all={all}
                    chosen={chosen}
                    onValue={(ids) => {
                        choose(ids);
                        fail(null);
                    }}
                    error={ofJobs}
                />
                <Choices label="Events carry" value={include} choices={includeChoices} onValue={carry} />
                {!ofJobs && <Failed problem={problem} />}
                <div class="flex flex-wrap justify-end gap-2">
                    <LinkButton href={to("channels")}>Cancel</LinkButton>
                    <Button kind="main" type="submit" busy={busy}>
                        Make the channel
                    </Button>
                </div>
            </form>
            {shown && <Example name={shown.view_name} include={include} />}
        </div>
    );
}

export function NewChannel() {
    const all = [...jobs.value.values()].sort((a, b) => a.id - b.id);
    return (
        <Page title="New channel" back={{ href: to("channels"), text: "Channels" }}>
            {!ready.value ? (
                <Waiting />
            ) : all.length > 0 ? (
                <Form all={all} />
            ) : (
                <Empty
                    title="There is no job to follow"
                    action={
                        <LinkButton kind="main" href={to("jobs", "new")}>
                            Make a job
                        </LinkButton>
                    }
                >
                    A channel tells what a job's runs bring to light. Make a job first.
                </Empty>
            )}
        </Page>
    );
}
