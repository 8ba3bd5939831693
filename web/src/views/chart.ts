// How a view is drawn: what is kept with it on the server, and what is drawn when nothing is.
import type { Column } from "../api/client";
import { isNumber } from "../ui/value";

export const kinds = { line: "Line", bar: "Bar", number: "Single number" } as const;
export type Kind = keyof typeof kinds;

/** In which order rows are taken, of which the first ones are drawn. */
export const orders = {
    rows: "as they are",
    x: "by X, rising",
    "-x": "by X, falling",
    y: "by Y, smallest first",
    "-y": "by Y, largest first",
} as const;
export type Order = keyof typeof orders;

export interface Chart {
    kind: Kind;
    x: string | null; // null: the number of the row
    y: readonly string[];
    order: Order;
    limit: number;
}

export const SERIES_MAX = 6;
export const POINTS_MAX = 10_000;
const POINTS = 1_000;
const TIME = /^(date|timestamp|timestamptz)$/;

export const isTime = (type: string) => TIME.test(type);
export const numbers = (columns: readonly Column[]) => columns.filter((column) => isNumber(column.column_type));

export function guess(columns: readonly Column[], rows: number): Chart {
    const figures = numbers(columns);
    const time = columns.find((column) => isTime(column.column_type));
    const word = columns.find((column) => !isNumber(column.column_type));
    const common = { order: "rows", limit: POINTS } as const;
    if (rows === 1 && figures.length > 0) {
        const y = figures.slice(0, 3).map(({ column_name }) => column_name);
        return { ...common, kind: "number", x: word?.column_name ?? null, y };
    }
    const x = time ?? word ?? (figures.length > 1 ? figures[0] : undefined);
    const y = figures.find((column) => column !== x);
    const kind = x && (isTime(x.column_type) || isNumber(x.column_type)) ? "line" : "bar";
    return { ...common, kind, x: x?.column_name ?? null, y: y ? [y.column_name] : [] };
}

const isOneOf = <T extends string>(of: Record<T, string>, value: unknown): value is T =>
    typeof value === "string" && Object.hasOwn(of, value);

/** What is kept may be of another query, or another client's: what does not fit the columns is left out. */
export function chartOf(kept: unknown, columns: readonly Column[], rows: number): Chart {
    const own = guess(columns, rows);
    if (typeof kept !== "object" || kept === null) return own;
    const { kind, x, y, order, limit } = kept as Record<string, unknown>;
    const names = columns.map(({ column_name }) => column_name);
    const drawn = numbers(columns).map(({ column_name }) => column_name);
    const series = Array.isArray(y) ? y.filter((name): name is string => drawn.includes(String(name))) : [];
    return {
        kind: isOneOf(kinds, kind) ? kind : own.kind,
        x: x === null || (typeof x === "string" && names.includes(x)) ? x : own.x,
        y: series.length ? series.slice(0, SERIES_MAX) : own.y,
        order: isOneOf(orders, order) ? order : own.order,
        limit: Number.isInteger(limit) ? Math.min(Math.max(Number(limit), 1), POINTS_MAX) : own.limit,
    };
}

/** As the server sorts. */
export function sortOf({ order, x, y }: Chart): string[] {
    if (order === "x") return x === null ? [] : [x];
    if (order === "-x") return x === null ? [] : [`-${x}`];
    const [first] = y;
    if (order === "rows" || first === undefined) return [];
    return [order === "y" ? first : `-${first}`];
}
