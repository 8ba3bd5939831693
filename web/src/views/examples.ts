// Queries to begin with, made of the tables that the team has.
import type { Column } from "../api/client";
import { isNumber } from "../ui/value";
import { quoted } from "./dialect";
import type { Relation } from "./completion";

export interface Example {
    text: string;
    sql: string;
}

const TIME = /^(date|timestamp|timestamptz)$/;

/** By which one could count: short texts and the like. */
const groups = ({ column_type: type }: Column) => /^(varchar|text|boolean|smallint)/.test(type);

function counted(from: string, columns: readonly Column[]): Example[] {
    const by = columns.find(groups);
    const of = columns.find((column) => isNumber(column.column_type) && column !== by);
    if (!by) return [];
    const name = quoted(by.column_name);
    const sum = of ? `,\n    avg(${quoted(of.column_name)}) AS average` : "";
    const sql = `SELECT\n    ${name},\n    count(*) AS rows${sum}\nFROM ${from}\nGROUP BY ${name}\nORDER BY rows DESC`;
    return [{ text: `Count by ${by.column_name}`, sql }];
}

function recent(from: string, columns: readonly Column[]): Example[] {
    const at = columns.find(({ column_type }) => TIME.test(column_type));
    if (!at) return [];
    const name = quoted(at.column_name);
    return [{ text: "The last seven days", sql: `SELECT *\nFROM ${from}\nWHERE ${name} > now() - INTERVAL 7 DAY` }];
}

/** A standing question whose answer is another one from second to second: there is something to see at once. */
function changing(from: string, columns: readonly Column[]): Example[] {
    const of = columns.find(({ column_type }) => /^(int|bigint|smallint)$/.test(column_type));
    if (!of) return [];
    const now = "CAST(EXTRACT(SECOND FROM now()) AS INTEGER) % 10";
    const sql = `-- another row each second\nSELECT *\nFROM ${from}\nWHERE ${quoted(of.column_name)} = ${now}`;
    return [{ text: "A row that changes each second", sql }];
}

export function examplesOf({ name, columns }: Relation): Example[] {
    const from = quoted(name);
    return [
        { text: `All of ${name}`, sql: `SELECT *\nFROM ${from}` },
        ...counted(from, columns),
        ...recent(from, columns),
        ...changing(from, columns),
    ];
}
