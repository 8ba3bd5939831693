// The runs of a job, one a line.
import type { Run } from "../api/client";
import { duration, number } from "../ui/format";
import { Sheet, type SheetColumn } from "../ui/sheet";
import { Moment } from "../ui/time";
import { OutcomeBadge, triggerWords } from "./outcome";

const changed = (run: Run) => run.outcome === "succeeded";

function Rows({ sign, n, colour }: { sign: string; n: number; colour: string }) {
    return <span class={n > 0 ? colour : ""}>{`${sign}${number(n)}`}</span>;
}

const columns: readonly SheetColumn<Run>[] = [
    { title: "Started", cell: (run) => <Moment at={run.started} /> },
    { title: "Outcome", cell: (run) => <OutcomeBadge outcome={run.outcome} /> },
    { title: "Took", figure: true, cell: (run) => duration(run.outcome === "running" ? null : run.duration_ms) },
    { title: "Version", figure: true, cell: (run) => (changed(run) ? number(run.version) : "–") },
    {
        title: "Added",
        figure: true,
        cell: (run) => (changed(run) ? <Rows sign="+" n={run.added} colour="text-good" /> : "–"),
    },
    {
        title: "Removed",
        figure: true,
        cell: (run) => (changed(run) ? <Rows sign="−" n={run.removed} colour="text-bad" /> : "–"),
    },
    { title: "Asked for by", cell: (run) => triggerWords[run.trigger] },
];

export function RunTable({ runs }: { runs: readonly Run[] }) {
    return (
        <Sheet
            label="Runs, the newest first"
            columns={columns}
            items={runs}
            keyOf={(run) => run.id ?? ""}
            below={(run) => run.error && <span class="text-bad">{run.error}</span>}
            bad={(run) => run.outcome === "failed"}
        />
    );
}
