// Builds a schedule without cron: what is chosen here is written into the cron line, and the line is shown here.
import { useState } from "preact/hooks";
import { SelectField } from "../ui/field";
import { Details } from "./builder_fields";
import { lineOf, patternOf, type Pattern, type PatternKind, type Time } from "./pattern";

const kinds: readonly (readonly [PatternKind, string])[] = [
    ["seconds", "Every few seconds"],
    ["minutes", "Every few minutes"],
    ["hourly", "Every hour"],
    ["daily", "Every day"],
    ["weekly", "On days of the week"],
    ["monthly", "Once a month"],
    ["line", "As a cron line says"],
];

/** Another kind begins with what the one before had. */
function began(kind: PatternKind, before: Pattern): Pattern {
    const time: Time = "hour" in before ? before : { hour: 8, minute: "minute" in before ? before.minute : 0 };
    const { hour, minute } = time;
    switch (kind) {
        case "seconds":
            return { kind, every: 10 };
        case "minutes":
            return { kind, every: 5 };
        case "hourly":
            return { kind, minute };
        case "daily":
            return { kind, hour, minute };
        case "weekly":
            return { kind, days: [1], hour, minute };
        case "monthly":
            return { kind, day: 1, hour, minute };
        case "line":
            return { kind };
    }
}

export function Builder({ line, onLine }: { line: string; onLine: (line: string) => void }) {
    // What was built here is shown as it was built, also when it is wrong; a line that was typed is read.
    const [built, keep] = useState({ pattern: patternOf(line), line });
    const pattern = built.line === line ? built.pattern : patternOf(line);
    const take = (next: Pattern) => {
        const written = next.kind === "line" ? line : lineOf(next);
        keep({ pattern: next, line: written });
        onLine(written);
    };
    return (
        <div class="grid gap-4 sm:grid-cols-2">
            <SelectField
                label="Repeat"
                value={pattern.kind}
                options={kinds}
                onValue={(kind) => take(began(kind as PatternKind, pattern))}
            />
            <Details pattern={pattern} onValue={take} />
        </div>
    );
}
