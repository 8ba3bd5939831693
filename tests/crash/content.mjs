// What a table of these tests holds: batches of rows {batch, k}, k from 0 on, of which a view may take every `mod`th.
//
// A content is {mod, batches: {tag: size}}. Its summary, a line a batch with count and sum, is what a whole batch has
// and no part of one.
import { csv, parquet, range } from "../api/files.mjs";

export const COLUMNS = [
    { column_name: "batch", column_type: "varchar(40)" },
    { column_name: "k", column_type: "int" },
];

export function batchRows(tag, size) {
    return range(size).map((k) => ({ batch: tag, k }));
}

export function batchCsv(tag, size) {
    return csv(
        ["batch", "k"],
        range(size).map((k) => [tag, k]),
    );
}

export function batchParquet(tag, size) {
    return parquet([
        { name: "batch", data: range(size).map(() => tag), type: "STRING" },
        { name: "k", data: range(size), type: "INT32" },
    ]);
}

/** How many rows of a batch a content has. */
function taken({ mod }, size) {
    return Math.ceil(size / mod);
}

export function contentRows(content) {
    return Object.values(content.batches).reduce((sum, size) => sum + taken(content, size), 0);
}

export function contentSummary(content) {
    return Object.entries(content.batches)
        .map(([tag, size]) => {
            const n = taken(content, size);
            return `${tag}:${n}:${(content.mod * n * (n - 1)) / 2}:${n}`;
        })
        .sort()
        .join(" ");
}

/** One query that summarises many tables and views: rows {name, batch, c, s, d}. */
export function summaryQuery(names) {
    return names
        .map(
            (name) =>
                `SELECT '${name}' AS name, batch, count(*) AS c, CAST(sum(k) AS BIGINT) AS s,` +
                ` count(DISTINCT k) AS d FROM ${name} GROUP BY batch`,
        )
        .join(" UNION ALL ");
}

export function summaryOf(rows) {
    return rows
        .map(({ batch, c, s, d }) => `${batch}:${c}:${s}:${d}`)
        .sort()
        .join(" ");
}

/** The same from rows {batch, k}, each with how often it is there. */
export function summaryOfRows(rows) {
    const batches = new Map();
    for (const [text, n] of rows) {
        const { batch, k } = JSON.parse(text);
        const sum = batches.get(batch) ?? { batch, c: 0, s: 0, d: 0 };
        sum.c += n;
        sum.s += n * k;
        sum.d += 1;
        batches.set(batch, sum);
    }
    return summaryOf([...batches.values()]);
}
