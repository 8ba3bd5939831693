// One job: what it does, how its runs went, and what can be done to it.
import { useState } from "preact/hooks";
import { Pencil, Trash2 } from "lucide-preact";
import { api, type Channel, type Job } from "../api/client";
import { channels, dropChannel, dropJob } from "../live/team";
import { go, to } from "../router";
import { Badge } from "../ui/badge";
import { Button, LinkButton } from "../ui/button";
import { DeleteDialog } from "../ui/confirm";
import { Failed } from "../ui/failed";
import { KindIcon } from "../ui/kind";
import { More } from "../ui/more";
import { Card, Page } from "../ui/page";
import { tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import { viewHref } from "../views/address";
import { About } from "./about";
import { PauseButton, RunButton } from "./actions";
import { RunTable } from "./run_table";
import { useRuns } from "./runs";
import { Timeline } from "./timeline";

function DeleteJob({ job, followers, onClose }: { job: Job; followers: readonly Channel[]; onClose: () => void }) {
    // A channel that follows other jobs too goes on without this one.
    const going = followers.filter(({ job_ids }) => job_ids.length === 1).map((channel) => channel.public_identifier);
    const staying = followers.length - going.length;
    return (
        <DeleteDialog
            what={`job ${job.id}`}
            note={
                "Its runs go with it, and this can't be undone. The view stays." +
                (staying ? " Channels that follow other jobs as well stay, without this one." : "")
            }
            dependents={{ channels: going }}
            onDelete={async () => {
                await api.DELETE("/jobs/{id}", { params: { path: { id: String(job.id) } } });
                go("jobs");
                going.forEach(dropChannel);
                dropJob(job.id);
                tell(`Job ${job.id} is deleted.`);
            }}
            onClose={onClose}
        />
    );
}

function History({ job }: { job: Job }) {
    const { runs, ready, more, problem, older } = useRuns(job.id);
    if (problem) return <Failed problem={problem} />;
    if (!ready) return <Waiting />;
    if (runs.length === 0) {
        return (
            <Card title="Runs">
                <p class="text-muted">It has not run yet. It will at its time, or at once with “Run now”.</p>
            </Card>
        );
    }
    return (
        <>
            <Card title="The last runs">
                <Timeline runs={runs} />
                <p class="mt-3 text-sm text-muted">
                    The higher, the longer it took. Circles are runs that were skipped, because nothing that the view
                    reads had moved; crosses are failures.
                </p>
            </Card>
            <Card title="Runs" flush>
                <RunTable runs={runs} />
                {more && <More text="Older runs" onMore={older} />}
            </Card>
        </>
    );
}

export function JobPage({ job }: { job: Job }) {
    const [asking, ask] = useState(false);
    const followers = [...channels.value.values()].filter(({ job_ids }) => job_ids.includes(job.id));
    return (
        <Page
            title={`Job ${job.id}`}
            back={{ href: to("jobs"), text: "Jobs" }}
            heading={
                <>
                    <KindIcon kind="job" size={24} />
                    Job {job.id}
                    {!job.active && <Badge tone="warn">Paused</Badge>}
                </>
            }
            actions={
                <>
                    <RunButton job={job} main />
                    <PauseButton job={job} />
                    <LinkButton href={to("jobs", job.id, "edit")}>
                        <Pencil size={16} aria-hidden="true" />
                        Change
                    </LinkButton>
                    <Button kind="danger" onClick={() => ask(true)}>
                        <Trash2 size={16} aria-hidden="true" />
                        Delete
                    </Button>
                </>
            }
        >
            {job.last_outcome === "failed" && job.last_error && (
                <Failed problem={new Error(job.last_error)}>
                    <p class="mt-1">
                        The last run failed, and the rows are as they were. Mend{" "}
                        <a class="underline" href={viewHref(job.view_name, "query")}>
                            the view's query
                        </a>{" "}
                        or what it reads; then run the job.
                    </p>
                </Failed>
            )}
            <About job={job} followers={followers} />
            <History job={job} />
            {asking && <DeleteJob job={job} followers={followers} onClose={() => ask(false)} />}
        </Page>
    );
}
