// For a newcomer: three steps from nothing to a live event, each done by one button with the product's own API.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Check } from "lucide-preact";
import { channels, jobs, putChannel, putJob, putTable, putView, tables, views } from "../live/team";
import { to } from "../router";
import { Button } from "../ui/button";
import { Failed } from "../ui/failed";
import { LiveSample } from "./live_sample";
import { makeChannel, makeJob, makeTable, makeView, QUERY, SCHEDULE, TABLE, VIEW } from "./sample";

interface StepProps {
    n: number;
    title: string;
    done: boolean;
    open: boolean;
    shown: boolean;
    action: string;
    run: () => Promise<void>;
    children: ComponentChildren;
}

function Step({ n, title, done, open, shown, action, run, children }: StepProps) {
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const go = async () => {
        work(true);
        fail(null);
        await run().catch(fail);
        work(false);
    };
    return (
        <li class={`flex gap-4 p-4 ${open || done ? "" : "text-muted"}`} aria-current={open ? "step" : undefined}>
            <span
                aria-hidden="true"
                class={`grid h-8 w-8 shrink-0 place-items-center rounded-full border font-semibold ${
                    done ? "border-good bg-good/10 text-good" : open ? "border-accent text-accent" : "border-line"
                }`}
            >
                {done ? <Check size={18} /> : n}
            </span>
            <div class="grid min-w-0 flex-1 gap-3">
                <h3 class="pt-1 font-semibold">
                    {title}
                    {done && <span class="sr-only"> (done)</span>}
                </h3>
                {shown && <div class="grid gap-3 text-muted">{children}</div>}
                <Failed problem={problem} />
                {open && (
                    <div>
                        <Button kind="main" busy={busy} onClick={() => void go()}>
                            {action}
                        </Button>
                    </div>
                )}
            </div>
        </li>
    );
}

const link = "text-accent underline";

export function FirstSteps() {
    const table = tables.value.has(TABLE);
    const view = views.value.has(VIEW);
    const job = [...jobs.value.values()].find(({ view_name }) => view_name === VIEW);
    const channel = job && [...channels.value.values()].find(({ job_ids }) => (job_ids ?? []).includes(job.id));
    const follow = async () => {
        const made = job ?? (await makeJob());
        putJob(made);
        putChannel(await makeChannel(made.id));
    };
    return (
        <section class="rounded-xl border border-line bg-surface" aria-labelledby="first-steps">
            <h2 id="first-steps" class="border-b border-line px-4 py-3 font-semibold">
                From nothing to a live event, in three steps
            </h2>
            <ol class="divide-y divide-line">
                <Step
                    n={1}
                    title="Have a table"
                    done={table}
                    open={!table}
                    shown={!table}
                    action="Make the sample table"
                    run={async () => putTable(await makeTable())}
                >
                    <p>
                        A small table of orders, <code>{TABLE}</code>. Or{" "}
                        <a class={link} href={to("tables")}>
                            drop your own CSV or Parquet file
                        </a>
                        .
                    </p>
                </Step>
                <Step
                    n={2}
                    title="Ask a standing question of it"
                    done={view}
                    open={table && !view}
                    shown={table && !view}
                    action="Make the view"
                    run={async () => putView(await makeView())}
                >
                    <p>A view keeps the answer of an SQL query, and knows which rows of it came and went.</p>
                    <pre class="overflow-x-auto rounded-lg border border-line bg-sunken p-3 text-fg" tabIndex={0}>
                        {QUERY}
                    </pre>
                </Step>
                <Step
                    n={3}
                    title="Be told when the answer changes"
                    done={Boolean(channel)}
                    open={view && !channel}
                    shown={view}
                    action="Refresh it and listen"
                    run={follow}
                >
                    <p>
                        A job refreshes the view every {SCHEDULE}; a channel tells whoever listens, over Server-Sent
                        Events.
                    </p>
                    {channel && <LiveSample channel={channel.public_identifier} />}
                </Step>
            </ol>
        </section>
    );
}
