// A team under test: its writers, its listeners, and what the log has to say about both.
import { expect } from "../api/client.mjs";
import { until } from "../api/harness.mjs";
import { COLUMNS } from "./content.mjs";
import { Follower } from "./follower.mjs";
import { Replica, sameRows } from "./replica.mjs";
import { Writer } from "./writer.mjs";

const SHARED = "shared";
const SUMS = "sums";
const SUMS_SQL = `SELECT split_part(batch, '-', 1) AS writer, count(*) AS c, CAST(sum(k) AS BIGINT) AS s FROM ${SHARED} GROUP BY 1`;

export class Team {
    constructor({ me, name, writers, lively, chance, tally }) {
        Object.assign(this, { me, name, lively, chance, tally });
        this.entries = [];
        this.followers = [];
        this.writers = Array.from(
            { length: writers },
            (_, i) => new Writer({ me, name: `${name}${i}`, chance: chance.branch(), tally, shared: SHARED }),
        );
    }

    async open() {
        const { me } = this;
        this.id = (await me.get("/auth/users/me/")).team;
        await me.post("/tables/", { table_name: SHARED, columns: COLUMNS });
        await me.view(SUMS, SUMS_SQL);
        this.replica = new Replica(me, SUMS);
        await this.replica.follow();
        this.job = (await me.job(SUMS, this.lively ? "1 seconds" : "0 0 1 1 *")).id;
        this.follow("the log", "/events/listen/", "0");
        this.follow("the log, hanging up", "/events/listen/", "0", { restless: this.chance.branch() });
        this.follow("refreshes", "/events/listen/?type=view.refreshed", "0");
        for (const include of [null, "changes", "rows"]) {
            const { public_identifier: id } = await me.channel({ job_id: this.job, include });
            const follower = this.follow(`a channel with ${include}`, `/channels/${id}/listen/`, `${id}:0`);
            follower.include = include;
        }
        await until(() => this.followers.every((follower) => follower.opened), "all streams");
        return this;
    }

    follow(name, path, lastEventId, options) {
        const follower = new Follower(this.me, name, path, lastEventId, options);
        this.followers.push(follower);
        return follower;
    }

    /** After each kill. */
    async verify() {
        for (const writer of this.writers) await writer.settle();
        for (const writer of this.writers) await writer.replay();
        await this.whole();
        await this.settledMarks();
        await this.sumsReplay();
        await this.log();
    }

    /** Nobody's tables, views, jobs or channels are there. */
    async whole() {
        const slices = this.writers.map((writer) => writer.slice);
        const views = slices.flatMap((slice) => Object.values(slice.views));
        const due = {
            tables: 1 + slices.flatMap((slice) => Object.keys(slice.tables)).length,
            views: 1 + views.length,
            jobs: 1 + views.filter((view) => view.job).length,
            channels: 3 + views.filter((view) => view.channel).length,
        };
        for (const [kind, n] of Object.entries(due)) {
            const found = await this.me.all(`/${kind}/?limit=1000`);
            if (found.length !== n) {
                this.tally.orphaned += Math.max(0, found.length - n);
                throw new Error(`team ${this.name} has ${found.length} ${kind}, not ${n}: ${JSON.stringify(found)}`);
            }
        }
    }

    /** What was cut off is not under way for ever. */
    async settledMarks() {
        const idle = async () => {
            const loads = (await this.me.get("/loads/?limit=200")).data;
            const runs = (await this.me.get(`/jobs/${this.job}/runs/?limit=200`)).data;
            return [
                ...loads.filter((load) => load.state === "running"),
                ...runs.slice(1).filter((one) => one.outcome === "running"),
            ];
        };
        await until(async () => (await idle()).length === 0, "all loads and runs to be settled").catch(
            async (problem) => {
                throw new Error(`${problem.message}: ${JSON.stringify(await idle())}`);
            },
        );
    }

    async sumsReplay() {
        const before = this.replica.changes;
        const now = await until(async () => {
            const wrong = await this.replica.follow();
            if (wrong.length) throw this.unequal(`the changes of ${SUMS} remove what is not there: ${wrong}`);
            const rows = await this.replica.read();
            return rows?.version === this.replica.version && rows;
        }, `${SUMS} to stand still`);
        this.tally.replays++;
        this.tally.changes += this.replica.changes - before;
        if (!sameRows(now.rows, this.replica.rows))
            throw this.unequal(`${SUMS}: version ${now.version} by its changes is not its rows`);
    }

