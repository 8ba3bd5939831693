// What is asked of the rows of a table, and how it stands in the address: ?sort=-price&filter=price:gt:100
import type { Column } from "../api/client";
import { rowsQuery, type RowsAsk } from "../api/rows";

export const ops = {
    eq: "is",
    ne: "is not",
    lt: "is less than",
    le: "is at most",
    gt: "is more than",
    ge: "is at least",
    contains: "contains",
    starts: "begins with",
    null: "is NULL",
    not_null: "is not NULL",
} as const;

export type Op = keyof typeof ops;

export interface Filter {
    column: string;
    op: Op;
    value: string;
}

const isText = (type: string) => /^(text|varchar)/.test(type);
export const needsValue = (op: Op) => op !== "null" && op !== "not_null";

/** What can be asked of a column of the type. */
export function opsOf(type: string): Op[] {
    const all = Object.keys(ops) as Op[];
    if (isText(type)) return ["contains", "starts", "eq", "ne", "lt", "le", "gt", "ge", "null", "not_null"];
    if (type === "boolean") return ["eq", "ne", "null", "not_null"];
    if (type === "json") return ["null", "not_null"];
    return all.filter((op) => op !== "contains" && op !== "starts");
}

export const filterText = ({ column, op, value }: Filter) =>
    needsValue(op) ? `${column}:${op}:${value}` : `${column}:${op}`;

/** A column's name may have colons of its own: the longest name that fits is meant. */
function filterOf(text: string, columns: readonly Column[]): Filter | undefined {
    const fits = columns.map((c) => c.column_name).filter((name) => text.startsWith(`${name}:`));
    const column = fits.sort((one, other) => other.length - one.length)[0];
    if (column === undefined) return undefined;
    const rest = text.slice(column.length + 1);
    const [op = ""] = rest.split(":");
    return op in ops ? { column, op: op as Op, value: rest.slice(op.length + 1) } : undefined;
}

export interface Asking {
    sort: RowsAsk["sort"];
    filters: Filter[];
}

export function askingOf(query: URLSearchParams, columns: readonly Column[]): Asking {
    const sort = query.get("sort");
    const descending = sort?.startsWith("-") ?? false;
    const column = descending ? sort?.slice(1) : sort;
    return {
        sort: columns.some((c) => c.column_name === column) && column ? { column, descending } : null,
        filters: query
            .getAll("filter")
            .map((text) => filterOf(text, columns))
            .filter((filter) => filter !== undefined),
    };
}

export const rowsAsk = ({ sort, filters }: Asking): RowsAsk => ({ sort, filter: filters.map(filterText) });

/** The page's own address with it, in the place of the one before. */
export function showAsking(asking: Asking): void {
    const [place = ""] = location.hash.split("?");
    const query = rowsQuery(rowsAsk(asking)).toString();
    location.replace(query ? `${place}?${query}` : place);
}

/** Up, down, and as the rows are. */
export function nextSort(sort: Asking["sort"], column: string): Asking["sort"] {
    if (sort?.column !== column) return { column, descending: false };
    return sort.descending ? null : { column, descending: true };
}
