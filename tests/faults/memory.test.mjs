// The n-th allocation of the server fails, at each one that a request makes: it stays up, what it answers is true, and the
// same works then.
import assert from "node:assert/strict";
import { test } from "../api/harness.mjs";
import { HurtServer, MEMORY, short } from "./control.mjs";
import { scene, steps } from "./steps.mjs";
import { Follower, sweep, Tally, tidy } from "./sweep.mjs";

/** Each of them hashes passwords, which takes its time. */
const SLOW = ["sign-in", "registration"];

test(
    "each allocation of a request fails once",
    async (t) => {
        const server = new HurtServer();
        t.after(() => server.end());
        await server.start();
        const stage = await scene(server);
        const follower = new Follower(stage.me);
        t.after(() => follower.close());
        const total = new Tally("memory");
        for (const [name, make] of Object.entries(steps)) {
            const stride = short ? (SLOW.includes(name) ? 41 : 23) : 1;
            const tally = await sweep(server, server.faults, make(stage), { kinds: MEMORY }, { stride });
            t.diagnostic(String(tally));
            total.add(tally);
        }
        t.diagnostic(`${total} | entries of the log in order ${await follower.check()}`);
        assert.deepEqual(total.wrong, []);
        await tidy(server);
        await server.restart();
        await follower.check();
    },
    { timeout: 1_800_000 },
);
