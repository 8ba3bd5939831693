// What changed between two versions of a view: what came and went again on the way is no change.
import { api, body, type Column, type Row } from "../api/client";

export interface Changed {
    change: "added" | "removed";
    row: Row;
}

export interface Difference {
    rows: readonly Changed[];
    added: number;
    removed: number;
    complete: boolean; // else these are the first ones, each as its version brought it
}

interface Told extends Changed {
    version: number;
}

const PAGE = 5_000;
const MOST = 50_000;

async function readAll(name: string, after: number, upto: number, signal: AbortSignal) {
    const told: Told[] = [];
    for (let cursor: string | undefined; ;) {
        const query = { after, upto, limit: PAGE, ...(cursor ? { cursor } : {}) };
        const { data, links } = await body(
            api.GET("/views/{name}/changes", { params: { path: { name }, query }, signal }),
        );
        told.push(...(data as Told[]));
        if (!links.next) return { told, complete: true };
        if (told.length >= MOST) return { told, complete: false };
        cursor = new URLSearchParams(links.next.split("?")[1]).get("cursor") ?? undefined;
    }
}

/** A row is known by all that is in it; there may be several of the same. */
function net(told: readonly Told[]): Changed[] {
    const counts = new Map<string, { row: Row; n: number }>();
    for (const { change, row } of told) {
        const key = JSON.stringify(row);
        const found = counts.get(key) ?? { row, n: 0 };
        found.n += change === "added" ? 1 : -1;
        counts.set(key, found);
    }
    return Array.from(counts.values()).flatMap(({ row, n }) =>
        Array.from({ length: Math.abs(n) }, (): Changed => ({ change: n > 0 ? "added" : "removed", row })),
    );
}

function compareValues(a: unknown, b: unknown): number {
    if (a === b) return 0;
    if (a === null || a === undefined) return 1;
    if (b === null || b === undefined) return -1;
    if (typeof a === "number" && typeof b === "number") return a - b;
    const [left, right] = [a, b].map((value) => (typeof value === "object" ? JSON.stringify(value) : String(value)));
    return left === right ? 0 : (left ?? "") < (right ?? "") ? -1 : 1;
}

/** By their values from left to right, so that a row before and after its change stand together. */
function inOrder(rows: Changed[], columns: readonly Column[]): Changed[] {
    return rows.sort((a, b) => {
        for (const { column_name: name } of columns) {
            const order = compareValues(a.row[name], b.row[name]);
            if (order) return order;
        }
        return a.change === b.change ? 0 : a.change === "removed" ? -1 : 1;
    });
}

export async function difference(
    name: string,
    columns: readonly Column[],
    after: number,
    upto: number,
    signal: AbortSignal,
): Promise<Difference> {
    const { told, complete } = await readAll(name, after, upto, signal);
    const rows = complete ? inOrder(net(told), columns) : told;
    const added = rows.filter(({ change }) => change === "added").length;
    return { rows, added, removed: rows.length - added, complete };
}
