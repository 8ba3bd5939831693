// What a channel tells of a new version of a view; and an example of it.
import type { Column, Row, View } from "../api/client";
import type { Include } from "./include";

export interface ChangedRow {
    change: "added" | "removed";
    row: Row;
}

export interface Told {
    update_available: string;
    view_name: string;
    version: number;
    row_count: number;
    added: number;
    removed: number;
    refreshed_at: string;
    columns_changed?: boolean;
    changes?: ChangedRow[];
    rows?: Row[];
    changes_url?: string; // in their place, when they are too many
    rows_url?: string;
}

function exampleValue({ column_type }: Column, n: number): unknown {
    if (/int|serial/i.test(column_type)) return n;
    if (/real|double|numeric|decimal|float/i.test(column_type)) return n + 0.5;
    if (/bool/i.test(column_type)) return n % 2 === 0;
    if (/timestamp/i.test(column_type)) return new Date().toISOString();
    if (/date/i.test(column_type)) return new Date().toISOString().slice(0, 10);
    return "…";
}

/** As a client would get it, with values made up. */
export function example(view: View | undefined, name: string, include: Include): Partial<Told> {
    const row = (n: number) =>
        Object.fromEntries((view?.columns ?? []).map((column) => [column.column_name, exampleValue(column, n)]));
    const told: Partial<Told> = {
        update_available: "true",
        view_name: name,
        version: (view?.version ?? 0) + 1,
        row_count: 2,
        added: 1,
        removed: 1,
        refreshed_at: new Date().toISOString(),
    };
    if (include === "changes") {
        told.changes = [
            { change: "removed", row: row(1) },
            { change: "added", row: row(2) },
        ];
    }
    if (include === "rows") told.rows = [row(2), row(3)];
    return told;
}
