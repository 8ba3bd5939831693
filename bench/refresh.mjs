// A refresh by HTTP, against the same query on DuckDB itself and PostgreSQL's REFRESH MATERIALIZED VIEW.
import path from "node:path";
import { csvMake, duck, loadSql, rowsText } from "./numbers.mjs";
import { Ours } from "./ours.mjs";
import { Postgres } from "./postgres.mjs";
import { folderNew, folderRemove, progress, quiet } from "./process.mjs";
import { median } from "./table.mjs";

const RUNS = 5;
const REFRESHES = 5; // of a run; its number is their median
const GROUPS = 1_000;

const QUERY =
    `SELECT "SomeNumber" % ${GROUPS} AS "Bucket", count(*) AS "Rows", sum("SomeNumber") AS "Total", ` +
    `max("SomeString") AS "Last" FROM numbers GROUP BY 1`;
const CLOCK_QUERY = QUERY.replace("GROUP BY", "WHERE NOW() IS NOT NULL GROUP BY");

/** The first one reads what the others find in memory. */
const timed = (times) => median(times.slice(-REFRESHES));
const times = (of) => Array.from({ length: REFRESHES + 1 }, of);

async function duckRun(file) {
    await quiet();
    return timed(await duck(file, ...times(() => `CREATE OR REPLACE TABLE buckets AS ${QUERY}`)));
}

/** {http, above}: milliseconds from request to answer, and how much more that is than the engine says. */
async function ourRun(ours, view) {
    await quiet();
    const http = [];
    const above = [];
    for (let n = 0; n <= REFRESHES; n++) {
        // Inputs that have not moved would not be refreshed.
        await ours.post("/tables/numbers/rows/", { rows: [{ SomeNumber: n, SomeString: "alfa" }] });
        const began = performance.now();
        const { outcome, duration_ms } = await ours.post(`/views/${view}/refresh/`);
        http.push(performance.now() - began);
        above.push(http.at(-1) - duration_ms);
        if (outcome !== "refreshed") throw new Error(`the refresh was ${outcome}`);
    }
    return { http: timed(http), above: timed(above) };
}

async function postgresRun(postgres) {
    await quiet();
    return timed(await postgres.sql(...times(() => "REFRESH MATERIALIZED VIEW buckets")));
}

async function oursStart(csv) {
    const ours = await Ours.start();
    await ours.upload("numbers", csv);
    await ours.post("/views/create/", { view_name: "buckets", sql_query: QUERY });
    await ours.post("/views/create/", { view_name: "buckets_now", sql_query: CLOCK_QUERY });
    return ours;
}

async function postgresStart(csv) {
    const postgres = await Postgres.start();
    await postgres.sql(
        `CREATE TABLE numbers ("SomeNumber" bigint, "SomeString" text)`,
        `\\copy numbers FROM '${csv}' (FORMAT csv, HEADER)`,
        "VACUUM ANALYZE numbers",
        `CREATE MATERIALIZED VIEW buckets AS ${QUERY}`,
        "CHECKPOINT",
    );
    return postgres;
}

export async function* measure() {
    const folder = folderNew();
    const file = path.join(folder, "own.duckdb");
    const csv = await csvMake(folder);
    progress("refresh: loading");
    await duck(file, loadSql(csv));
    const ours = await oursStart(csv);
    const postgres = await postgresStart(csv);
    const samples = { http: [], above: [], clock: [], duck: [], postgres: [] };
    for (let run = 0; run < RUNS; run++) {
        progress(`refresh: run ${run + 1} of ${RUNS}`);
        samples.duck.push(await duckRun(file));
        const { http, above } = await ourRun(ours, "buckets");
        samples.http.push(http);
        samples.above.push(above);
        samples.clock.push((await ourRun(ours, "buckets_now")).http);
        samples.postgres.push(await postgresRun(postgres));
    }
    await postgres.stop();
    await ours.stop();
    folderRemove(folder);
    const unit = "ms";
    const what = `refresh of ${rowsText} rows in ${GROUPS.toLocaleString("en")} groups by HTTP`;
    const raw = { name: "DuckDB CREATE TABLE AS, same query", samples: samples.duck };
    const difference = samples.http.map((ms, run) => ms - samples.duck[run]);
    yield { what, unit, ours: samples.http, peer: raw };
    yield { what: "the same: above DuckDB, run by run", unit, ours: difference, limit: 20, aim: "<= 1" };
    yield { what: "the same: above what the engine says (`duration_ms`)", unit, ours: samples.above };
    yield { what: `${what}, NOW() in the query`, unit, ours: samples.clock, peer: raw };
    yield { what, unit, ours: samples.http, peer: { name: "PostgreSQL 15 REFRESH", samples: samples.postgres } };
}
