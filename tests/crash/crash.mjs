// Kill -9 of the server and of its engine processes at random moments while many write and listen; then the count.
//
//     node tests/crash/crash.mjs            CRASH=short: few kills; CRASH_SEED=1: the same choices again
import { appendFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { account } from "../api/client.mjs";
import { alive, descendants, Server, slow, temporaryFiles, until } from "../api/harness.mjs";
import { Chance } from "./chance.mjs";
import { Registrar } from "./registrar.mjs";
import { Team } from "./team.mjs";

const KILLS = process.env.CRASH === "short" ? 10 : 220;
const TEAMS = [
    { name: "busy", writers: 3, lively: true },
    { name: "calm", writers: 2, lively: true },
    { name: "quiet", writers: 1, lively: false },
];
const LIMIT_MS = 15_000;
const DATA = /^(store\.db(-wal|-shm)?|teams|uploads|secret\.key|lock)$/;
const TEAM_FOLDER = /^(engine\.duckdb(\.wal)?|tmp|spill)$/;

const seed = Number(process.env.CRASH_SEED || Math.floor(Math.random() * 2 ** 32));
const chance = new Chance(seed);
const tally = {
    kills: { server: 0, start: 0, nursery: 0, engine: 0 },
    acknowledged: 0,
    refused: 0,
    finished: 0,
    undone: 0,
    refusedYetDone: [],
    unreadable: 0,
    lost: 0,
    torn: 0,
    orphaned: 0,
    replays: 0,
    changes: 0,
    unequal: 0,
};
const kills = () => Object.values(tally.kills).reduce((sum, n) => sum + n, 0);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Counted only when it was alive. */
function killAt(pid, kind) {
    if (!alive(pid)) return;
    try {
        process.kill(pid, "SIGKILL");
        if (kind) tally.kills[kind]++;
    } catch (problem) {
        if (problem.code !== "ESRCH") throw problem; // it has ended by itself meanwhile
    }
}

/** The nursery is the server's child, the engines are the nursery's. */
function engines(server) {
    const all = descendants(server.pid);
    const nursery = all.slice(0, 1);
    return { nursery, children: all.slice(1), all };
}

class Run {
    constructor() {
        this.server = new Server({ env: { ACCESS_TOKEN_SECONDS: "86400", LOG_LEVEL: "warning" } });
        this.teams = [];
        this.told = 0;
    }

    async open() {
        await this.server.start();
        for (const options of TEAMS) {
            const me = await account(this.server, { email: `${options.name}@example.com` });
            this.teams.push(await new Team({ ...options, me, chance: chance.branch(), tally }).open());
        }
        this.registrar = new Registrar({ server: this.server, chance: chance.branch(), tally });
        this.writers = [...this.teams.flatMap((team) => team.writers), this.registrar];
    }

    progress() {
        return this.writers.reduce((sum, writer) => sum + writer.acknowledged, 0);
    }

    async round() {
        const goal = this.progress() + chance.int(1, 60);
        const kind = chance.weighed({ server: 10, all: 3, engine: 6, nursery: 2 });
        const wait = chance.int(0, 30);
        let failed;
        const running = Promise.all(this.writers.map((writer) => writer.run())).catch((problem) => (failed = problem));
        await until(() => failed || this.progress() >= goal, "the writers to write", LIMIT_MS * 2);
        await pause(wait);
        if (kind === "server" || kind === "all") await this.killServer(kind);
        else await this.killEngine(kind, () => failed);
        await running;
        if (failed) throw failed;
        if (this.server.ended !== undefined) await this.startAgain();
        await this.verify();
        if (kills() >= this.told + 20) {
            this.told = kills();
            console.log(`${this.told} kills, ${tally.acknowledged} acknowledged`);
        }
    }

    async killServer(kind) {
        const all = engines(this.server).all;
        killAt(this.server.pid, "server");
        if (kind === "all") for (const pid of all) killAt(pid);
        await this.server.exited;
        await until(() => !all.some(alive), "the engine's processes to end");
    }

    /** The writers go on: each gets something done afterwards. */
    async killEngine(kind, failed) {
        const { nursery, children } = engines(this.server);
        const victim = kind === "engine" && children.length ? chance.pick(children) : nursery[0];
        if (victim) killAt(victim, victim === nursery[0] ? "nursery" : "engine");
        const before = this.writers.map((writer) => writer.acknowledged);
        const gone = () => this.writers.every((writer, i) => writer.acknowledged > before[i]);
        await until(() => failed() || gone(), "all writers to go on", LIMIT_MS);
        for (const writer of this.writers) writer.halted = true;
        if (this.server.ended !== undefined) throw new Error("the server ended with its engine");
    }

    /** Now and then it is killed again while it starts. */
    async startAgain() {
        while (chance.one(6)) {
            const starting = this.server.start().catch(() => {});
            await until(() => this.server.child?.pid && this.server.ended === undefined, "a process");
            await pause(chance.int(0, 150) * slow);
            const all = engines(this.server).all;
            killAt(this.server.pid, "start");
            await this.server.exited;
            await starting;
            await until(() => !all.some(alive), "the engine's processes to end");
        }
        await this.server.start();
    }

    async verify() {
        await Promise.all(this.teams.map((team) => team.verify()));
        await this.registrar.settle();
        await this.files();
    }

    /** Nothing is left over, and nothing is there for nobody. */
    async files() {
        const { dataDir } = this.server;
        const left = () => [
            ...temporaryFiles(dataDir),
            ...this.teams.flatMap(({ id }) => readdirSync(path.join(dataDir, "teams", id, "spill"))),
            ...readdirSync(dataDir).filter((name) => !DATA.test(name)),
            ...readdirSync(path.join(dataDir, "teams")).filter((id) => !this.teams.some((team) => team.id === id)),
            ...this.teams.flatMap(({ id }) =>
                readdirSync(path.join(dataDir, "teams", id)).filter((name) => !TEAM_FOLDER.test(name)),
            ),
        ];
        await until(() => left().length === 0, "no orphaned files").catch((problem) => {
            tally.orphaned += left().length;
            throw new Error(`${problem.message}: ${left().join(" ")}`);
        });
    }

    async close() {
        for (const team of this.teams) await team.close();
        await this.server.end();
    }
}

function report(run, seconds) {
    const sum = (name) => run.teams.reduce((total, team) => total + team.heard()[name], 0);
    const say = (parts) =>
        console.log(parts.map(([name, value]) => `${name} ${value.toLocaleString("en")}`).join(" | "));
    const by = tally.kills;
    console.log(`seed ${seed} | seconds ${seconds}`);
    say([
        ["kills", kills()],
        ["of the server", by.server],
        ["while it started", by.start],
        ["of engine processes", by.engine],
        ["of their parent", by.nursery],
    ]);
    say([
        ["acknowledged", tally.acknowledged],
        ["cut off", tally.finished + tally.undone],
        ["of these done", tally.finished],
        ["lost", tally.lost],
        ["torn", tally.torn],
        ["orphaned", tally.orphaned],
        ["refused yet done", tally.refusedYetDone.length],
    ]);
    say([
        ["listeners", run.teams.reduce((total, team) => total + team.followers.length, 0)],
        ["resumed", sum("resumed")],
        ["events", sum("heard")],
        ["lost", sum("lost")],
        ["repeated", sum("repeated")],
        ["out of order", sum("disordered")],
        ["strange", sum("strange")],
    ]);
    say([
        ["views replayed by their changes", tally.replays],
        ["changes", tally.changes],
        ["not equal", tally.unequal],
    ]);
}

const run = new Run();
const begun = Date.now();
let failure;
console.log(`crash: ${KILLS} kills, CRASH_SEED=${seed}`);
try {
    await run.open();
    while (kills() < KILLS) await run.round();
    for (const team of run.teams) await team.last();
} catch (problem) {
    failure = problem;
}
await run.close().catch((problem) => (failure ??= problem));
report(run, Math.round((Date.now() - begun) / 1000));
for (const line of tally.refusedYetDone.slice(0, 10)) console.log(`refused yet done: ${line}`);
if (failure) {
    const log = path.join(process.env.TMPDIR || "/tmp", `tinydevcrm-crash-${seed}.log`);
    appendFileSync(log, run.server.log);
    console.error(failure);
    console.error(`the server's log: ${log}`);
    process.exitCode = 1;
}
