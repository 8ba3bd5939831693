// How a view fares: whether its last refresh failed, whether one is under way, and which jobs refresh it.
import type { View } from "../api/client";
import { jobs, running } from "../live/team";
import { to } from "../router";
import { Badge } from "../ui/badge";
import { plural } from "../ui/format";

export const jobsOf = (name: string) => Array.from(jobs.value.values()).filter(({ view_name }) => view_name === name);

export function StateOf({ view }: { view: View }) {
    if (Array.from(running.value.values()).some(({ view_name }) => view_name === view.view_name))
        return <Badge tone="accent">refreshing</Badge>;
    if (view.error) return <Badge tone="bad">refresh failed</Badge>;
    return jobsOf(view.view_name).some(({ active }) => active) ? (
        <Badge tone="good">standing</Badge>
    ) : (
        <Badge title="No job refreshes it: it changes when somebody asks">by hand</Badge>
    );
}

export function JobsOf({ name }: { name: string }) {
    const mine = jobsOf(name);
    const [first] = mine;
    if (!first) return <span class="font-normal text-muted">no job</span>;
    return (
        <a class="text-accent underline" href={mine.length === 1 ? to("jobs", first.id) : to("jobs")}>
            {plural(mine.length, "job")}
        </a>
    );
}
