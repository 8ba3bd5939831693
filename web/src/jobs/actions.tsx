// What can be done to a job wherever it is shown: pause, go on, run now.
import { useState } from "preact/hooks";
import { Pause, Play, Zap } from "lucide-preact";
import { api, body, type Job, type Run } from "../api/client";
import { jobs, putJob } from "../live/team";
import { Button } from "../ui/button";
import { complain, tell } from "../ui/toast";
import { changeText } from "./outcome";

/** Shown at once; taken back when the server does not have it so. */
export async function setActive(id: number, active: boolean): Promise<void> {
    const before = jobs.value.get(id);
    if (!before) return;
    putJob({ ...before, active, next_run: null });
    try {
        putJob(await body(api.PATCH("/jobs/{id}", { params: { path: { id: String(id) } }, body: { active } })));
        tell(active ? `Job ${id} goes on.` : `Job ${id} is paused.`, () => void setActive(id, !active));
    } catch (problem) {
        putJob(before);
        complain(problem);
    }
}

export async function runNow(id: number): Promise<Run | undefined> {
    try {
        const run = await body(api.POST("/jobs/{id}/run", { params: { path: { id: String(id) } } }));
        if (run.outcome === "failed") complain(new Error(`Job ${id} failed: ${run.error}`));
        else tell(`Job ${id} has run: ${changeText(run)}.`);
        return run;
    } catch (problem) {
        complain(problem);
    }
}

interface RunButtonProps {
    job: Job;
    small?: boolean;
    main?: boolean;
    text?: string;
}

export function RunButton({ job, small, main, text = "Run now" }: RunButtonProps) {
    const [busy, work] = useState(false);
    const run = async () => {
        work(true);
        await runNow(job.id);
        work(false);
    };
    return (
        <Button
            small={small}
            kind={main ? "main" : "plain"}
            busy={busy}
            label={small ? `${text}: job ${job.id}` : undefined}
            onClick={() => void run()}
        >
            {!busy && <Zap size={16} aria-hidden="true" />}
            {text}
        </Button>
    );
}

export function PauseButton({ job, small }: { job: Job; small?: boolean }) {
    const Icon = job.active ? Pause : Play;
    const text = job.active ? "Pause" : "Resume";
    return (
        <Button
            small={small}
            label={small ? `${text}: job ${job.id}` : undefined}
            onClick={() => void setActive(job.id, !job.active)}
        >
            <Icon size={16} aria-hidden="true" />
            {text}
        </Button>
    );
}
