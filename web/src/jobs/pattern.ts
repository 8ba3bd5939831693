// A schedule as the builder has it, read from a line of cron and written as one.
export interface Time {
    hour: number;
    minute: number;
}

export type Pattern =
    | { kind: "seconds"; every: number }
    | { kind: "minutes"; every: number }
    | { kind: "hourly"; minute: number }
    | ({ kind: "daily" } & Time)
    | ({ kind: "weekly"; days: number[] } & Time)
    | ({ kind: "monthly"; day: number } & Time)
    | { kind: "line" }; // what the builder has no word for

export type PatternKind = Pattern["kind"];

/** Of an hour: with others the last pause of each hour would be shorter. */
export const EVERY_MINUTES = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30];
export const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const nicknames: Record<string, string> = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
};

/** A line without nicknames: its fields. */
export function fieldsOf(line: string): string[] {
    const plain = line.trim().toLowerCase();
    return (nicknames[plain] ?? plain).split(/[ \t]+/);
}

function whole(text: string, min: number, max: number): number | undefined {
    const n = /^\d{1,3}$/.test(text) ? Number(text) : NaN;
    return n >= min && n <= max ? n : undefined;
}

function dayOf(text: string): number | undefined {
    const named = DAYS.findIndex((day) => day.slice(0, 3).toLowerCase() === text);
    return named >= 0 ? named : whole(text, 0, 7);
}

/** "1-5,sun" as numbers from 0, Sunday. */
function daysOf(field: string): number[] | undefined {
    const found = new Set<number>();
    for (const item of field.split(",")) {
        const ends = item.split("-");
        const [from, to = from] = ends.map(dayOf);
        if (ends.length > 2 || from === undefined || to === undefined) return undefined;
        const last = ends[1] === "sun" && from > 0 ? 7 : to;
        if (last < from || ends.some((end) => dayOf(end) === undefined)) return undefined;
        for (let day = from; day <= last; day++) found.add(day % 7);
    }
    return [...found].sort();
}

function secondsOf(fields: string[]): Pattern | undefined {
    const every = /^seconds?$/.test(fields[1] ?? "") ? whole(fields[0] ?? "", 1, 59) : undefined;
    return fields.length === 2 && every ? { kind: "seconds", every } : undefined;
}

function minutesOf(field: string): Pattern | undefined {
    const every = field === "*" ? 1 : Number(/^\*\/(\d{1,2})$/.exec(field)?.[1] ?? NaN);
    return EVERY_MINUTES.includes(every) ? { kind: "minutes", every } : undefined;
}

function timed([minutes = "", hours = "", days = "", months = "", weekdays = ""]: string[]): Pattern | undefined {
    const minute = whole(minutes, 0, 59);
    const hour = whole(hours, 0, 23);
    if (months !== "*") return undefined;
    if (days === "*" && weekdays === "*" && hours === "*") {
        return minute === undefined ? minutesOf(minutes) : { kind: "hourly", minute };
    }
    if (minute === undefined || hour === undefined) return undefined;
    if (days === "*" && weekdays === "*") return { kind: "daily", hour, minute };
    const chosen = days === "*" ? daysOf(weekdays) : undefined;
    if (chosen) return { kind: "weekly", days: chosen, hour, minute };
    const day = weekdays === "*" ? whole(days, 1, 31) : undefined;
    return day ? { kind: "monthly", day, hour, minute } : undefined;
}

export function patternOf(line: string): Pattern {
    const fields = fieldsOf(line);
    return secondsOf(fields) ?? (fields.length === 5 ? timed(fields) : undefined) ?? { kind: "line" };
}

/** The line of a pattern; a pattern that is a line has none of its own. */
export function lineOf(pattern: Exclude<Pattern, { kind: "line" }>): string {
    switch (pattern.kind) {
        case "seconds":
            return `${pattern.every} ${pattern.every === 1 ? "second" : "seconds"}`;
        case "minutes":
            return `${pattern.every === 1 ? "*" : `*/${pattern.every}`} * * * *`;
        case "hourly":
            return `${pattern.minute} * * * *`;
        case "daily":
            return `${pattern.minute} ${pattern.hour} * * *`;
        case "weekly":
            return `${pattern.minute} ${pattern.hour} * * ${pattern.days.join(",")}`;
        case "monthly":
            return `${pattern.minute} ${pattern.hour} ${pattern.day} * *`;
    }
}
