// How numbers, sizes, lengths of time and moments are written: in the person's language and zone.
const locale = navigator.language;
const whole = new Intl.NumberFormat(locale);
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const number = (n: number | null | undefined) => (n === null || n === undefined ? "–" : whole.format(n));

export function bytes(n: number | null | undefined): string {
    if (n === null || n === undefined) return "–";
    const units = ["B", "KB", "MB", "GB", "TB"];
    let value = n;
    let unit = 0;
    for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
    return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
    return `${number(n)} ${n === 1 ? one : many}`;
}

/** Of milliseconds. */
export function duration(ms: number | null | undefined): string {
    if (ms === null || ms === undefined) return "–";
    if (ms < 1_000) return `${Math.round(ms)} ms`;
    if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
    if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
    return `${Math.floor(ms / 3_600_000)} h ${Math.round((ms % 3_600_000) / 60_000)} min`;
}

export const fullTime = (at: string) => moment.format(new Date(at));
export const clockTime = (at: string) => clock.format(new Date(at));

/** "3 minutes ago", "in 2 hours". */
export function ago(at: string, now: number): string {
    const seconds = (new Date(at).getTime() - now) / 1_000;
    const size = Math.abs(seconds);
    if (size < 5) return seconds > 0 ? "in a moment" : "just now";
    if (size < 60) return relative.format(Math.round(seconds), "second");
    if (size < 3_600) return relative.format(Math.round(seconds / 60), "minute");
    // a day and a half: "tomorrow" would be said of the day after it too
    if (size < 129_600) return relative.format(Math.round(seconds / 3_600), "hour");
    return relative.format(Math.round(seconds / 86_400), "day");
}
