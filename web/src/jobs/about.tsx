// What a job does, as facts.
import type { Channel, Job } from "../api/client";
import { to } from "../router";
import { Card, Facts } from "../ui/page";
import { Ago, Moment } from "../ui/time";
import { notifyText } from "./notify";
import { OutcomeBadge } from "./outcome";
import { scheduleText } from "./words";

const link = "text-accent underline";

function Followers({ job, followers }: { job: Job; followers: readonly Channel[] }) {
    const add = `${to("channels", "new")}?job=${job.id}`;
    return (
        <span class="flex flex-wrap gap-x-3">
            {followers.map(({ public_identifier: id }) => (
                <a key={id} class={`${link} font-mono text-sm`} href={to("channels", id)} title={id}>
                    {id.slice(0, 8)}
                </a>
            ))}
            <a class={link} href={add}>
                {followers.length ? "Another" : "Make a channel"}
            </a>
        </span>
    );
}

export function About({ job, followers }: { job: Job; followers: readonly Channel[] }) {
    return (
        <Card>
            <Facts
                facts={[
                    [
                        "View",
                        <a class={link} href={to("views", job.view_name)}>
                            {job.view_name}
                        </a>,
                    ],
                    [
                        "Schedule",
                        <span class="grid">
                            {scheduleText(job.crontab_def) ?? job.crontab_def}
                            <code class="font-normal text-muted">{job.crontab_def}</code>
                            <span class="text-sm font-normal text-muted">{job.timezone}</span>
                        </span>,
                    ],
                    [
                        "Next run",
                        job.active ? (
                            <span class="grid">
                                <Ago at={job.next_run} none="soon" />
                                <span class="text-sm font-normal text-muted">
                                    <Moment at={job.next_run} none="" />
                                </span>
                            </span>
                        ) : (
                            "when it is resumed"
                        ),
                    ],
                    ["Last run", <OutcomeBadge outcome={job.last_outcome} />],
                    ["Tells channels", notifyText(job.notify)],
                    ["Channels that follow it", <Followers job={job} followers={followers} />],
                ]}
            />
        </Card>
    );
}
