// A sync that fails, on the real program: it ends, says why, and has told nobody that the write was done.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build, root, Server, test, until } from "../api/harness.mjs";
import { account, call } from "../api/client.mjs";
import { range } from "../api/files.mjs";

const ROUNDS = process.env.CRASH === "short" ? 2 : 12;
const shim = path.join(build, "failing_sync.so");

function shimMade() {
    const source = path.join(root, "tests/crash/failing_sync.c");
    execFileSync("gcc", ["-std=gnu17", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O2", "-o", shim, source]);
}

test(
    "a sync that fails ends the server, and acknowledges nothing",
    async (t) => {
        shimMade();
        let acknowledged = 0;
        let unanswered = 0;
        const server = new Server();
        t.after(() => server.end());
        const told = path.join(server.folder, "fail");
        server.env = { LD_PRELOAD: shim, FAILING_SYNC: told, ACCESS_TOKEN_SECONDS: "86400" };
        await server.start();
        const me = await account(server);
        await me.table("t");
        await me.view("v", "SELECT 1 AS one");
        const kept = [];
        for (let round = 0; round < ROUNDS; round++) {
            const sure = [];
            const open = [];
            // One at a time, and in the rounds between many at once that share a sync.
            const writers = range(round % 2 ? 8 : 1).map(async (w) => {
                for (let i = 0; ; i++) {
                    const crontab_def = `${i % 60} ${w} ${1 + round} 1 *`;
                    open.push(crontab_def);
                    const reply = await me.call("POST", "/jobs/", { json: { view_name: "v", crontab_def } });
                    assert.equal(reply.status, 201);
                    sure.push(crontab_def);
                    if (sure.length === 10) writeFileSync(told, "");
                }
            });
            const ends = await Promise.allSettled(writers);
            for (const { reason } of ends) assert.equal(reason.name, "TypeError", reason.stack); // no answer
            const code = await server.exited;
            assert.equal(code, "SIGABRT", `the server ended with ${code}`);
            assert.ok(!existsSync(told), "the sync was asked for");
            assert.match(server.log.slice(server.shown), /syncing .* failed .*Input\/output error/);
            server.shown = server.log.length;
            await server.start();
            kept.push(...sure);
            const jobs = new Set((await me.all("/jobs/?limit=1000")).map((job) => job.crontab_def));
            const lost = kept.filter((crontab_def) => !jobs.has(crontab_def));
            assert.deepEqual(lost, []);
            const entries = await me.all("/events/?limit=1000");
            assert.deepEqual(
                entries.map((entry) => entry.n),
                range(entries.length).map((i) => i + 1),
            );
            acknowledged += sure.length;
            unanswered += open.length - sure.length;
        }
        await until(() => call(server, "GET", "/ready").then((reply) => reply.status === 200), "the server");
        console.log(
            `syncs that failed in the server ${ROUNDS} | ended ${ROUNDS} | acknowledged ${acknowledged} |` +
                ` unanswered ${unanswered} | lost 0`,
        );
    },
    { timeout: 120_000 },
);
