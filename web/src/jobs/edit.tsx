// The pages with a job's form.
import type { Job } from "../api/client";
import { ready, views } from "../live/team";
import { query, to } from "../router";
import { LinkButton } from "../ui/button";
import { Empty, Page } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { JobForm } from "./form";

export function NewJob() {
    const names = [...views.value.keys()].sort();
    const asked = query.value.get("view") ?? "";
    return (
        <Page
            title="New job"
            back={{ href: to("jobs"), text: "Jobs" }}
            intro="A job refreshes a view by a schedule. What is new is told to the channels that follow it."
        >
            {!ready.value ? (
                <Waiting />
            ) : names.length === 0 ? (
                <Empty title="There is no view to refresh" action={<NewView />}>
                    A view is a query over your tables. Make one first; a job then keeps it up to date.
                </Empty>
            ) : (
                <JobForm view={names.includes(asked) ? asked : (names[0] ?? "")} views={names} />
            )}
        </Page>
    );
}

function NewView() {
    return (
        <LinkButton kind="main" href={to("views", "new")}>
            Make a view
        </LinkButton>
    );
}

export function EditJob({ job }: { job: Job }) {
    return (
        <Page title={`Change job ${job.id}`} back={{ href: to("jobs", job.id), text: `Job ${job.id}` }}>
            <p>
                It refreshes{" "}
                <a class="font-medium text-accent underline" href={to("views", job.view_name)}>
                    {job.view_name}
                </a>
                . A new schedule counts from now: what was due before is not made up for.
            </p>
            <JobForm key={job.id} job={job} view={job.view_name} views={[]} />
        </Page>
    );
}
