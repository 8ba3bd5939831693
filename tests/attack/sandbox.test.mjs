// The same statements, and what taken-over code would try, against an engine without its guard and with DuckDB's settings
// unlocked (guard_off.c): the sandbox alone keeps them in the team's folder and within its limits.
import assert from "node:assert/strict";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { alive, build, descendants, Server, slow, test, until } from "../api/harness.mjs";
import { ENV, KEY, LIMIT_MS, Neighbour, Siege, some } from "./siege.mjs";
import { refused, stopped } from "./statements.mjs";

const bare = path.join(build, "bare", "tinydevcrm");
const server = new Server({ env: ENV, wrap: (args) => [bare, args] });
const siege = new Siege(server);
const counts = { statements: 0, held: 0, answered: 0, teams: 1 };
let me;

/**
 * What the sandbox alone lets statements do, by what they reach for, and why that harms nobody but the team itself. Where
 * nothing is named here, nothing may be answered.
 */
const LET = {
    files: "a folder that can't be listed looks empty to glob; copying a database within the process stays in it",
    environment: "DuckDB's names and versions are public; the process's environment holds nothing (see below)",
    settings: "settings are this process's own; its limits, its files and its lack of sockets are the kernel's, not DuckDB's",
    teams: "catalogues know of this team's tables alone; no other file can be attached",
    writes: "a team that spoils its own tables harms itself; the server then answers for that team with errors",
    disguises: "what hides behind these is one of the above: its own tables, plans of its own, empty lists of files",
    clauses: "the same within clauses: empty lists of files",
    crashes: "deep and large values that fit the process's limits are only values",
};

before(async () => {
    await server.start();
    me = await siege.begin();
}, { timeout: 60_000 * slow });
after(async () => {
    siege.end();
    await server.end();
    console.log(
        `without the guard: statements ${counts.statements} | held or failed ${counts.held} | answered with its own ${counts.answered} | teams spent ${counts.teams} | reached outside 0`,
    );
});

/** The team may have been harmed by itself: then the next statement gets another. */
async function teamRenew() {
    const reply = await me.call("POST", "/queries/", { json: { sql: "SELECT count(*) FROM team.main.sample" } });
    if (reply.status === 200 && reply.body.data[0].told === "10\t\n") return;
    me = await siege.attacker();
    counts.teams++;
}

async function send(sql, letBecause) {
    const text = siege.fill(sql, me);
    const began = Date.now();
    const reply = await me.call("POST", "/queries/", { json: { sql: text } });
    const about = siege.harmless(reply, text);
    assert.ok(Date.now() - began < LIMIT_MS * slow, `${Date.now() - began} ms for ${about}`);
    assert.notEqual(reply.status, 500, about);
    counts.statements++;
    counts[reply.status === 200 ? "answered" : "held"]++;
    if (reply.status === 200) assert.ok(letBecause, about);
    else assert.ok([413, 422, 503, 504, 507].includes(reply.status), about);
    return reply;
}

for (const [name, statements] of Object.entries(refused)) {
    test(`${name}: ${statements.length} statements stay within the sandbox`, async (t) => {
        const neighbour = new Neighbour(t, siege);
        for (const sql of statements) {
            await send(sql, LET[name]);
            await teamRenew();
        }
        await neighbour.end();
        siege.untouched();
    }, { timeout: 240_000 });
}

for (const [name, statements] of Object.entries(stopped)) {
    const chosen = some(statements, 10);
    test(`${name}: ${chosen.length} statements are stopped by the sandbox`, async (t) => {
        const neighbour = new Neighbour(t, siege);
        for (const sql of chosen) {
            const reply = await send(`SET memory_limit = '100GB'; ${sql}`);
            assert.notEqual(reply.status, 200, sql.slice(0, 200));
            await teamRenew();
        }
        await neighbour.end();
        siege.untouched();
    }, { timeout: 600_000 });
}

/** What code in the midst of a team's process has to say, as lines. */
async function breakout(what, status = 200) {
    const { team } = me;
    const other = path.join(siege.teamsDir, siege.other);
    const began = Date.now();
    const reply = await me.call("POST", "/queries/", { json: { sql: `breakout ${what} ${other} ${siege.file}` } });
    const about = siege.harmless(reply, `breakout ${what}`);
    assert.equal(reply.status, status, about);
    assert.ok(Date.now() - began < LIMIT_MS * slow, about);
    assert.equal(me.team, team);
    return status === 200 ? reply.body.data[0].told.trimEnd().split("\n") : reply.body;
}

const words = (lines, kind) => lines.filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));

test("taken-over code gets out by no system call", async (t) => {
    me = await siege.attacker();
    const neighbour = new Neighbour(t, siege);
    symlinkSync(siege.file, path.join(siege.teamsDir, me.team, "tmp", "planted"));
    const lines = await breakout("attempts");
    assert.ok(lines.length > 80, `${lines.length} attempts`);
    assert.deepEqual(lines.filter((line) => !line.endsWith(" refused")), []);
    assert.ok(!existsSync("/tmp/tinydevcrm-broken-out"));
    await neighbour.end();
    siege.untouched();
    console.log(`breakouts: attempts ${lines.length} | refused ${lines.length}`);
});

test("a process has no secret in its hands", async () => {
    const lines = await breakout("belongings");
    const environment = words(lines, "environment");
    assert.ok(environment.includes("TZ=UTC"));
    const known = /^(TZ=UTC|LD_BIND_NOW=1|\w*SAN_OPTIONS=.*)$/;
    assert.deepEqual(environment.filter((entry) => !known.test(entry)), []);
    assert.ok(!lines.join("\n").includes(KEY));
    const own = path.join(siege.teamsDir, me.team);
    for (const entry of words(lines, "descriptor")) {
        const [fd, kind, target] = entry.split(" ");
        if (Number(fd) < 3) continue;
        assert.ok(kind === "socket" || target.startsWith(`${own}/`) || target === "-", `descriptor ${entry}`);
    }
});

test("that a file is there, and how large, can be asked by whoever knows its path: a stat tells no more", async () => {
    assert.deepEqual(await breakout("stat"), [`stat done ${readFileSync(siege.file).length}`]);
});

test("memory and descriptors end at their limits", async (t) => {
    const neighbour = new Neighbour(t, siege);
    const taken = Number(/memory (\d+) MB/.exec((await breakout("memory"))[0])[1]);
    assert.ok(taken > 200 && taken < 256 + 200, `${taken} MB`);
    const descriptors = Number(/descriptors (\d+)/.exec((await breakout("descriptors"))[0])[1]);
    assert.ok(descriptors > 100 && descriptors < 512, `${descriptors} descriptors`);
    await neighbour.end();
});

for (const [what, status, code] of [
    ["circles", 504, "query_timeout"],
    ["threads", 504, "query_timeout"],
    ["hide", 504, "query_timeout"],
    ["abort", 503, "engine_failed"],
    ["fault", 503, "engine_failed"],
]) {
    test(`code that does "${what}" ends with its process, and the team goes on`, async (t) => {
        await breakout("stat");
        const neighbour = new Neighbour(t, siege);
        const old = descendants(server.pid);
        const problem = await breakout(what, status);
        assert.equal(problem.code, code);
        await until(() => old.some((pid) => !alive(pid)), "the process to be gone");
        await teamRenew();
        await breakout("stat");
        await neighbour.end();
    });
}