    /** The log so far is consecutive, and all that listen have heard it. */
    async log() {
        const after = this.entries.at(-1)?.n ?? 0;
        this.entries.push(...(await this.me.all(`/events/?limit=1000&after=${after}`)));
        this.entries.forEach((entry, i) => {
            if (entry.n !== i + 1) throw new Error(`team ${this.name}: entry ${i + 1} of the log is number ${entry.n}`);
        });
        this.due = new Map(this.followers.map((follower) => [follower, this.dueFor(follower)]));
        for (const follower of this.followers) {
            const last = this.due.get(follower).at(-1) ?? 0;
            await until(() => follower.last() >= last, `${follower.name} of ${this.name} to hear ${last}`);
            const { lost, repeated, disordered, strange } = follower.count(this.due.get(follower));
            if (lost + repeated + disordered + strange)
                throw new Error(
                    `${follower.name} of ${this.name}: lost ${lost}, repeated ${repeated}, out of order ${disordered},` +
                        ` strange ${strange} ${follower.strange}`,
                );
        }
    }

    dueFor(follower) {
        const refreshed = this.entries.filter((entry) => entry.type === "view.refreshed");
        if (follower.path.startsWith("/channels/"))
            return refreshed.filter((entry) => entry.subject === SUMS).map((entry) => entry.n);
        return (follower.path.includes("type=") ? refreshed : this.entries).map((entry) => entry.n);
    }

    heard() {
        const sum = { heard: 0, lost: 0, repeated: 0, disordered: 0, strange: 0, resumed: 0 };
        for (const follower of this.followers) {
            const found = follower.count(this.due?.get(follower) ?? []);
            for (const name of Object.keys(found)) sum[name] += found[name];
            sum.resumed += Math.max(0, follower.opened - 1);
        }
        return sum;
    }

    /** The end: nothing moves any more, and all stories are the same story. */
    async last() {
        await this.me.patch(`/jobs/${this.job}/`, { active: false });
        await this.me.refresh_view(SUMS);
        await this.verify();
        this.heardAsLogged();
        this.toldOnce();
        await this.channelsAgree();
    }

    heardAsLogged() {
        for (const follower of this.followers.filter((one) => one.path.startsWith("/events/"))) {
            for (const { n, data } of follower.heard) {
                const entry = this.entries[n - 1];
                if (entry && JSON.stringify(data) !== JSON.stringify(entry))
                    throw new Error(
                        `${follower.name} heard ${JSON.stringify(data)}, the log has ${JSON.stringify(entry)}`,
                    );
            }
        }
    }

    /** What was made is told once, what was not made is not, and each view's versions go up by one. */
    toldOnce() {
        const made = new Set([SHARED, SUMS, ...this.writers.flatMap((writer) => [...writer.created.keys()])]);
        const told = this.entries
            .filter((entry) => /^(table|view)\.created$/.test(entry.type))
            .map((entry) => entry.subject);
        const twice = told.filter((name, i) => told.indexOf(name) !== i);
        const strange = told.filter((name) => !made.has(name));
        const missing = [...made].filter((name) => !told.includes(name));
        if (twice.length + strange.length + missing.length)
            throw new Error(`the log of ${this.name}: twice ${twice}, strange ${strange}, missing ${missing}`);
        const versions = new Map();
        for (const { type, subject, data } of this.entries) {
            if (type === "view.created") versions.set(subject, 1);
            if (type !== "view.refreshed") continue;
            if (data.version !== versions.get(subject) + 1)
                throw new Error(`${subject}: version ${data.version} is told after ${versions.get(subject)}`);
            versions.set(subject, data.version);
        }
    }

    /** The rows in a channel's events, and its changes one after another, are the view's rows. */
    async channelsAgree() {
        const now = await this.replica.read();
        for (const follower of this.followers.filter((one) => one.include)) {
            const copy = new Replica(this.me, SUMS);
            for (const { data } of follower.heard) {
                if (data.changes) {
                    const wrong = copy.apply(data.changes);
                    if (wrong.length) throw this.unequal(`${follower.name}, version ${data.version}: ${wrong}`);
                } else if (data.changes_url) {
                    const { items } = await copy.pages(data.changes_url);
                    const wrong = copy.apply(items.filter((item) => item.version === data.version));
                    if (wrong.length) throw this.unequal(`${follower.name}, ${data.changes_url}: ${wrong}`);
                } else if (data.rows) {
                    copy.rows = new Map(data.rows.map((row) => [JSON.stringify(row), 1]));
                } else if (data.rows_url) {
                    copy.rows = expect(await this.me.call("GET", data.rows_url), 200, data.rows_url) && now.rows;
                }
            }
            this.tally.replays++;
            if (!sameRows(copy.rows, now.rows)) throw this.unequal(`${follower.name} ends with other rows`);
        }
    }

    unequal(what) {
        this.tally.unequal++;
        return new Error(`team ${this.name}: ${what}`);
    }

    async close() {
        await Promise.all(this.followers.map((follower) => follower.stop()));
    }
}
