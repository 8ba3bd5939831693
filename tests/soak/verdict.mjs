// What a soak has found: the table that a person reads, and what of it is not as promised.
import { count, least, median, mib, most, percentile, rise, seconds } from "./numbers.mjs";

const READERS = 2 * 32; // descriptors of all connections that read the store

export class Verdict {
    lines = [];
    broken = [];

    /** A line of the table; `holds` false: a promise is broken. `bound` says what is promised. */
    say(what, value, bound, holds = true) {
        this.lines.push([what, value, bound ?? ""]);
        if (!holds) this.broken.push(`${what}: ${value}, but ${bound}`);
    }

    print() {
        const widths = [0, 1].map((i) => most(this.lines.map((line) => line[i].length)));
        for (const [what, value, bound] of this.lines)
            console.log(`${what.padEnd(widths[0])} | ${value.padEnd(widths[1])} | ${bound}`);
        for (const text of this.broken) console.log(`BROKEN ${text}`);
    }
}

const range = (numbers, as = count) => `${as(least(numbers))} to ${as(most(numbers))}`;

/** The second two thirds, when all that is made once has been made. */
export function later(samples) {
    return samples.slice(Math.floor(samples.length / 3));
}

export function tellMemory(verdict, surveys, bound) {
    const settled = later(surveys);
    for (const [what, key] of [
        ["resident, server", "rss"],
        ["proportional, server", "pss"],
        ["resident, the engine's nursery", "nursery"],
    ]) {
        const values = settled.map((one) => one[key]);
        const risen = rise(settled.map((one) => [one.at, one[key]]));
        const limit = Math.max(median(values) * bound.share, bound.least);
        const minutes = (settled.at(-1).at - settled[0].at) / 60_000;
        verdict.say(
            `memory (${what})`,
            `${mib(median(values))}, rises ${mib(risen)} in ${minutes.toFixed(1)} min`,
            `rises at most ${mib(limit)}`,
            risen <= limit,
        );
    }
    const each = settled.map((one) => one.each);
    const small = most(each) <= bound.each;
    verdict.say("memory (proportional, a team's process)", range(each, mib), `at most ${mib(bound.each)}`, small);
}

export function tellDescriptors(verdict, { before, surveys, after, limit, calls }) {
    const settled = later(surveys);
    const own = settled.map((one) => one.fds.tcp - one.listeners);
    verdict.say("connections without a listener", range(own), "at most 100", most(own) <= 100);
    verdict.say("other descriptors", range(settled.map((one) => one.fds.other)));
    const sockets = settled.map((one) => one.fds.unix);
    const place = limit * (calls + 1) + before.unix;
    verdict.say("sockets to the engine", range(sockets), `at most ${place}`, most(sockets) <= place);
    const left = Math.max(0, after.tcp - before.tcp);
    verdict.say("connections left at the end", count(left), "0", left === 0);
    const grown = after.other - settled[0].fds.other;
    const what = "other descriptors, first third to end";
    verdict.say(what, count(grown), `at most ${READERS} (readers of the store, when first needed)`, grown <= READERS);
}

export function tellProcesses(verdict, samples, limit, threadsMore) {
    const settled = later(samples).map((one) => one.threads);
    const half = Math.floor(settled.length / 2);
    const more = most(settled.slice(half)) - most(settled.slice(0, half));
    verdict.say("threads of the server", range(settled), `at most ${threadsMore} more at last`, more <= threadsMore);
    const engine = samples.map((one) => one.engine);
    verdict.say("engine processes", range(engine), `at most ${limit}`, most(engine) <= limit);
}

export function tellDisk(verdict, surveys, samples, ended, walMost) {
    const [first, last] = [surveys[0], surveys.at(-1)];
    const runs = ended.runs || 1;
    verdict.say("store.db", `${mib(first.store)} to ${mib(last.store)}`);
    const each = (last.store - first.store) / runs;
    const grows = `${count(Math.round(each))} bytes a run (its record and its 2 entries of the log)`;
    verdict.say("store.db grows", grows);
    const wal = most(samples.map((one) => one.wal));
    verdict.say("write-ahead log of store.db", `at most ${mib(wal)}`, `at most ${mib(walMost)}`, wal <= walMost);
    const team = (one) => mib(one.teams / ended.teams);
    verdict.say("teams/, a team", `${team(first)} to ${team(last)} (blocks of 256 KiB, used anew when free)`);
    verdict.say("temporary files at the end", count(ended.temporary), "0", ended.temporary === 0);
}

export function tellEvents(verdict, heard, behind) {
    verdict.say("events heard", count(heard.events));
    for (const [what, n] of [
        ["events lost", heard.lost + behind],
        ["events repeated", heard.repeated],
        ["events out of order", heard.disordered],
        ["streams that ended unasked", heard.dropped],
    ])
        verdict.say(what, count(n), "0", n === 0);
}

export function tellCalls(verdict, tally, churn) {
    const statuses = [...tally.statuses].sort(([a], [b]) => a - b).map(([status, n]) => `${status}: ${count(n)}`);
    verdict.say("answers", `${count(tally.answers)} (${statuses.join(", ")})`);
    verdict.say("503 with Retry-After", count(tally.busy));
    verdict.say("5xx otherwise", count(tally.of5xx), "0", tally.of5xx === 0);
    verdict.say("answers that should not have been", count(tally.failures), "0", tally.failures === 0);
    verdict.say("churn", [...churn.done].map(([name, n]) => `${name} ${count(n)}`).join(", "));
}

/** `dues`: when runs were due; each team has one for each, unless one came due while the one before was under way. */
export function tellRuns(verdict, runs, { teams, dues, lateMost, passedOver }) {
    const outcomes = groups(runs, (run) => run.outcome);
    const told = [...outcomes].map(([outcome, of]) => `${outcome} ${count(of.length)}`).join(", ");
    verdict.say("runs", `${count(runs.length)} of ${count(teams * dues)} that were due (${told})`);
    const failed = outcomes.get("failed")?.length ?? 0;
    verdict.say("runs failed", count(failed), "0", failed === 0);
    const missed = teams * dues - runs.length;
    const bound = Math.floor(teams * dues * passedOver);
    verdict.say("due times passed over, the run before under way", count(missed), `at most ${bound}`, missed <= bound);
    for (const [what, key] of [
        ["due to started", "late"],
        ["due to ended", "ended"],
        ["due to heard by a listener", "told"],
    ]) {
        const times = runs.map((run) => run[key]);
        const [half, last, all] = [median(times), percentile(times, 99), most(times)];
        const late = `${seconds(half)}, ${seconds(last)}, ${seconds(all)}`;
        const bounded = key === "ended";
        verdict.say(
            `${what}: median, 99th percentile, most`,
            late,
            bounded ? `99th at most ${seconds(lateMost)}` : "",
            !bounded || last <= lateMost,
        );
    }
}

function groups(items, keyOf) {
    const found = new Map();
    for (const item of items) {
        if (!found.has(keyOf(item))) found.set(keyOf(item), []);
        found.get(keyOf(item)).push(item);
    }
    return found;
}
