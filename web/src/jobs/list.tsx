// All jobs of the team: what each refreshes, when, and how it went.
import { Plus } from "lucide-preact";
import type { Job } from "../api/client";
import { empty, jobs, ready } from "../live/team";
import { to } from "../router";
import { Badge } from "../ui/badge";
import { LinkButton } from "../ui/button";
import { KindIcon } from "../ui/kind";
import { List, ListRow } from "../ui/list";
import { Empty, Page } from "../ui/page";
import { Ago } from "../ui/time";
import { Waiting } from "../ui/waiting";
import { PauseButton, RunButton } from "./actions";
import { OutcomeBadge } from "./outcome";
import { scheduleText } from "./words";

function Row({ job }: { job: Job }) {
    return (
        <ListRow
            icon={<KindIcon kind="job" />}
            title={
                <a class="hover:text-accent hover:underline" href={to("jobs", job.id)}>
                    Job {job.id}
                    <span class="font-normal text-muted"> refreshes </span>
                    {job.view_name}
                </a>
            }
            facts={
                <>
                    <span title={job.crontab_def}>{scheduleText(job.crontab_def) ?? job.crontab_def}</span>
                    <span>{job.timezone}</span>
                </>
            }
            state={
                <>
                    {job.active ? (
                        <span class="text-muted">
                            Next <Ago at={job.next_run} none="soon" />
                        </span>
                    ) : (
                        <Badge tone="warn">Paused</Badge>
                    )}
                    <OutcomeBadge outcome={job.last_outcome} />
                </>
            }
            actions={
                <>
                    <RunButton job={job} small />
                    <PauseButton job={job} small />
                </>
            }
        >
            {job.last_outcome === "failed" && job.last_error && (
                <p class="break-words rounded-lg bg-bad/10 px-3 py-2 text-sm text-bad">{job.last_error}</p>
            )}
        </ListRow>
    );
}

export function NewJobButton({ view }: { view?: string }) {
    const href = to("jobs", "new") + (view ? `?view=${encodeURIComponent(view)}` : "");
    return (
        <LinkButton kind="main" href={href}>
            <Plus size={16} aria-hidden="true" />
            New job
        </LinkButton>
    );
}

export function JobList() {
    const list = [...jobs.value.values()].sort((a, b) => a.id - b.id);
    return (
        <Page
            title="Jobs"
            intro="A job refreshes a view by a schedule, in a time zone of your choice."
            actions={list.length > 0 && <NewJobButton />}
        >
            {!ready.value ? (
                <Waiting />
            ) : list.length > 0 ? (
                <List label="Jobs">
                    {list.map((job) => (
                        <Row key={job.id} job={job} />
                    ))}
                </List>
            ) : (
                <Empty title="No jobs yet" action={<NewJobButton />}>
                    A job asks a view's question again, every few seconds or once a month, and tells the channels what
                    has changed. {empty.value && "First there must be a table, and a view over it."}
                </Empty>
            )}
        </Page>
    );
}
