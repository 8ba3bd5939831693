// How soon the first answer comes after the start, and what an idle server occupies.
import { program, settings } from "./ours.mjs";
import { family, folderNew, folderRemove, memory } from "./process.mjs";
import { pause, portFree, Process, progress, quiet, tool } from "./process.mjs";

const RUNS = 10;
const IDLE_MS = 1_000;

/** Starts in a folder and stops again: {ms, rss, pss}; pss is of the server and its processes together. */
async function startOnce(folder, idle) {
    await quiet();
    const port = await portFree();
    const starter = new Process(tool("starter"), [String(port), program, "serve"], {
        cwd: folder,
        env: settings(folder, port),
    });
    const [pid, us] = (await starter.next()).split(" ").map(Number);
    if (idle) await pause(IDLE_MS);
    const pids = family(pid);
    const { rss } = memory(pid);
    const pss = pids.reduce((total, one) => total + memory(one).pss, 0);
    starter.child.stdin.end();
    if ((await starter.ended) !== 0) throw starter.failed();
    return { ms: us / 1_000, rss: rss / 1e6, pss: pss / 1e6, processes: pids.length };
}

export async function* measure() {
    const fresh = [];
    const again = [];
    for (let run = 0; run < RUNS; run++) {
        progress(`start: run ${run + 1} of ${RUNS}`);
        const folder = folderNew();
        fresh.push(await startOnce(folder, false));
        again.push(await startOnce(folder, true));
        folderRemove(folder);
    }
    const ms = (starts) => starts.map((start) => start.ms);
    const unit = "MB";
    const aim = "<= 1";
    yield { what: "start to the first 200 of /health, data folder there", unit: "ms", ours: ms(again), limit: 50, aim };
    yield { what: "the same, data folder empty (first start)", unit: "ms", ours: ms(fresh), limit: 50, aim };
    yield { what: "resident memory of the idle server", unit, ours: again.map((start) => start.rss), limit: 20, aim };
    yield {
        what: `proportional memory (PSS) of all ${again[0].processes} processes of an idle server`,
        unit,
        ours: again.map((start) => start.pss),
    };
}
