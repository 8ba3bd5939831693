// The soak: many teams whose jobs are due at the same time, many listeners, and churn, for as long as it is told.
//   SOAK=short: about a minute. Otherwise SOAK_MINUTES (30), SOAK_TEAMS (1000), SOAK_LISTENERS (5000),
//   SOAK_CHURN (10 steps a second), SOAK_EVERY (60 seconds between two due times).
import { setPriority } from "node:os";
import { Server, slow, until } from "../api/harness.mjs";
import { Churn } from "./churn.mjs";
import { descriptors, sample, survey } from "./gauges.mjs";
import { ChannelStream, Heard, LogStream } from "./listeners.mjs";
import { count, median, percentile, seconds } from "./numbers.mjs";
import { Tally, Team } from "./team.mjs";
import * as verdicts from "./verdict.mjs";

const short = process.env.SOAK === "short";
const setting = (name, usual) => Number(process.env[name] ?? usual);

const every = setting("SOAK_EVERY", short ? 5 : 60);

const plan = {
    teams: setting("SOAK_TEAMS", short ? 40 : 1_000),
    listeners: setting("SOAK_LISTENERS", short ? 200 : 5_000),
    seconds: short ? 30 : 60 * setting("SOAK_MINUTES", 30),
    churn: setting("SOAK_CHURN", 10),
    schedule: every === 60 ? "* * * * *" : `${every} seconds`,
    periodMs: every * 1_000,
    surveyMs: every * 850, // into a period: its runs are over
    rows: 200,
    processes: short ? 16 : 64,
    calls: 9, // sockets that one engine process has at most
    memory: { each: 32 << 20, ...(short ? { share: 0.2, least: 24 << 20 } : { share: 0.03, least: 4 << 20 }) },
    wal: short ? 64 << 20 : 256 << 20,
    lateMost: every * 750 * slow, // 99th percentile, from due to ended
    passedOver: short ? 0.05 : 0, // of the due times
    threads: short ? 8 : 0, // more in the last third than in the one before: pools start them when first needed
};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const began = Date.now();

function progress(text) {
    process.stderr.write(`${String(Math.round((Date.now() - began) / 1_000)).padStart(5)} s  ${text}\n`);
}

/** Does `work` for each item, `wide` at a time. */
async function each(items, wide, what, work) {
    let next = 0;
    let told = Date.now();
    const one = async () => {
        while (next < items.length) {
            const item = items[next++];
            await work(item);
            if (Date.now() - told < 10_000) continue;
            told = Date.now();
            progress(`${what}: ${count(next)} of ${count(items.length)}`);
        }
    };
    await Promise.all(Array.from({ length: wide }, one));
    progress(`${what}: ${count(items.length)}`);
}

/** One listener in five is at the team's log, the others at its channel. */
function listenersOf(teams, heard) {
    return Array.from({ length: plan.listeners }, (_, i) => {
        const team = teams[i % teams.length];
        return i < teams.length ? new LogStream(heard, team) : new ChannelStream(heard, team);
    });
}

/** Samples while `plan.seconds` pass; a survey once a period, always at the same moment of it. */
async function watch(server, heard, churn, from) {
    const samples = [];
    const surveys = [];
    for (let due = from; due < from + plan.seconds * 1_000; due += plan.periodMs) {
        while (Date.now() < due + plan.surveyMs) {
            samples.push(sample(server));
            await pause(Math.min(5_000, Math.max(due + plan.surveyMs - Date.now(), 0)));
        }
        surveys.push(await churn.rest(() => ({ ...survey(server), listeners: heard.open })));
        const runs = heard.runs.filter((run) => run.due === due);
        const late = runs.map((run) => run.ended);
        progress(
            `due ${new Date(due).toISOString().slice(11, 19)}: ${count(runs.length)} runs, ended after ` +
                `${seconds(median(late))} (99th percentile ${seconds(percentile(late, 99))}); ` +
                `${(surveys.at(-1).pss / 1_048_576).toFixed(1)} MiB, ${surveys.at(-1).engine} engine processes, ` +
                `${count(heard.open)} listeners, ${count(heard.events)} events`,
        );
        await pause(due + plan.periodMs - Date.now());
    }
    return { samples, surveys };
}

