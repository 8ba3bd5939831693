// What goes with a table or a view when it is deleted: the views that read it, their jobs, and channels that follow nothing else.
import { channels, jobs, views } from "./team";

export interface Dependents extends Record<string, (string | number)[]> {
    views: string[];
    jobs: string[];
    channels: string[];
}

/** Those that read it, those that read these, and so on. */
function readers(name: string): string[] {
    const found = new Set([name]);
    for (const one of found)
        // grows while it is gone through
        for (const view of views.value.values()) if (view.depends_on.includes(one)) found.add(view.view_name);
    found.delete(name);
    return [...found];
}

export function dependentsOf(name: string): Dependents {
    const reading = readers(name);
    const due = [...jobs.value.values()].filter((job) => [name, ...reading].includes(job.view_name));
    const ids = due.map(({ id }) => id);
    const only = [...channels.value.values()].filter(
        ({ job_ids }) => job_ids.length > 0 && job_ids.every((id) => ids.includes(id)),
    );
    return {
        views: reading,
        jobs: due.map(({ id, view_name }) => `${id} (${view_name})`),
        channels: only.map(({ public_identifier }) => public_identifier),
    };
}
