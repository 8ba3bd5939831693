// A schedule in words: our own for what the builder knows, cronstrue's for other lines.
import { toString as describe } from "cronstrue";
import { DAYS, fieldsOf, patternOf, type Pattern, type Time } from "./pattern";

const clock = new Intl.DateTimeFormat(navigator.language, { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const is24 = clock.resolvedOptions().hour12 !== true;

const timeText = ({ hour, minute }: Time) => clock.format(Date.UTC(2000, 0, 1, hour, minute));

function listed(names: string[]): string {
    return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function daysText(days: number[]): string {
    const key = days.join("");
    if (key === "0123456") return "Every day";
    if (key === "12345") return "Every day from Monday to Friday";
    const fromMonday = [...days].sort((a, b) => ((a + 6) % 7) - ((b + 6) % 7));
    return `Every ${listed(fromMonday.map((day) => DAYS[day] ?? ""))}`;
}

function patternText(pattern: Exclude<Pattern, { kind: "line" }>): string {
    switch (pattern.kind) {
        case "seconds":
            return pattern.every === 1 ? "Every second" : `Every ${pattern.every} seconds`;
        case "minutes":
            return pattern.every === 1 ? "Every minute" : `Every ${pattern.every} minutes`;
        case "hourly":
            return pattern.minute === 0
                ? "Every hour, on the hour"
                : `Every hour, ${pattern.minute} ${pattern.minute === 1 ? "minute" : "minutes"} past`;
        case "daily":
            return `Every day at ${timeText(pattern)}`;
        case "weekly":
            return `${daysText(pattern.days)} at ${timeText(pattern)}`;
        case "monthly":
            return `On day ${pattern.day} of every month at ${timeText(pattern)}`;
    }
}

/** Days of the month and of the week: either one matches, unless one begins with a star; then both must. */
function otherText(line: string): string | undefined {
    const fields = fieldsOf(line);
    const [, , days = "", , weekdays = ""] = fields;
    if (fields.length !== 5) return undefined;
    const both = days.startsWith("*") || weekdays.startsWith("*");
    try {
        const text = describe(fields.join(" "), { use24HourTimeFormat: is24, logicalAndDayFields: both });
        return both ? text : text.replace(", and on ", ", and also on ");
    } catch {
        return undefined;
    }
}

/** Undefined: it is no schedule. The server has the last word on that. */
export function scheduleText(line: string): string | undefined {
    const pattern = patternOf(line);
    return pattern.kind === "line" ? otherText(line) : patternText(pattern);
}
