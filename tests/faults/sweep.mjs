// Takes one step with the n-th call failing, for n = 1, 2, 3, ... until the step gets by without a failure; after each, what
// was answered must be true, and the same step must work.
import assert from "node:assert/strict";
import { slow, temporaryFiles, until } from "../api/harness.mjs";
import { account, call, checkProblem } from "../api/client.mjs";
import { Listener } from "../api/sse.mjs";
import { MEMORY, short } from "./control.mjs";

/** What may be said when the machine fails, and nothing else. */
const TRUE_ERRORS = {
    out_of_memory: 503,
    internal_error: 500,
    disk_full: 507,
    busy: 503,
    store_busy: 503,
    engine_failed: 503,
    engine_busy: 503,
    team_busy: 503,
    loads_busy: 503,
    query_timeout: 504,
};

/** It was done, but could not be recorded yet. */
const TOLD_LATER = "told_later";

export class Tally {
    constructor(name) {
        this.name = name;
        this.counts = { injected: 0, answered: 0, refused: 0, cut: 0 };
        this.codes = {};
        this.wrong = [];
    }

    add(other) {
        for (const [name, n] of Object.entries(other.counts)) this.counts[name] += n;
        for (const [code, n] of Object.entries(other.codes)) this.codes[code] = (this.codes[code] ?? 0) + n;
        this.wrong.push(...other.wrong);
    }

    toString() {
        const { injected, answered, refused, cut } = this.counts;
        const codes = Object.entries(this.codes).map(([code, n]) => `${code} ${n}`);
        return (
            `${this.name}: faults ${injected} | answered all the same ${answered} | true errors ${refused} | ` +
            `connections cut ${cut} | untrue ${this.wrong.length} (${codes.join(", ")})`
        );
    }
}

/** A call that may find no server at the other end: {cut} then. */
export async function attempt(run) {
    try {
        return await run();
    } catch (problem) {
        if (problem instanceof assert.AssertionError || !(problem.cause || problem.code || problem.cut)) throw problem;
        return { cut: problem.cause?.code ?? problem.code ?? "cut" };
    }
}

function judge(tally, step, reply) {
    if (reply.cut) {
        tally.counts.cut++;
        return undefined;
    }
    if (reply.status === step.want) {
        tally.counts.answered++;
        return undefined;
    }
    checkProblem(reply);
    tally.codes[reply.body.code] = (tally.codes[reply.body.code] ?? 0) + 1;
    if (reply.body.code === "query_memory" && step.hungry) return void tally.counts.refused++;
    if (reply.body.code !== TOLD_LATER && TRUE_ERRORS[reply.body.code] !== reply.status)
        return `answered ${reply.status} ${JSON.stringify(reply.body)}`;
    tally.counts.refused++;
    return undefined;
}

/** A process that a fault has made spin while it starts is given 10 seconds of a processor, which others want as well. */
const LATER_MS = 90_000 * slow;

/** The same again, now that nothing fails: at once, or when the server says to try later, later. */
async function again(server, step, ctx) {
    let told;
    for (const end = Date.now() + LATER_MS; Date.now() < end; ) {
        const reply = await attempt(() => step.run(ctx));
        if (reply.status === step.want) return undefined;
        told = reply.cut ?? `${reply.status} ${JSON.stringify(reply.body)}`;
        const later = reply.status === 503 && reply.headers.has("retry-after");
        if (!later && !reply.cut) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return `then ${told}`;
}

async function stepOnce(server, faults, step, n, { kinds, ...how }, tally) {
    // A process that the last fault has left without memory says so once.
    const before = async () => (await step.before?.()) ?? {};
    const ctx = await (step.hungry ? before().catch(before) : before());
    faults.arm(kinds, n, how);
    const reply = await attempt(() => step.run(ctx));
    await step.settle?.(ctx, reply);
    const { hits, where } = faults.disarm();
    assert.equal(server.ended, undefined, `${step.name}, fault ${n} (${where}): the server ended with ${server.ended}`);
    if (!hits) {
        // What the fault before has left: a process without memory says so once, a connection that was to end has ended.
        if (reply.cut || (step.hungry && reply.body?.code === "query_memory")) {
            assert.equal(await again(server, step, ctx), undefined);
            await step.after?.(ctx);
            return false;
        }
        assert.equal(
            reply.status,
            step.want,
            `${step.name} without a fault: ${reply.status ?? reply.cut} ${JSON.stringify(reply.body)}`,
        );
        await step.after?.(ctx);
        return false;
    }
    tally.counts.injected++;
    const complain = (what) => what && tally.wrong.push(`${step.name}, fault ${n} at ${where}: ${what}`);
    complain(judge(tally, step, reply));
    const later = reply.body?.code === TOLD_LATER;
    if (later) await step.turn(ctx); // the team's next one, which records it
    const done = reply.status === step.want || (await step.done?.(ctx));
    if (later && !done) complain("was told that it will be recorded, but it is not there");
    if (done && !reply.cut && !later && reply.status !== step.want)
        complain(`answered ${reply.status} ${reply.body.code} to what was done`);
    if (!done) {
        const not = await again(server, step, ctx);
        // Who was cut off does not know: it may have been done after we looked.
        if (not && !(reply.cut && (await step.done?.(ctx)))) complain(not);
    }
    await step.recover?.(ctx);
    await step.after?.(ctx);
    return true;
}

/** All n with `stride` 1, else every so many, from a random one on. */
export async function sweep(server, faults, step, how, { stride = 1, most = Infinity } = {}) {
    const tally = new Tally(step.name);
    const first = 1 + Math.floor(Math.random() * stride);
    // Other threads have calls of their own: a step is through when it gets by twice.
    for (let n = first, calm = 0; calm < 2 && tally.counts.injected < most; n += stride)
        calm = (await stepOnce(server, faults, step, n, how, tally)) ? 0 : calm + 1;
    return tally;
}

/** Reads a team's log by resuming whenever it is cut off: nothing may be missing, twice or out of order. */
export class Follower {
    constructor(me) {
        this.me = me;
        this.last = 0;
        this.cuts = 0;
        this.ended = this.run();
    }

    async run() {
        while (!this.over) {
            this.listener = new Listener(`${this.me.server.url}/events/listen/`, {
                token: this.me.access,
                lastEventId: String(this.last),
            });
            this.listener.take = (block) => this.block(block);
            try {
                await this.listener.open();
                if (this.listener.status === 200) await this.listener.ended;
                else if (this.listener.status === 401) await this.me.signIn();
            } catch {
                // no connection: once more
            }
            this.cuts++;
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }

    block(block) {
        const id = /^id: ?(\d+)$/m.exec(block);
        if (!id || /^event: ?stream-/m.test(block)) return;
        if (Number(id[1]) !== this.last + 1) this.broken ??= `${id[1]} came after ${this.last}`;
        this.last = Number(id[1]);
    }

    async check() {
        assert.equal(this.broken, undefined);
        const entries = await this.me.all("/events/?limit=1000");
        entries.forEach((entry, i) => assert.equal(entry.n, i + 1, "the log has a gap"));
        await until(() => this.last >= entries.length, `the stream to tell of ${entries.length} (has ${this.last})`);
        assert.equal(this.broken, undefined);
        return entries.length;
    }

    async close() {
        this.over = true;
        this.listener?.abort.abort();
        await this.ended;
    }
}

/** Nothing is left lying about. */
export async function tidy(server) {
    await until(
        () => temporaryFiles(server.dataDir).length === 0,
        `no temporary files: ${temporaryFiles(server.dataDir)}`,
    );
}
