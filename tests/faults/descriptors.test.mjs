// Descriptors run out: no busy loop, who is connected goes on, and new ones are accepted as soon as there is room.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { test, until } from "../api/harness.mjs";
import { call } from "../api/client.mjs";
import { DESCRIPTOR, EMFILE, HurtServer, short } from "./control.mjs";
import { scene, steps } from "./steps.mjs";
import { Follower, sweep, Tally, tidy } from "./sweep.mjs";

const HERTZ = 100;

const descriptors = (server) => readdirSync(`/proc/${server.pid}/fd`).length;

/** Processor time so far, in seconds. */
function used(pid) {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return (Number(stat[11]) + Number(stat[12])) / HERTZ;
}

/** What the processor had to do with the server in so many seconds. */
async function load(server, seconds) {
    const before = used(server.pid);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return (used(server.pid) - before) / seconds;
}

/** Connections until `count` are there, or no more are taken. */
async function crowd(server, count) {
    const sockets = [];
    for (let i = 0; i < count; i++) {
        const socket = net.connect(server.port, "127.0.0.1").on("error", () => {});
        sockets.push(socket);
    }
    await until(() => sockets.every((socket) => !socket.connecting), "the connections");
    return sockets;
}

function kept(server, agent, token) {
    return new Promise((resolve, reject) => {
        const headers = { authorization: `JWT ${token}` };
        http.get(`${server.url}/auth/users/me/`, { agent, headers }, (answer) => {
            answer.resume().on("end", () => resolve(answer.statusCode));
        }).on("error", reject);
    });
}

for (const [what, limit] of [
    ["by the program's own count", undefined],
    ["because the limit was lowered under it", 60],
]) {
    test(
        `more connections than descriptors, ${what}`,
        async (t) => {
            const server = new HurtServer();
            const { wrap } = server;
            server.wrap = (args) => ["sh", ["-c", 'ulimit -n 300; exec "$@"', "sh", ...wrap(args).flat()]];
            t.after(() => server.end());
            await server.start();
            const { me } = await scene(server);
            const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
            t.after(() => agent.destroy());
            assert.equal(await kept(server, agent, me.access), 200);
            const idle = descriptors(server);
            if (limit) execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${idle + 10}:300`]);
            // Who is at work goes on; who is idle may have to make room.
            let asked = 0;
            const working = setInterval(
                () =>
                    kept(server, agent, me.access).then(
                        (status) => (asked += status === 200),
                        () => {},
                    ),
                50,
            );
            t.after(() => clearInterval(working));
            const sockets = await crowd(server, 600);
            t.after(() => sockets.forEach((socket) => socket.destroy()));
            await until(() => /out of descriptors/.test(server.log), "the server to run out");
            const before = asked;
            const busy = await load(server, short ? 1 : 3);
            assert.ok(busy < 0.2, `${busy} of a processor while out of descriptors`);
            assert.ok(limit || asked > before, "who is connected is not answered");
            clearInterval(working);
            if (limit) execFileSync("prlimit", ["--pid", String(server.pid), "--nofile=300:300"]);
            sockets.forEach((socket) => socket.destroy());
            const begun = Date.now();
            await until(
                () =>
                    call(server, "GET", "/health").then(
                        (reply) => reply.status === 200,
                        () => false,
                    ),
                "an answer again",
                10_000,
            );
            const waited = Date.now() - begun;
            await me.table("after");
            await me.refresh_view("small");
            await until(() => descriptors(server) <= idle + 12, `${descriptors(server)} descriptors, ${idle} before`);
            t.diagnostic(
                `descriptors out, ${what}: connections 600 | processor ${(busy * 100).toFixed(0)} % | ` +
                    `accepted again after ${waited} ms`,
            );
        },
        { timeout: 120_000 },
    );
}

test(
    "each call that makes a descriptor fails once",
    async (t) => {
        const server = new HurtServer();
        t.after(() => server.end());
        await server.start();
        const stage = await scene(server);
        const follower = new Follower(stage.me);
        t.after(() => follower.close());
        const total = new Tally("descriptors");
        for (const make of Object.values(steps)) {
            const tally = await sweep(
                server,
                server.faults,
                make(stage),
                { kinds: DESCRIPTOR, action: EMFILE },
                { stride: short ? 2 : 1 },
            );
            if (tally.counts.injected) t.diagnostic(String(tally));
            total.add(tally);
        }
        t.diagnostic(String(total));
        assert.deepEqual(total.wrong, []);
        await follower.check();
        await tidy(server);
    },
    { timeout: 600_000 },
);
