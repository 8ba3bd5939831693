// The rows of a view as points: where each lies on X, and how high each series is there.
import type { Column, Row } from "../api/client";
import { isNumber, valueShort } from "../ui/value";
import { isTime, type Chart } from "./chart";

export interface Points {
    /** On "words" each row has a place of its own, in their order; else X is a scale. */
    scale: "words" | "numbers" | "time" | "local time"; // local: the zone of who looks, else as it is written
    xs: number[]; // rising; seconds where it is time
    ys: (number | null)[][]; // a list a series
    names: string[]; // of the rows, on "words"
    rows: Row[]; // in the order of xs
}

const numberOf = (value: unknown) =>
    value === null || value === undefined || !Number.isFinite(Number(value)) ? null : Number(value);

/** A time without a zone is shown as it is written: that is done as if it were UTC. */
function seconds(value: unknown, type: string): number | null {
    if (typeof value !== "string") return null;
    const text = value.replace(" ", "T");
    const zoned = type === "timestamptz" || type === "date" || /([Zz]|[+-]\d\d(:?\d\d)?)$/.test(text);
    const ms = Date.parse(zoned ? text : `${text}Z`);
    return Number.isNaN(ms) ? null : ms / 1_000;
}

function scaleOf({ kind, x }: Chart, columns: readonly Column[]): Points["scale"] {
    const type = columns.find(({ column_name }) => column_name === x)?.column_type;
    if (kind === "bar" || type === undefined) return "words";
    if (isTime(type)) return type === "timestamptz" ? "local time" : "time";
    return isNumber(type) ? "numbers" : "words";
}

export function pointsOf(chart: Chart, columns: readonly Column[], rows: readonly Row[]): Points {
    const scale = scaleOf(chart, columns);
    const { x, y } = chart;
    const type = columns.find(({ column_name }) => column_name === x)?.column_type ?? "";
    const place = (row: Row, i: number) => {
        if (scale === "words" || x === null) return i;
        return scale === "numbers" ? numberOf(row[x]) : seconds(row[x], type);
    };
    const placed = rows
        .map((row, i) => ({ row, at: place(row, i) }))
        .filter((one): one is { row: Row; at: number } => one.at !== null)
        .sort((a, b) => a.at - b.at);
    const names =
        scale === "words" ? placed.map(({ row, at }) => (x === null ? String(at + 1) : valueShort(row[x]))) : [];
    return {
        scale,
        xs: placed.map(({ at }) => at),
        ys: y.map((name) => placed.map(({ row }) => numberOf(row[name]))),
        names,
        rows: placed.map(({ row }) => row),
    };
}
