// A large CSV by HTTP, against DuckDB's own load of the same file.
import { rmSync } from "node:fs";
import path from "node:path";
import { csvMake, duck, loadSql, megabytes, rowsText } from "./numbers.mjs";
import { Ours } from "./ours.mjs";
import { folderNew, folderRemove, memory, peakReset, progress, quiet } from "./process.mjs";

const RUNS = 3;
const declared = [
    { column_name: "SomeNumber", column_type: "int" },
    { column_name: "SomeString", column_type: "varchar(256)" },
];

/** Into a new database file, committed. */
async function duckLoad(folder, csv) {
    await quiet();
    const file = path.join(folder, "own.duckdb");
    const [ms] = await duck(file, loadSql(csv));
    for (const end of ["", ".wal"]) rmSync(file + end, { force: true });
    return ms / 1_000;
}

async function ourLoad(ours, csv, columns) {
    await quiet();
    peakReset(ours.pid);
    const before = memory(ours.pid).rss;
    const seconds = await ours.upload("numbers", csv, columns);
    const grown = (memory(ours.pid).peak - before) / 1e6;
    await ours.ask("DELETE", "/tables/numbers/");
    return { seconds, grown };
}

export async function* measure() {
    const folder = folderNew();
    const csv = await csvMake(folder);
    const ours = await Ours.start();
    const own = [];
    const inferred = [];
    const typed = [];
    for (let run = 0; run < RUNS; run++) {
        progress(`load: run ${run + 1} of ${RUNS}`);
        own.push(await duckLoad(folder, csv));
        inferred.push(await ourLoad(ours, csv));
        typed.push(await ourLoad(ours, csv, declared));
    }
    await ours.stop();
    const what = `load of a CSV of ${rowsText} rows (${megabytes(csv).toFixed(0)} MB) by HTTP`;
    const seconds = (loads) => loads.map((load) => load.seconds);
    const peer = { name: "DuckDB read_csv", samples: own };
    folderRemove(folder);
    yield { what: `${what}, columns inferred`, unit: "s", ours: seconds(inferred), peer, aim: "<= 1.3" };
    yield { what: `${what}, declared int, varchar(256)`, unit: "s", ours: seconds(typed), peer, aim: "<= 1.3" };
    yield {
        what: "growth of the server's peak resident memory during these loads (aim: flat)",
        unit: "MB",
        ours: [...inferred, ...typed].map((load) => load.grown),
    };
}
