// A crowd of listeners that vanishes at once: memory and descriptors come back, and others hear nothing of it.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { root, slow, tempFolder, test, until, useServer } from "../api/harness.mjs";
import { stage } from "../api/client.mjs";
import { Gauge, resident, settled, sockets, tell } from "./gauge.mjs";
import { head, short } from "./wire.mjs";

const LISTENERS = short ? 1_000 : 10_000;
const server = useServer({ env: { LOG_LEVEL: "error" } });

/** bench/crowd.c, built for this run. */
function crowdProgram() {
    const out = path.join(tempFolder(), "crowd");
    const [crowd, loopback] = ["crowd.c", "loopback.c"].map((name) => path.join(root, "bench", name));
    execFileSync("gcc", ["-O2", "-std=gnu17", "-D_GNU_SOURCE", "-o", out, crowd, loopback]);
    return out;
}

/** COUNT listeners in a process of their own, open when this returns. */
async function listenersOpen(t, program, request) {
    const child = spawn("sh", [
        "-c",
        'ulimit -n "$(ulimit -Hn)"; exec "$@"',
        "sh",
        program,
        String(server.port),
        String(LISTENERS),
        "0",
        request,
        "",
    ]);
    t.after(() => child.kill("SIGKILL"));
    let told = "";
    child.stdout.on("data", (text) => (told += text));
    child.stderr.on("data", (text) => (told += text));
    const ended = new Promise((resolve) => child.once("exit", resolve));
    ended.then(() => (told += "(ended)"));
    await until(() => /^open \d+/.test(told) || /ended/.test(told), "the crowd to open", 60_000);
    assert.match(told, /^open \d+/, told);
    return { child, ended };
}

test(
    `${LISTENERS} listeners vanish, again and again`,
    async (t) => {
        const program = crowdProgram();
        const { me, channel } = await stage(server);
        const faithful = await me.listen(t, channel);
        const request = head("GET", `/channels/${channel}/listen/`, { Authorization: `JWT ${me.access}` });
        const refresh = async (n) => {
            await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: n % 3 }] });
            await me.refresh_view("small");
        };
        const before = { sockets: sockets(server.pid) };
        const after = [];
        let left;
        for (let round = 0; round < 3; round++) {
            const gauge = new Gauge(t, server);
            const { child, ended } = await listenersOpen(t, program, request);
            const open = { sockets: sockets(server.pid), memory: resident(server.pid) };
            assert.ok(open.sockets >= before.sockets + LISTENERS, `${open.sockets} sockets`);
            // an event is on its way to all of them when they go
            const told = refresh(round);
            child.kill("SIGKILL");
            await ended;
            const began = Date.now();
            await told;
            await faithful.next();
            await until(() => sockets(server.pid) <= before.sockets + 8, "the connections to be closed", 30_000);
            left = Date.now() - began;
            await gauge.end(
                `${LISTENERS} listeners vanish, ${Math.round(open.memory)} MB with them, gone after ${left} ms`,
                {
                    wait: 3_000,
                    grown: 32 + LISTENERS / 64, // 16 KB a listener
                },
            );
            after.push(resident(server.pid));
        }
        assert.ok(left < 20_000 * slow);
        // what the first crowd has left behind is what the third may
        await settled(server.pid, after[0] + 16 + LISTENERS / 500);
        tell("after each of three crowds", {
            "MB 1": Math.round(after[0]),
            "MB 2": Math.round(after[1]),
            "MB 3": Math.round(resident(server.pid)),
            sockets: sockets(server.pid) - before.sockets,
        });
        assert.equal(faithful.messages().length, 3);
    },
    { timeout: 300_000 },
);
