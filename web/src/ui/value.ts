// How a value of a row is written: exactly as it is, whatever its type.
import type { Column } from "../api/client";

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

const CHARACTER_PX = 7.7;
const AROUND_PX = 26;
const LEAST_PX = 84;
const MOST_PX = 340;

/** How wide each column is to be, by its name, its type and some of its values. */
export function columnWidths(columns: readonly Column[], sample: readonly Record<string, unknown>[]): number[] {
    return columns.map(({ column_name: name, column_type: type }) => {
        const most = sample.reduce((longest, row) => Math.max(longest, valueShort(row[name]).length), 0);
        const wanted = Math.max(most, name.length + 3, type.length) * CHARACTER_PX + AROUND_PX;
        return Math.round(Math.min(Math.max(wanted, LEAST_PX), MOST_PX));
    });
}
