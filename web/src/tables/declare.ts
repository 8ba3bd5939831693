// How the columns of a file are to be read, by what was found in it, what the table has, and what the person wants.
import type { Column, Table } from "../api/client";
import type { Mode } from "./notes";

export const find = <T>(kept: ReadonlyMap<string, T>, name: string): [string, T] | undefined =>
    [...kept].find(([key]) => key.toLowerCase() === name.toLowerCase());

export const sameColumns = (one: readonly Column[], other: readonly Column[]) =>
    one.length === other.length &&
    one.every((column) =>
        other.some(
            ({ column_name: name, column_type: type }) =>
                name.toLowerCase() === column.column_name.toLowerCase() && type === column.column_type,
        ),
    );

/** How the columns of a file are to be read: appended rows are the table's own; others may be anything. */
export function declare(
    mode: Mode,
    table: Table | undefined,
    types: Types,
    inferred: Column[] | undefined,
): Column[] | null {
    if (mode === "append") return table?.columns ?? null;
    if (!inferred) return null;
    const had = mode === "replace" ? (table?.columns ?? []) : [];
    const own = new Map(had.map((column) => [column.column_name.toLowerCase(), column.column_type]));
    const columns = inferred.map(({ column_name: name, column_type }) => ({
        column_name: name,
        column_type: types[name] ?? own.get(name.toLowerCase()) ?? column_type,
    }));
    return sameColumns(columns, inferred) ? null : columns;
}

export type Types = Readonly<Record<string, string>>;
