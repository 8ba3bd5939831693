// Churn: what people do meanwhile, a step at a time on teams taken at random.
import { uploadForm } from "../api/client.mjs";
import { ChannelStream } from "./listeners.mjs";
import { csv, facts, Team } from "./team.mjs";

const LEFT_MS = 15_000; // in which a stream ends whose session or channel has

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function rowsAppended({ team }) {
    await team.ask("POST", "/tables/facts/rows/", { json: { rows: facts(5) } }, [201]);
}

async function tableReplaced({ team }) {
    const form = uploadForm({ file: csv(facts(200, 1_000)) });
    await team.ask("POST", "/tables/facts/replace/", { form }, [200]);
}

async function loadWaited({ team }) {
    const headers = { prefer: "respond-async" };
    const reply = await team.ask("POST", "/tables/facts/rows/", { json: { rows: facts(5) }, headers }, [202]);
    for (let load = reply?.body; load?.state === "running"; await pause(200))
        load = (await team.ask("GET", `/loads/${load.id}/`, {}, [200]))?.body;
}

async function tableForkedAndDeleted({ team }) {
    const made = await team.ask("POST", "/tables/facts/fork/", { json: { table_name: "copy" } }, [201]);
    if (made) await team.must("DELETE", "/tables/copy/", {}, 204);
}

async function queried({ team }) {
    const sql = "SELECT kind, avg(amount) AS mean FROM facts GROUP BY kind ORDER BY kind";
    await team.ask("POST", "/queries/", { json: { sql } }, [200]);
}

async function rowsRead({ team }) {
    await team.ask("GET", "/views/totals/rows/", {}, [200]);
    await team.ask("GET", "/views/totals/", {}, [200]);
}

/** A position is kept longer than this run takes, so that it is never gone. */
async function changesRead({ team }) {
    const view = await team.ask("GET", "/views/totals/", {}, [200]);
    const after = view && Math.max(0, view.body.version - 2);
    if (view) await team.ask("GET", `/views/totals/changes/?after=${after}`, {}, [200]);
}

async function viewRefreshed({ team }) {
    await team.ask("POST", "/views/totals/refresh/", {}, [200]);
}

async function tokenRenewed({ team }) {
    team.session.since = 0;
    await team.token();
}

async function listenerBack({ listener }) {
    listener.go();
    await pause(Math.random() * 2_000);
    await listener.come();
}

async function listenerNew({ listener }) {
    listener.go();
    listener.forget();
    await listener.come();
}

/** Does what the server ends the stream for, and sees that it does. */
async function shownOut(stream, act, what) {
    const left = stream.leaving();
    const done = await act();
    const why = done && (await Promise.race([left, pause(LEFT_MS)]));
    if (done && !why) stream.team.tally.fault(`${what}: its stream did not end in ${LEFT_MS} ms`);
    stream.go();
}

/** A second sign-in of the account, with a listener of its own that ends with it. */
async function sessionEnded({ team, heard }) {
    const stream = new ChannelStream(heard, team);
    stream.session = await team.signIn();
    await stream.come();
    const json = { refresh: stream.session.refresh };
    await shownOut(stream, () => team.plain("POST", "/auth/tokens/blacklist/", { json }, [205]), "a session's end");
}

/** A view of its own with job, channel and listener, deleted all together. */
async function viewMadeAndDeleted({ team, heard }) {
    const sql_query = "SELECT kind, max(amount) AS top FROM facts GROUP BY kind";
    await team.must("POST", "/views/", { json: { view_name: "tops", sql_query } }, 201);
    const job = await team.must("POST", "/jobs/", { json: { view_name: "tops", crontab_def: "0 0 1 1 *" } }, 201);
    const channel = await team.must("POST", "/channels/", { json: { job_id: job.id } }, 201);
    const stream = new ChannelStream(heard, team, channel.public_identifier);
    await stream.come();
    const drop = () => team.must("DELETE", "/views/tops/?cascade=true", {}, 204).then(() => true);
    await shownOut(stream, drop, "a view's end");
}

async function accountRegistered(churn) {
    const newcomer = new Team(churn.server, churn.tally, `newcomer${churn.newcomers++}@example.com`);
    await newcomer.register();
    const form = uploadForm({ table_name: "facts", file: csv(facts(20)) });
    await newcomer.must("POST", "/tables/", { form }, 201);
}

/** How often each, of all. */
const ACTIONS = [
    [rowsAppended, 25],
    [listenerBack, 20],
    [listenerNew, 10],
    [rowsRead, 10],
    [queried, 10],
    [changesRead, 5],
    [tokenRenewed, 5],
    [loadWaited, 4],
    [tableReplaced, 4],
    [viewRefreshed, 4],
    [tableForkedAndDeleted, 3],
    [viewMadeAndDeleted, 2],
    [sessionEnded, 2],
    [accountRegistered, 2],
];

const HAT = ACTIONS.flatMap(([action, times]) => Array(times).fill(action));

export class Churn {
    /** `rate` steps a second are begun, unless `most` are under way. */
    constructor({ server, tally, heard, teams, listeners, rate, most = 16 }) {
        Object.assign(this, { server, tally, heard, teams, listeners, rate, most });
        this.newcomers = 0;
        this.underWay = new Set();
        this.done = new Map();
    }

    start() {
        if (!this.rate) return;
        this.timer = setInterval(() => this.begin(), 1_000 / this.rate);
    }

    /** Begins nothing any more, and waits for what is under way. */
    async stop() {
        clearInterval(this.timer);
        await Promise.all(this.underWay);
    }

    /** What `look` sees while nothing is under way: a sign-in alone takes 64 MiB for a moment. */
    async rest(look) {
        await this.stop();
        const seen = look();
        this.start();
        return seen;
    }

    begin() {
        if (this.underWay.size >= this.most) return;
        const listener = pick(this.listeners);
        const { team } = listener;
        if (team.busy) return;
        team.busy = true;
        const step = this.step(pick(HAT), team, listener).finally(() => {
            team.busy = false;
            this.underWay.delete(step);
        });
        this.underWay.add(step);
    }

    async step(action, team, listener) {
        try {
            const { heard, server, tally } = this;
            if (action === accountRegistered) await action(this);
            else await action({ team, listener, heard, server, tally });
            this.done.set(action.name, (this.done.get(action.name) ?? 0) + 1);
        } catch (problem) {
            this.tally.fault(`${action.name}: ${problem.message}`);
        }
    }
}
