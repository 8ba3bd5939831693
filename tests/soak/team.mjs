// A team of the soak: an account with a table, a view, a job and a channel, and calls whose answers are all counted.
import { call, PASSWORD, uploadForm } from "../api/client.mjs";

const TOKEN_MS = 200_000; // access tokens are good for 300 s
const PATIENCE_MS = 120_000; // for what has to succeed, however busy the server is
const KINDS = ["ask", "bill", "call", "deal", "echo"];
const FAULTS_SHOWN = 20;

export const VIEW = `SELECT kind, count(*) AS n, sum(amount) AS total, max(now()) AS seen FROM facts GROUP BY kind`;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Rows of the table: a kind and an amount. */
export function facts(n, from = 0) {
    return Array.from({ length: n }, (_, i) => ({ kind: KINDS[(from + i) % KINDS.length], amount: from + i }));
}

export function csv(rows) {
    return `kind,amount\n${rows.map(({ kind, amount }) => `${kind},${amount}\n`).join("")}`;
}

/** All answers by status; `busy` are those that say to come again, `faults` those that should not have been. */
export class Tally {
    statuses = new Map();
    answers = 0;
    busy = 0;
    failures = 0;
    faults = [];

    fault(text) {
        this.failures++;
        if (this.faults.length < FAULTS_SHOWN) this.faults.push(text);
    }

    /** True: it is as it should be. */
    take(what, reply, expected) {
        this.answers++;
        this.statuses.set(reply.status, (this.statuses.get(reply.status) ?? 0) + 1);
        if (expected.includes(reply.status)) return true;
        if (reply.status === 503 && reply.headers.get("retry-after")) this.busy++;
        else this.fault(`${what}: ${reply.status} ${JSON.stringify(reply.body)?.slice(0, 300)}`);
        return false;
    }

    get of5xx() {
        let n = 0;
        for (const [status, times] of this.statuses) n += status >= 500 ? times : 0;
        return n - this.busy;
    }
}

export class Team {
    constructor(server, tally, email) {
        Object.assign(this, { server, tally, email, busy: false });
    }

    /** One call without a token: its reply when that has an expected status, else undefined. */
    async plain(method, target, options, expected) {
        const what = `${method} ${target}`;
        try {
            const reply = await call(this.server, method, target, options);
            return this.tally.take(what, reply, expected) ? reply : undefined;
        } catch (problem) {
            this.tally.fault(`${what}: ${problem.message} ${problem.cause?.message ?? ""}`);
            return undefined;
        }
    }

    async ask(method, target, options, expected) {
        return this.plain(method, target, { ...options, token: await this.token() }, expected);
    }

    /** Again and again until it succeeds. */
    async must(method, target, options, status, { anyone = false } = {}) {
        const end = Date.now() + PATIENCE_MS;
        for (;;) {
            const failures = this.tally.failures;
            const reply = await this[anyone ? "plain" : "ask"](method, target, options, [status]);
            if (reply) return reply.body;
            if (this.tally.failures > failures || Date.now() > end)
                throw new Error(`${method} ${target} of ${this.email}: ${this.tally.faults.at(-1) ?? "always busy"}`);
            await pause(500);
        }
    }

    async signIn() {
        const json = { primary_email: this.email, password: PASSWORD };
        const tokens = await this.must("POST", "/auth/tokens/obtain/", { json }, 200, { anyone: true });
        return { ...tokens, since: Date.now() };
    }

    async register() {
        const json = { primary_email: this.email, password: PASSWORD };
        await this.must("POST", "/auth/users/register/", { json }, 201, { anyone: true });
        this.session = await this.signIn();
    }

    /** A fresh access token; two callers never send the same refresh token. */
    async token() {
        if (Date.now() - this.session.since > TOKEN_MS) this.renewing ??= this.renew();
        await this.renewing;
        return this.session.access;
    }

    async renew() {
        const json = { refresh: this.session.refresh };
        const tokens = await this.must("POST", "/auth/tokens/refresh/", { json }, 200, { anyone: true });
        this.session = { ...tokens, since: Date.now() };
        this.renewing = undefined;
    }

    async setUp(rows) {
        await this.register();
        const form = uploadForm({ table_name: "facts", file: csv(facts(rows)) });
        await this.must("POST", "/tables/", { form }, 201);
        await this.must("POST", "/views/", { json: { view_name: "totals", sql_query: VIEW } }, 201);
    }

    async follow(schedule) {
        const job = await this.must("POST", "/jobs/", { json: { view_name: "totals", crontab_def: schedule } }, 201);
        this.job = job.id;
        const channel = await this.must("POST", "/channels/", { json: { job_id: job.id } }, 201);
        this.channel = channel.public_identifier;
    }
}
