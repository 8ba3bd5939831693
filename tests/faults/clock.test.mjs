// The wall clock is set forwards and back, by an hour and by forty days, while jobs, streams and tokens live.
import assert from "node:assert/strict";
import { test, until } from "../api/harness.mjs";
import { call } from "../api/client.mjs";
import { HurtServer, short } from "./control.mjs";
import { scene } from "./steps.mjs";
import { Follower } from "./sweep.mjs";

const HOUR = 3600;
const DAY = 24 * HOUR;
const jumps = short ? [HOUR, 0, -40 * DAY] : [HOUR, 0, -HOUR, 0, 40 * DAY, 0, -40 * DAY, 0];

async function runsOf(me, job) {
    return (await me.get(`/jobs/${job}/runs/?limit=100`)).data;
}

/** Signs in anew where the tokens have run out, and says which were still good. */
async function tokens(server, me) {
    const access = (await me.call("GET", "/auth/users/me/")).status;
    assert.ok([200, 401].includes(access));
    const renewed = await call(server, "POST", "/auth/tokens/refresh/", { json: { refresh: me.refresh } });
    assert.ok([200, 401].includes(renewed.status));
    if (renewed.status === 200) Object.assign(me, renewed.body);
    else await me.signIn();
    await me.get("/auth/users/me/");
    return { access, refresh: renewed.status };
}

/** What the clock says decides: a token from the future is good, one whose time is over is not. */
function expected(from, to) {
    const ahead = to - from;
    return { access: ahead < 300 ? 200 : 401, refresh: ahead < 14 * DAY ? 200 : 401 };
}

test(
    "a clock that is set does not stop jobs or make them storm",
    async (t) => {
        const server = new HurtServer({ env: { ACCESS_TOKEN_SECONDS: "300" } });
        t.after(() => server.end());
        await server.start();
        const { me } = await scene(server);
        await me.view("now", "SELECT now() AS at");
        const { id: seconds } = await me.job("now", "1 seconds");
        const { id: minutes } = await me.job("small", "* * * * *");
        const { public_identifier } = await me.channel(seconds);
        const listener = await me.listen(t, public_identifier);
        const follower = new Follower(me);
        t.after(() => follower.close());
        await listener.next();
        for (let i = 0, now = 0; i < jumps.length; now = jumps[i++]) {
            const before = new Set((await runsOf(me, minutes)).map((run) => run.id));
            const events = listener.messages().length;
            const set = Date.now();
            server.faults.clock(jumps[i]);
            assert.deepEqual(await tokens(server, me), expected(now, jumps[i]), `from ${now} to ${jumps[i]}`);
            await until(
                () => listener.messages().length >= events + 3,
                `three runs after the clock went from ${now} to ${jumps[i]}`,
                8_000,
            );
            const waited = (Date.now() - set) / 1000;
            const told = listener.messages().length - events;
            assert.ok(
                told <= waited + 3,
                `${told} runs in ${waited} s after the clock went from ${now} to ${jumps[i]}`,
            );
            const due = (await me.get(`/jobs/${minutes}/`)).next_due ?? null;
            const more = (await runsOf(me, minutes)).filter((run) => !before.has(run.id));
            assert.ok(more.length <= 2, `${more.length} runs of the job of each minute at once`);
            if (due)
                assert.ok(Math.abs(Date.parse(due) / 1000 - Date.now() / 1000 - jumps[i]) <= 61, `next due ${due}`);
            t.diagnostic(
                `clock ${now} -> ${jumps[i]} s: ${told} runs of each second in ${waited.toFixed(1)} s, ` +
                    `${more.length} of each minute`,
            );
        }
        server.stillUp(server.pid);
        assert.equal(follower.broken, undefined);
    },
    { timeout: 300_000 },
);
