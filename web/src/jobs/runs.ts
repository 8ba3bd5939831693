// The runs of a job, newest first: read page by page, and kept up by the log and its signals.
import { useEffect, useState } from "preact/hooks";
import { api, body, type Run } from "../api/client";
import { useNews } from "../live/news";
import { reads, running } from "../live/team";

const PAGE = 100;
const SHOWN_MAX = 5_000;

export interface Runs {
    runs: readonly Run[];
    ready: boolean;
    more: boolean;
    problem: unknown;
    older: () => Promise<void>;
}

/** Ids rise with time. One that has ended is not put back by an older answer. */
function merged(...lists: (readonly Run[])[]): Run[] {
    const byId = new Map<string, Run>();
    for (const run of lists.flat()) {
        const known = byId.get(run.id ?? "");
        if (!known || known.outcome === "running") byId.set(run.id ?? "", run);
    }
    return [...byId.values()].sort((a, b) => ((a.id ?? "") < (b.id ?? "") ? 1 : -1)).slice(0, SHOWN_MAX);
}

async function page(id: number, after?: string): Promise<{ data: Run[]; more: boolean }> {
    const params = { path: { id: String(id) }, query: { limit: PAGE, after } };
    const { data, links } = await body(api.GET("/jobs/{id}/runs", { params }));
    return { data, more: links.next !== null };
}

export function useRuns(job: number): Runs {
    const [kept, keep] = useState<{ runs: Run[]; more: boolean; ready: boolean }>({
        runs: [],
        more: false,
        ready: false,
    });
    const [problem, fail] = useState<unknown>(null);
    const read = reads.value;
    useEffect(() => {
        if (!read) return; // the stream is joined first, so that nothing happens unheard between it and the answer
        let over = false;
        page(job).then(
            ({ data, more }) => {
                if (!over) keep(({ runs }) => ({ runs: merged(runs, data), more, ready: true }));
            },
            (caught: unknown) => !over && fail(caught),
        );
        return () => {
            over = true;
        };
    }, [job, read]);
    useNews(({ type, data }) => {
        const run = data as Run;
        if (type.startsWith("run.") && run.job_id === job)
            keep((before) => ({ ...before, runs: merged([run], before.runs) }));
    });
    const older = async () => {
        try {
            const { data, more } = await page(job, kept.runs.at(-1)?.id ?? undefined);
            keep(({ runs, ready }) => ({ runs: merged(runs, data), more, ready }));
        } catch (caught) {
            fail(caught);
        }
    };
    const now = [...running.value.values()].filter((run) => run.job_id === job);
    return { ...kept, runs: merged(kept.runs, now), problem, older };
}
