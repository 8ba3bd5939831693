// The form of a job: which view, when, and when channels are told. For a new one, and to change one.
import { useState } from "preact/hooks";
import { api, body, type Job } from "../api/client";
import { Problem } from "../api/problem";
import { putJob } from "../live/team";
import { go, to } from "../router";
import { Button, LinkButton } from "../ui/button";
import { Choices } from "../ui/choices";
import { Failed } from "../ui/failed";
import { SelectField, TextField } from "../ui/field";
import { tell } from "../ui/toast";
import { Builder } from "./builder";
import { notifyChoices, type Notify } from "./notify";
import { isOf, PreviewCard, usePreview } from "./preview";
import { ZoneField } from "./zone_field";
import { own } from "./zones";

interface JobFormProps {
    job?: Job; // the one that is changed
    view: string;
    views: readonly string[];
}

const FIELDS = ["view_name", "crontab_def", "timezone", "notify"];

export function JobForm({ job, view: first, views }: JobFormProps) {
    const [view, setView] = useState(first);
    const [line, setLine] = useState(job?.crontab_def ?? "*/5 * * * *");
    const [zone, setZone] = useState(job?.timezone ?? own);
    const [notify, setNotify] = useState<Notify>(job?.notify ?? "always");
    const [refused, refuse] = useState<{ of: string; problem: unknown }>();
    const [busy, work] = useState(false);
    const preview = usePreview(line, zone);
    // A refusal may come when what it is of has been changed already.
    const filled = JSON.stringify([view, line, zone, notify]);
    const problem = refused?.of === filled ? refused.problem : null;
    const foreseen = isOf(preview, line, zone) ? preview?.problem : null;
    const told = (field: string) =>
        [problem, foreseen].map((it) => (it instanceof Problem ? it.field(field) : undefined)).find(Boolean);
    const save = async (event: Event) => {
        event.preventDefault();
        work(true);
        refuse(undefined);
        try {
            const schedule = { crontab_def: line, timezone: zone, notify };
            const saved = job
                ? await body(api.PATCH("/jobs/{id}", { params: { path: { id: String(job.id) } }, body: schedule }))
                : await body(api.POST("/jobs", { body: { view_name: view, ...schedule } }));
            putJob(saved);
            tell(job ? `Job ${saved.id} is changed.` : `Job ${saved.id} refreshes ${saved.view_name} from now on.`);
            go("jobs", saved.id);
        } catch (caught) {
            refuse({ of: filled, problem: caught });
            work(false);
        }
    };
    return (
        <form
            class="grid items-start gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]"
            onSubmit={(event) => void save(event)}
        >
            <div class="grid gap-6 rounded-xl border border-line bg-surface p-4">
                {!job && (
                    <SelectField
                        label="View to refresh"
                        value={view}
                        options={views.map((name) => [name, name] as const)}
                        onValue={setView}
                        error={told("view_name")}
                    />
                )}
                <Builder line={line} onLine={setLine} />
                <TextField
                    label="Cron line"
                    class="font-mono"
                    spellcheck={false}
                    autocomplete="off"
                    value={line}
                    onValue={setLine}
                    hint="Minute, hour, day, month, day of the week; or @daily and its kin; or “30 seconds”."
                    error={told("crontab_def")}
                />
                <ZoneField value={zone} onValue={setZone} error={told("timezone")} />
                <Choices
                    label="Tell channels"
                    value={notify}
                    choices={notifyChoices}
                    onValue={setNotify}
                    error={told("notify")}
                />
                {!FIELDS.some(told) && <Failed problem={problem} />}
                <div class="flex flex-wrap justify-end gap-2">
                    <LinkButton href={job ? to("jobs", job.id) : to("jobs")}>Cancel</LinkButton>
                    <Button kind="main" type="submit" busy={busy}>
                        {job ? "Save" : "Make the job"}
                    </Button>
                </div>
            </div>
            <div class="lg:sticky lg:top-6">
                <PreviewCard line={line} zone={zone} preview={preview} />
            </div>
        </form>
    );
}
