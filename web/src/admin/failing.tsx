// Jobs of all teams whose last run failed.
import { api, body, type FailingJob } from "../api/client";
import { scheduleText } from "../jobs/words";
import { usePaged } from "../live/paged";
import { Badge } from "../ui/badge";
import { Failed } from "../ui/failed";
import { plural } from "../ui/format";
import { KindIcon } from "../ui/kind";
import { List, ListRow } from "../ui/list";
import { More } from "../ui/more";
import { Empty } from "../ui/page";
import { Ago } from "../ui/time";
import { Waiting } from "../ui/waiting";
import { TeamName } from "./team_name";
import type { Watch } from "./watch";

function Row({ watch, job }: { watch: Watch; job: FailingJob }) {
    return (
        <ListRow
            icon={<KindIcon kind="job" />}
            title={
                <>
                    Job {job.job_id} <span class="font-normal text-muted">refreshes</span>{" "}
                    <span class="break-all">{job.view_name}</span>
                </>
            }
            facts={
                <>
                    <TeamName watch={watch} id={job.team} />
                    <span title={job.crontab_def}>{scheduleText(job.crontab_def) ?? job.crontab_def}</span>
                    <span>{job.timezone}</span>
                </>
            }
            state={
                <>
                    {!job.active && <Badge tone="warn">Paused</Badge>}
                    <Badge tone="bad">{plural(job.failures, "failure")} in a row</Badge>
                    <span class="text-muted">
                        since <Ago at={job.failing_since} />, last <Ago at={job.last_run} />
                    </span>
                </>
            }
        >
            <p class="break-words rounded-lg bg-bad/10 px-3 py-2 text-sm text-bad">{job.last_error}</p>
        </ListRow>
    );
}

export function FailingJobs({ watch }: { watch: Watch }) {
    const { items, ready, more, problem, older, again } = usePaged<FailingJob>(
        (after) => body(api.GET("/admin/jobs/failing", { params: { query: { after } } })),
        watch.lists.value,
    );
    if (problem) return <Failed problem={problem} again={again} />;
    if (!ready) return <Waiting />;
    if (items.length === 0) return <Empty title="No job fails">Jobs whose last run failed are listed here.</Empty>;
    return (
        <>
            <List label="Jobs that fail">
                {items.map((job) => (
                    <Row key={`${job.team} ${job.job_id}`} watch={watch} job={job} />
                ))}
            </List>
            {more && <More text="More jobs" onMore={older} />}
        </>
    );
}
