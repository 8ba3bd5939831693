// Time zones by their IANA names, and times in them.
import { zone as own } from "../ui/format";

export { own };

/** Names of today that browsers leave out: Chrome lists those of before, as Asia/Calcutta. */
const OF_TODAY = [
    "America/Argentina/Buenos_Aires",
    "America/Nuuk",
    "Asia/Ho_Chi_Minh",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Yangon",
    "Atlantic/Faroe",
    "Europe/Kyiv",
    "Pacific/Chuuk",
    "Pacific/Pohnpei",
];

/** The person's own first, then UTC, then all that the browser knows. */
export const zoneNames: readonly string[] = [
    ...new Set([own, "UTC", ...[...Intl.supportedValuesOf("timeZone"), ...OF_TODAY].sort()]),
];

const formats = new Map<string, Intl.DateTimeFormat | null>();

function formatOf(zone: string): Intl.DateTimeFormat | null {
    let format = formats.get(zone);
    if (format === undefined) {
        try {
            format = new Intl.DateTimeFormat(navigator.language, {
                weekday: "short",
                day: "numeric",
                month: "short",
                year: "numeric",
                hour: "2-digit",
                minute: "2-digit",
                second: "2-digit",
                timeZone: zone,
            });
        } catch {
            format = null; // the server may know more zones than this browser
        }
        formats.set(zone, format);
    }
    return format;
}

/** "Fri, 21 Nov 2026, 08:30:00"; undefined for a zone that this browser does not know. */
export function timeIn(at: string, zone: string): string | undefined {
    return formatOf(zone)?.format(new Date(at));
}

/** The time that it is in a zone. */
export function clockIn(zone: string): string {
    try {
        return new Intl.DateTimeFormat(navigator.language, { timeStyle: "short", timeZone: zone }).format(new Date());
    } catch {
        return ""; // this browser does not know it
    }
}

/** As one searches for them: "new york" finds America/New_York. */
export function zonesLike(text: string): string[] {
    const wanted = text
        .trim()
        .toLowerCase()
        .replace(/[\s_]+/g, " ");
    return zoneNames.filter((name) => name.toLowerCase().replace(/_/g, " ").includes(wanted));
}
