// A team's engine process dies, hangs, is stopped, eats its memory, gets none, or finds its disk full or broken, at each
// step that it takes with its files and its socket: of a load into a new team, of rows appended, of a refresh.
import assert from "node:assert/strict";
import { test, until } from "../api/harness.mjs";
import { account, SAMPLE_COLUMNS, sampleCsv, uploadForm } from "../api/client.mjs";
import {
    DIE,
    EAT,
    EIO,
    ENOMEM,
    ENOSPC,
    HANG,
    HurtServer,
    ALL,
    MEMORY,
    short,
    SOCKET,
    STOP,
    TEAM_READ,
    TEAM_WRITE,
} from "./control.mjs";
import { scene, steps } from "./steps.mjs";
import { Follower, sweep, Tally, tidy } from "./sweep.mjs";

const STEPS = TEAM_READ | TEAM_WRITE | SOCKET;

/** The first load of a team, whose process is started for it. */
function firstLoad(server) {
    return {
        name: "first load",
        want: 201,
        before: async () => ({ me: await account(server) }),
        run: ({ me }) =>
            me.call("POST", "/tables/", {
                form: uploadForm({ table_name: "t", file: sampleCsv, columns: SAMPLE_COLUMNS }),
            }),
        done: async ({ me }) => (await me.call("GET", "/tables/t/")).status === 200,
        async after({ me }) {
            const rows = await me.rows("t");
            assert.equal(rows.length, 10);
        },
    };
}

/** [what, how it fails, of which calls, every so many of them in the short form (0: not in it) and in the full one] */
const faults = [
    ["dies", { action: DIE }, STEPS, 9, 1],
    ["hangs", { action: HANG }, STEPS, 0, 1],
    ["is stopped", { action: STOP }, STEPS, 29, 1],
    ["eats its memory", { action: EAT }, STEPS, 0, 1],
    ["finds the disk full", { action: ENOSPC, times: ALL }, TEAM_WRITE, 7, 1],
    ["finds one write failing", { action: EIO }, TEAM_WRITE, 0, 1],
    ["finds one read failing", { action: EIO }, TEAM_READ, 0, 1],
    ["dies for want of memory", { action: DIE }, MEMORY, 0, 997],
    ["gets no memory", { action: ENOMEM }, MEMORY, 0, 499],
    ["gets no more memory", { action: ENOMEM, times: ALL }, MEMORY, 0, 997],
];

for (const [what, how, kinds, few, all] of faults) {
    const { action } = how;
    const stride = short ? few : all;
    if (!stride) continue;
    test(
        `an engine process ${what}, at each step of a load and a refresh`,
        async (t) => {
            const server = new HurtServer({ env: { QUERY_SECONDS: "2", ENGINE_MEMORY: "64M" } });
            t.after(() => server.end());
            await server.start();
            const stage = await scene(server);
            const follower = new Follower(stage.me);
            t.after(() => follower.close());
            const total = new Tally(`engine ${what}`);
            // What a fault leaves of a process is replaced, by the next calls at the latest.
            const sql = "SELECT count(*) AS n FROM (SELECT DISTINCT range FROM range(100000))";
            const recover = ({ me = stage.me }) =>
                until(
                    async () => (await me.call("POST", "/queries/", { json: { sql } })).status === 200,
                    "a fresh process",
                    60_000,
                );
            const starved = action === EAT || kinds === MEMORY;
            for (const plain of [
                firstLoad(server),
                steps["rows appended"](stage),
                steps["table replaced"](stage),
                steps.refresh(stage),
            ]) {
                const step = { ...plain, recover, hungry: starved };
                const tally = await sweep(server, server.engineFaults, step, { kinds, ...how }, { stride });
                t.diagnostic(String(tally));
                total.add(tally);
            }
            t.diagnostic(String(total));
            assert.deepEqual(total.wrong, []);
            assert.ok(total.counts.injected > 0);
            await follower.check();
            await tidy(server);
        },
        { timeout: 900_000 },
    );
}
