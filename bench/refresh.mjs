// A refresh by HTTP, against the same query on DuckDB itself and PostgreSQL's REFRESH MATERIALIZED VIEW.
import path from "node:path";
import { Crowd } from "./crowd.mjs";
import { csvMake, duck, loadSql, rowsText } from "./numbers.mjs";
import { Ours } from "./ours.mjs";
import { Postgres } from "./postgres.mjs";
import { folderNew, folderRemove, progress } from "./process.mjs";
import { median } from "./table.mjs";

const RUNS = 20;
const POSTGRES_RUNS = 5;
const GROUPS = 1_000;

// The clock in it makes it volatile: otherwise a refresh of unmoved inputs would be skipped.
const QUERY =
    `SELECT "SomeNumber" % ${GROUPS} AS "Bucket", count(*) AS "Rows", sum("SomeNumber") AS "Total", ` +
    `max("SomeString") AS "Last" FROM numbers WHERE NOW() IS NOT NULL GROUP BY 1`;

async function duckTimes(folder, csv) {
    const refresh = `CREATE OR REPLACE TABLE buckets AS ${QUERY}`;
    const refreshes = Array.from({ length: RUNS + 2 }, () => refresh);
    const times = await duck(path.join(folder, "own.duckdb"), loadSql(csv), ...refreshes);
    return times.slice(3);
}

/** {http, engine}: milliseconds from request to answer, and as the engine says. */
async function ourTimes(csv) {
    const ours = await Ours.start();
    await ours.upload("numbers", csv);
    await ours.post("/views/create/", { view_name: "buckets", sql_query: QUERY });
    const publish = ours.request("POST", "/views/buckets/refresh/");
    const crowd = await Crowd.open(ours, { count: 0, rounds: RUNS + 2, listen: "", publish });
    const rounds = await crowd.publish();
    await crowd.close();
    const engine = [];
    for (let run = 0; run < RUNS; run++) engine.push((await ours.post("/views/buckets/refresh/")).duration_ms);
    await ours.stop();
    return { http: rounds.slice(2).map((round) => round.answered / 1_000), engine };
}

async function postgresTimes(csv) {
    const postgres = await Postgres.start();
    const refreshes = Array.from({ length: POSTGRES_RUNS + 1 }, () => "REFRESH MATERIALIZED VIEW buckets");
    const times = await postgres.sql(
        `CREATE TABLE numbers ("SomeNumber" bigint, "SomeString" text)`,
        `\\copy numbers FROM '${csv}' (FORMAT csv, HEADER)`,
        "VACUUM ANALYZE numbers",
        `CREATE MATERIALIZED VIEW buckets AS ${QUERY}`,
        ...refreshes,
    );
    await postgres.stop();
    return times.slice(-POSTGRES_RUNS);
}

export async function* measure() {
    const folder = folderNew();
    const csv = await csvMake(folder);
    progress("refresh: DuckDB itself");
    const own = await duckTimes(folder, csv);
    progress("refresh: ours");
    const ours = await ourTimes(csv);
    const what = `refresh of ${rowsText} rows in ${GROUPS.toLocaleString("en")} groups by HTTP`;
    yield {
        what,
        unit: "ms",
        ours: ours.http,
        peer: { name: "DuckDB CREATE TABLE AS, same query", samples: own },
    };
    const above = (base) => ours.http.map((ms) => ms - median(base));
    yield { what: "the same, above DuckDB's median", unit: "ms", ours: above(own), limit: 20, aim: "<= 1" };
    yield { what: "the same, above what the engine says (`duration_ms`)", unit: "ms", ours: above(ours.engine) };
    progress("refresh: PostgreSQL");
    yield {
        what,
        unit: "ms",
        ours: ours.http,
        peer: { name: "PostgreSQL 15 REFRESH", samples: await postgresTimes(csv) },
    };
    folderRemove(folder);
}
