// One run in a few words.
import type { Run } from "../api/client";
import { duration } from "../ui/format";
import { Moment } from "../ui/time";
import { changeText, OutcomeBadge, triggerWords } from "./outcome";

export function RunFacts({ run }: { run: Run }) {
    return (
        <div class="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
            <OutcomeBadge outcome={run.outcome} />
            <Moment at={run.started} />
            {run.outcome !== "running" && run.outcome !== "skipped" && <span>took {duration(run.duration_ms)}</span>}
            <span class="text-muted">{changeText(run)}</span>
            <span class="text-muted">asked for by {triggerWords[run.trigger]}</span>
            {run.error && <span class="basis-full break-words text-bad">{run.error}</span>}
        </div>
    );
}
