// Calls of the server on its files fail: each read, write and opening of the store, a full disk from each write on, and the
// files of uploads.
import assert from "node:assert/strict";
import { test, until } from "../api/harness.mjs";
import {
    ALL,
    EIO,
    ENOSPC,
    HurtServer,
    short,
    SPOOL,
    STORE_OPEN,
    STORE_READ,
    STORE_SYNC,
    STORE_WRITE,
} from "./control.mjs";
import { scene, steps } from "./steps.mjs";
import { attempt, Follower, sweep, Tally, tidy } from "./sweep.mjs";

const UPLOADS = [
    "table from CSV",
    "table from Parquet",
    "table replaced",
    "load in the background",
    "upload announced",
    "first piece of an upload",
    "next piece of an upload",
    "table from an upload",
];

/** [what, which calls, how, which steps, every so many in the short form; 0: not in it] */
const faults = [
    ["one call on the store fails", STORE_READ | STORE_WRITE | STORE_OPEN, { action: EIO }, Object.keys(steps), 5],
    ["one write of the store finds no room", STORE_WRITE, { action: ENOSPC }, Object.keys(steps), 0],
    ["the store's disk is full", STORE_WRITE, { action: ENOSPC, times: ALL }, Object.keys(steps), 5],
    ["one call on an upload's file fails", SPOOL, { action: EIO }, UPLOADS, 0],
    ["the uploads' disk is full", SPOOL, { action: ENOSPC, times: ALL }, UPLOADS, 1],
];

for (const [what, kinds, how, names, few] of faults) {
    const stride = short ? few : 1;
    if (!stride) continue;
    test(
        what,
        async (t) => {
            const server = new HurtServer();
            t.after(() => server.end());
            await server.start();
            const stage = await scene(server);
            const follower = new Follower(stage.me);
            t.after(() => follower.close());
            const total = new Tally(what);
            for (const name of names) {
                const tally = await sweep(server, server.faults, steps[name](stage), { kinds, ...how }, { stride });
                if (tally.counts.injected) t.diagnostic(String(tally));
                total.add(tally);
            }
            t.diagnostic(`${total} | entries of the log in order ${await follower.check()}`);
            assert.deepEqual(total.wrong, []);
            assert.ok(total.counts.injected > 0);
            await tidy(server);
            await server.restart();
            await follower.check();
        },
        { timeout: 900_000 },
    );
}

test("a sync that fails ends the process, and what was acknowledged is there afterwards", async (t) => {
    const server = new HurtServer();
    t.after(() => server.end());
    await server.start();
    const stage = await scene(server);
    const jobs = [];
    for (let n = 1; n <= (short ? 2 : 6); n++) {
        server.faults.arm(STORE_SYNC, n, { action: EIO });
        while (server.ended === undefined) {
            const told = await attempt(() =>
                stage.me.call("POST", "/jobs/", { json: { view_name: "small", crontab_def: "0 4 * * 1" } }),
            );
            if (told.status === 201) jobs.push(told.body.id);
            else if (!told.cut) assert.fail(`${told.status} ${JSON.stringify(told.body)}`);
            else await until(() => server.ended !== undefined, "the process to end");
        }
        assert.equal(server.ended, "SIGABRT");
        assert.match(server.log, /syncing .* failed .*so the process ends/);
        server.faults.disarm();
        await server.start();
        const there = (await stage.me.all("/jobs/")).map((job) => job.id);
        assert.deepEqual(
            jobs.filter((id) => !there.includes(id)),
            [],
        );
    }
    t.diagnostic(`syncs that failed ${short ? 2 : 6} | acknowledged ${jobs.length} | lost 0`);
});
