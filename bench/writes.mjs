// Small durable writes with 64 in flight, against synchronous commits one after another on SQLite itself.
import path from "node:path";
import { channelNew, Ours } from "./ours.mjs";
import { folderNew, folderRemove, progress, quiet, run, tool } from "./process.mjs";
import { wrk } from "./wrk.mjs";

const RUNS = 3;
const SECONDS = 5;

const TEAM = "0198c0de-0000-7000-8000-000000000001";

/** The tables that such a write touches, with their keys and indexes as the server has them. */
const SETUP =
    "CREATE TABLE jobs (team TEXT, id INTEGER, data TEXT, PRIMARY KEY (team, id)) STRICT;" +
    `INSERT INTO jobs VALUES ('${TEAM}', 1, '');` +
    "CREATE TABLE event_logs (team TEXT PRIMARY KEY, last INTEGER) STRICT;" +
    `INSERT INTO event_logs VALUES ('${TEAM}', 0);` +
    "CREATE TABLE events (team TEXT, n INTEGER, at INTEGER, type TEXT, subject TEXT, data TEXT," +
    " PRIMARY KEY (team, n));" +
    "CREATE TABLE single (n INTEGER PRIMARY KEY, at INTEGER, type TEXT, subject TEXT, data TEXT) STRICT;";

/** Transactions a second, each on disk before the next begins. */
async function commits(folder, name, statements) {
    await quiet();
    const lines = await run(tool("commits"), [path.join(folder, name), String(SECONDS), SETUP, ...statements]);
    return Number(lines[0]);
}

export async function* measure() {
    const folder = folderNew();
    const ours = await Ours.start();
    const wide = await Ours.start({ WORKERS: "64" });
    const { job } = await channelNew(ours);
    await channelNew(wide);
    const change = { notify: "always" };
    const text = JSON.stringify(await ours.ask("PATCH", `/jobs/${job}/`, change)).replaceAll("'", "''");
    const single = [`INSERT INTO single VALUES (?1, ?1, 'job.updated', '1', '${text}')`];
    const similar = [
        `UPDATE jobs SET data = '${text}' || ?1 WHERE team = '${TEAM}' AND id = 1`,
        `UPDATE event_logs SET last = ?1 WHERE team = '${TEAM}'`,
        `INSERT INTO events VALUES ('${TEAM}', ?1, ?1, 'job.updated', '1', '${text}')`,
    ];
    const patch = (server) =>
        wrk(server.url(`/jobs/${job}/`), {
            seconds: SECONDS,
            folder,
            request: {
                method: "PATCH",
                headers: { Authorization: server.authorization, "Content-Type": "application/json" },
                body: JSON.stringify(change),
            },
        });
    const samples = { ours: [], wide: [], row: [], three: [] };
    for (let run = 0; run < RUNS; run++) {
        progress(`writes: run ${run + 1} of ${RUNS}`);
        samples.ours.push(await patch(ours));
        samples.row.push(await commits(folder, `row${run}`, single));
        samples.wide.push(await patch(wide));
        samples.three.push(await commits(folder, `three${run}`, similar));
    }
    await ours.stop();
    await wide.stop();
    folderRemove(folder);
    const what = "PATCH /jobs/1/ with 64 in flight";
    const row = { name: "SQLite FULL, one inserted row after another", samples: samples.row };
    const three = { name: "SQLite FULL, the same three changes one after another", samples: samples.three };
    const unit = "commits/s";
    yield { what, unit, ours: samples.ours, peer: row, aim: ">= 3" };
    yield { what, unit, ours: samples.ours, peer: three, aim: ">= 3" };
    yield { what: `${what}, WORKERS=64`, unit, ours: samples.wide, peer: row };
    yield { what: `${what}, WORKERS=64`, unit, ours: samples.wide, peer: three };
}