/** How many events listeners have not got, when everyone has had time: against the view's version and the log's end. */
async function behind(teams, listeners) {
    const ends = new Map();
    await each(teams, 16, "jobs switched off", async (team) => {
        await team.must("PATCH", `/jobs/${team.job}/`, { json: { active: false } }, 200);
    });
    const versions = async (team) => (await team.must("GET", "/views/totals/", {}, 200)).version;
    const missing = (listener) =>
        listener instanceof ChannelStream ? Math.max(0, ends.get(listener.team) - (listener.position ?? Infinity)) : 0;
    const quiet = async () => {
        const before = new Map(ends);
        await each(teams, 16, "versions of the views", async (team) => ends.set(team, await versions(team)));
        return teams.every((team) => before.get(team) === ends.get(team));
    };
    await until(quiet, "the last runs to end", 120_000);
    const caughtUp = () => listeners.every((listener) => missing(listener) === 0);
    await until(caughtUp, "listeners to catch up", 20_000).catch(() => undefined);
    const logs = listeners.filter((listener) => listener instanceof LogStream && listener.n !== undefined);
    let lost = listeners.reduce((n, listener) => n + missing(listener), 0);
    await each(logs, 16, "ends of the logs", async ({ team, n }) => {
        lost += (await team.must("GET", `/events/?after=${n}`, {}, 200)).data.length;
    });
    return lost;
}

async function run(server) {
    const tally = new Tally();
    const heard = new Heard();
    const before = descriptors(server.pid);
    const teams = Array.from({ length: plan.teams }, (_, i) => new Team(server, tally, `team${i}@example.com`));
    await each(teams, 12, "accounts with a table and a view", (team) => team.setUp(plan.rows));
    await each(teams, 16, "jobs and channels", (team) => team.follow(plan.schedule));
    const listeners = listenersOf(teams, heard);
    await each(listeners, 64, "listeners", (listener) => listener.come());

    const churn = new Churn({ server, tally, heard, teams, listeners, rate: plan.churn });
    churn.start();
    const from = (Math.floor(Date.now() / plan.periodMs) + 2) * plan.periodMs; // one round to warm up
    progress(`from ${new Date(from).toISOString()}, for ${plan.seconds} s`);
    await pause(from - Date.now());
    const { samples, surveys } = await watch(server, heard, churn, from);
    await churn.stop();
    const lost = await behind(teams, listeners);

    for (const listener of listeners) listener.go();
    const dues = (plan.seconds * 1_000) / plan.periodMs;
    const to = from + plan.seconds * 1_000;
    const runs = heard.runs.filter((run) => run.due >= from && run.due < to);
    const connections = () => descriptors(server.pid).tcp <= before.tcp;
    await until(connections, "all connections to be closed", 30_000).catch(() => undefined);
    const after = survey(server);

    const verdict = new verdicts.Verdict();
    const size = `${count(plan.teams)} teams, ${count(plan.listeners)} listeners, jobs ${plan.schedule}`;
    verdict.say("soak", `${plan.seconds} s, ${size}`);
    verdicts.tellRuns(verdict, runs, { ...plan, dues });
    verdicts.tellEvents(verdict, heard, lost);
    verdicts.tellCalls(verdict, tally, churn);
    verdicts.tellMemory(verdict, surveys, plan.memory);
    const { processes: limit, calls } = plan;
    verdicts.tellDescriptors(verdict, { before, surveys, after: after.fds, limit, calls });
    verdicts.tellProcesses(verdict, samples, limit, plan.threads);
    const ended = { runs: runs.length, teams: plan.teams, temporary: after.temporary };
    verdicts.tellDisk(verdict, surveys, samples, ended, plan.wal);
    verdict.print();
    for (const text of [...tally.faults, ...heard.faults]) console.log(`  ${text}`);
    return verdict.broken.length === 0;
}

const server = new Server({ env: { LOG_LEVEL: "warning", ENGINE_PROCESSES: String(plan.processes) } });
process.once("SIGINT", () => server.kill().then(() => process.exit(130)));
await server.start();
setPriority(10); // the server, already there, goes before its clients
let good = false;
try {
    good = await run(server);
} catch (problem) {
    console.log(`BROKEN ${problem.stack}`);
}
if (!good) server.show();
try {
    await server.end();
} catch (problem) {
    good = false;
    console.log(`BROKEN ${problem.message}`);
}
console.log(good ? "soak: done" : "soak: FAILED");
process.exit(good ? 0 : 1);
