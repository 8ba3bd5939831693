// Limits: more teams than engine processes, more connections than descriptors, more work than threads, clients that dawdle.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import net from "node:net";
import { alive, descendants, program, Server, test, until, useServer, within } from "./harness.mjs";
import { Account, account, call, PASSWORD, SAMPLE_COLUMNS, sampleCsv } from "./client.mjs";
import { range } from "./files.mjs";

const few = useServer({ env: { ENGINE_PROCESSES: "2", WORKERS: "4", QUERY_SECONDS: "20" } });

test("more teams than engine processes take turns", async () => {
    const accounts = await Promise.all(range(8).map(() => account(few)));
    for (let round = 0; round < 3; round++) {
        await Promise.all(
            accounts.map(async (me, i) => {
                const made = () => me.upload("/tables/", { table_name: `t${round}`, file: `n\n${i}\n` }, 201);
                await until(
                    async () =>
                        made().then(
                            () => true,
                            (problem) => !/ 503:/.test(problem.message) && Promise.reject(problem),
                        ),
                    "a turn",
                );
            }),
        );
        for (const [i, me] of accounts.entries()) assert.deepEqual(await me.rows(`t${round}`), [{ n: i }]);
    }
    const engines = descendants(few.pid).filter((pid) => /engine/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8")));
    assert.ok(engines.length <= 3, `${engines.length} processes`); // two, and the one that forks them
});

test("a query whose client has left does not go on", async () => {
    const me = await account(few);
    await me.table("t");
    const leave = new AbortController();
    const sql = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1";
    const asked = fetch(`${few.url}/queries/`, {
        method: "POST",
        signal: leave.signal,
        headers: { authorization: `JWT ${me.access}`, "content-type": "application/json" },
        body: JSON.stringify({ sql }),
    }).catch(() => {});
    const busy = () => descendants(few.pid).reduce((sum, pid) => sum + ticks(pid), 0);
    const before = busy();
    await until(() => busy() > before + 20, "the query to run");
    leave.abort();
    await asked;
    await until(async () => {
        const then = busy();
        await new Promise((resolve) => setTimeout(resolve, 300));
        return busy() - then <= 2;
    }, "the query to stop");
});

test("more at once than there are threads: each is answered, or told when to come back", async () => {
    const replies = await Promise.all(
        range(100).map((i) =>
            call(few, "POST", "/auth/users/register/", {
                json: { primary_email: `crowd${i}@example.com`, password: PASSWORD },
            }),
        ),
    );
    for (const reply of replies) {
        assert.ok([201, 503].includes(reply.status), `${reply.status}`);
        if (reply.status === 503) assert.match(reply.headers.get("retry-after"), /^\d+$/);
    }
    assert.ok(replies.some((reply) => reply.status === 201));
});

test("out of descriptors the server waits, and goes on when some are free", async (t) => {
    const own = new Server({ wrap: (args) => ["sh", ["-c", 'ulimit -n 200; exec "$@"', "sh", program, ...args]] });
    t.after(() => own.end());
    await own.start();
    const me = await account(own);
    await me.table("t");
    const sockets = range(400).map(() => net.connect(own.port, "127.0.0.1").on("error", () => {}));
    await until(() => sockets.filter((socket) => !socket.connecting).length >= 200, "many connections");
    sockets.slice(0, 100).forEach((socket) => socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n"));
    sockets.forEach((socket) => socket.destroy());
    await until(
        () =>
            me.get("/tables/t/").then(
                () => true,
                () => false,
            ),
        "an answer again",
    );
    assert.equal((await me.rows("t")).length, 10);
    await me.table("u");
    assert.ok(alive(own.pid));
});

test("what a client sends stays on one line of the log", async () => {
    const begun = few.log.length;
    await fetch(`${few.url}/%0a2026-01-01%20forged%20line%1b[31m`, { headers: { "user-agent": "x" } });
    await until(() => few.log.slice(begun).includes("forged"), "the line");
    for (const line of few.log.slice(begun).split("\n")) assert.doesNotMatch(line, /^2026-01-01 forged|\x1b/);
});

test(
    "headers that never end are given up",
    async () => {
        const socket = net.connect(few.port, "127.0.0.1");
        const closed = new Promise((resolve) => socket.once("close", resolve));
        socket.on("error", () => {}).resume();
        socket.write("GET /health HTTP/1.1\r\nHost: x\r\nA: ");
        await within(45_000, closed, "the server to close");
    },
    { timeout: 60_000 },
);

test("a team's tables are refreshed, read and changed by many at once", async () => {
    const me = await account(few);
    await me.table("t", sampleCsv, SAMPLE_COLUMNS);
    await me.view("v", "SELECT count(*) AS n FROM t");
    await Promise.all([
        ...range(10).map((i) => me.post("/tables/t/rows/", { rows: [{ SomeNumber: i }] })),
        ...range(10).map(() => me.refresh_view("v")),
        ...range(20).map(async () => assert.equal((await me.rows("v", "views")).length, 1)),
    ]);
    await me.refresh_view("v");
    assert.deepEqual(await me.rows("v", "views"), [{ n: 20 }]);
    const changes = await me.all("/views/v/changes/?after=1");
    for (const { version } of changes) assert.equal(changes.filter((change) => change.version === version).length, 2);
    assert.equal(changes.at(-1).version, (await me.get("/views/v/")).version);
});

test("many sign in again and again, and wrong passwords slow only their own address down", async () => {
    const [me, other] = [await account(few), await account(few)];
    const replies = [];
    for (let i = 0; i < 40; i++) {
        replies.push(
            await call(few, "POST", "/auth/tokens/obtain/", {
                json: { primary_email: me.email, password: `wrong ${i}` },
            }),
        );
    }
    for (const reply of replies) assert.ok([401, 429].includes(reply.status), `${reply.status}`);
    await new Account(few, other.email).signIn();
    await me.get("/auth/users/me/");
});

function ticks(pid) {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
        return Number(stat[11]) + Number(stat[12]);
    } catch {
        return 0;
    }
}
