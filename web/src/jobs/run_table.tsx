// The runs of a job, one a line.
import type { Run } from "../api/client";
import { duration, number } from "../ui/format";
import { Moment } from "../ui/time";
import { OutcomeBadge, triggerWords } from "./outcome";

const head = "px-3 py-2 text-left font-medium";
const cell = "whitespace-nowrap px-3 py-1.5";
const figure = `${cell} text-right tabular-nums`;

function Line({ run }: { run: Run }) {
    const changed = run.outcome === "succeeded";
    return (
        <>
            <tr class={`border-t border-line ${run.outcome === "failed" ? "bg-bad/5" : ""}`}>
                <td class={cell}>
                    <Moment at={run.started} />
                </td>
                <td class={cell}>
                    <OutcomeBadge outcome={run.outcome} />
                </td>
                <td class={figure}>{duration(run.outcome === "running" ? null : run.duration_ms)}</td>
                <td class={figure}>{changed ? number(run.version) : "–"}</td>
                <td class={`${figure} ${changed && run.added ? "text-good" : ""}`}>
                    {changed ? `+${number(run.added)}` : "–"}
                </td>
                <td class={`${figure} ${changed && run.removed ? "text-bad" : ""}`}>
                    {changed ? `−${number(run.removed)}` : "–"}
                </td>
                <td class={cell}>{triggerWords[run.trigger]}</td>
            </tr>
            {run.error && (
                <tr class="bg-bad/5">
                    <td colSpan={7} class="break-words px-3 pb-2 text-sm text-bad">
                        {run.error}
                    </td>
                </tr>
            )}
        </>
    );
}

export function RunTable({ runs }: { runs: readonly Run[] }) {
    return (
        <div class="overflow-x-auto" tabIndex={0} role="region" aria-label="Runs, the newest first">
            <table class="w-full text-sm">
                <thead class="text-muted">
                    <tr>
                        <th class={head}>Started</th>
                        <th class={head}>Outcome</th>
                        <th class={`${head} text-right`}>Took</th>
                        <th class={`${head} text-right`}>Version</th>
                        <th class={`${head} text-right`}>Added</th>
                        <th class={`${head} text-right`}>Removed</th>
                        <th class={head}>Asked for by</th>
                    </tr>
                </thead>
                <tbody>
                    {runs.map((run) => (
                        <Line key={run.id} run={run} />
                    ))}
                </tbody>
            </table>
        </div>
    );
}
