// The ten million rows, and DuckDB itself working on them.
import { statSync } from "node:fs";
import path from "node:path";
import { run, tool } from "./process.mjs";

export const ROWS = Number(process.env.BENCH_ROWS || 10_000_000);
export const THREADS = 2;

const WORDS =
    "alfa bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo " +
    "sierra tango uniform victor whiskey xray yankee zulu";

/** Runs statements on DuckDB; gives the milliseconds of each. */
export async function duck(file, ...statements) {
    const lines = await run(tool("duck"), [file, String(THREADS), ...statements]);
    return lines.map((line) => Number(line) / 1_000);
}

/** SomeNumber from 0 on, SomeString a word; gives the file, which is in the page cache then. */
export async function csvMake(folder) {
    const file = path.join(folder, "numbers.csv");
    const words = WORDS.split(" ").map((word) => `'${word}'`).join(", ");
    await duck(
        ":memory:",
        `COPY (SELECT range AS "SomeNumber", ([${words}])[1 + range % 26] AS "SomeString" FROM range(${ROWS}))` +
            ` TO '${file}' (HEADER)`,
    );
    return file;
}

export const megabytes = (file) => statSync(file).size / 1e6;
export const rowsText = ROWS.toLocaleString("en");
export const loadSql = (file) => `CREATE TABLE numbers AS SELECT * FROM read_csv('${file}')`;
