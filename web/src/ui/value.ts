// How a value of a row is written: exactly as it is, whatever its type.
import type { Column, Row } from "../api/client";

const NUMBER = /^(smallint|int|bigint|real|double|numeric)\b/;
const SHOWN_MAX = 300; // characters of a cell

export const isNumber = (type: string) => NUMBER.test(type);

/** The whole of it, as it is copied. */
export function valueText(value: unknown): string {
    if (value === null || value === undefined) return "NULL";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The whole of it, as it is read. */
export function valueWide(value: unknown): string {
    return typeof value === "object" && value !== null ? JSON.stringify(value, null, 2) : valueText(value);
}

/** What fits into a cell. */
export function valueShort(value: unknown): string {
    const text = typeof value === "string" ? value : valueText(value);
    return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

const AROUND_PX = 28;
const SIGN_PX = 20; // of the order
const LEAST_PX = 64;
const MOST_PX = 340;

type Ruler = (text: string, weight?: number) => number;
let measuring: Ruler | undefined;

/** How wide texts are in a cell. */
function ruler(): Ruler {
    if (measuring) return measuring;
    const context = document.createElement("canvas").getContext("2d");
    const family = getComputedStyle(document.body).fontFamily;
    return (measuring = (text, weight = 400) => {
        if (!context) return text.length * 8;
        context.font = `${weight} 14px ${family}`;
        return context.measureText(text).width;
    });
}

/** How wide each column would be, by its name, its type and some of its values. */
export function wantedWidths(columns: readonly Column[], sample: readonly Row[]): number[] {
    const wide = ruler();
    return columns.map(({ column_name: name, column_type: type }) => {
        const longest = sample
            .map((row) => valueShort(row[name]))
            .reduce((known, text) => (text.length > known.length ? text : known), "");
        const wanted = Math.max(wide(longest), wide(name, 600) + SIGN_PX, wide(type)) + AROUND_PX;
        return Math.ceil(Math.max(wanted, LEAST_PX));
    });
}

const EXACT = /^(smallint|int|bigint|real|double|numeric|date|time|timestamp|timestamptz|uuid)\b/;
const WIDEST_DIGIT_PX = 12;

/** A number that is cut off is another number: columns of such types give way to what is seen. The same array where none does. */
export function grownWidths(widths: number[], columns: readonly Column[], seen: readonly Row[]): number[] {
    let grown = widths;
    columns.forEach(({ column_name: name, column_type: type }, i) => {
        if (!EXACT.test(type)) return;
        for (const row of seen) {
            const text = valueShort(row[name]);
            const known = grown[i] ?? 0;
            if (text.length * WIDEST_DIGIT_PX + AROUND_PX <= known) continue;
            const wanted = Math.ceil(ruler()(text) + AROUND_PX);
            if (wanted <= known) continue;
            if (grown === widths) grown = [...widths];
            grown[i] = wanted;
        }
    });
    return grown;
}

/** None takes more than its part, unless there is room left. */
export function columnWidths(wanted: readonly number[], room: number): number[] {
    const widths = wanted.map((width) => Math.min(width, MOST_PX));
    let left = room - widths.reduce((sum, width) => sum + width, 0);
    return widths.map((width, i) => {
        const more = Math.floor(Math.min(Math.max(left, 0), (wanted[i] ?? 0) - width));
        left -= more;
        return width + more;
    });
}
