// Jobs: the list, a new one, one of them, and changing it.
import type { PageProps } from "../pages";
import { jobs, ready } from "../live/team";
import { to } from "../router";
import { Page } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { EditJob, NewJob } from "./edit";
import { JobPage } from "./job";
import { JobList } from "./list";

function NoSuchJob({ id }: { id: string }) {
    return (
        <Page title={`There is no job ${id}`} back={{ href: to("jobs"), text: "Jobs" }}>
            <p>It was deleted, or never was. Deleting a view takes its jobs along.</p>
        </Page>
    );
}

export function Jobs({ rest: [step, action] }: PageProps) {
    if (!step) return <JobList />;
    if (step === "new") return <NewJob />;
    const job = jobs.value.get(Number(step));
    if (!job) return ready.value ? <NoSuchJob id={step} /> : <Waiting />;
    return action === "edit" ? <EditJob job={job} /> : <JobPage key={job.id} job={job} />;
}
