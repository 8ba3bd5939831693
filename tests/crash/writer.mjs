// Writes to a team without pause, one thing after another, and knows exactly what has to be there.
//
// `slice` is what is the writer's own in the team: tables, views with their job and channel, and its batches in the
// table that all share. Each operation says what the slice is once it is done. When the answer is missing (a kill) or
// says that the engine failed, the truth is looked up: it has to be the slice before or the slice after, nothing else.
import { call, expect, uploadForm } from "../api/client.mjs";
import { until } from "../api/harness.mjs";
import {
    batchCsv,
    batchParquet,
    batchRows,
    COLUMNS,
    contentRows,
    contentSummary,
    summaryOf,
    summaryOfRows,
    summaryQuery,
} from "./content.mjs";
import { Replica } from "./replica.mjs";

const WEIGHTS = {
    share: 12,
    create: 5,
    append: 8,
    replace: 4,
    fork: 3,
    accept: 2,
    drop: 2,
    view: 4,
    refresh: 8,
    patch: 3,
    job: 3,
    jobPatch: 2,
    channel: 3,
    channelDrop: 2,
    jobDrop: 1,
    viewDrop: 1,
    cascade: 2,
};
const TABLES_MOST = 6;
const VIEWS_MOST = 3;
const BATCHES_MOST = 10;
const UNSURE = new Set(["engine_failed", "engine_busy", "team_busy", "query_timeout", "interrupted", "store_busy"]);

const viewSql = ({ base, mod }) => `SELECT batch, k FROM ${base} WHERE k % ${mod} = 0`;

/** What a slice looks like from outside, line by line; an id that is not known yet is "id=?". */
function told(slice, writer) {
    const lines = [`shared ${contentSummary({ mod: 1, batches: slice.shared })}`];
    for (const [name, table] of Object.entries(slice.tables))
        lines.push(`table ${name} rows=${contentRows(table)} ${contentSummary(table)}`);
    for (const [name, view] of Object.entries(slice.views)) {
        lines.push(
            `view ${name} version=${view.version} rows=${contentRows(view)} ${viewSql(view)} ${contentSummary(view)}`,
        );
        if (view.job) lines.push(`job on ${name} id=${view.job.id ?? "?"} ${view.job.cron} ${view.job.active}`);
        if (view.channel) lines.push(`channel on ${name} id=${view.channel.id ?? "?"} include=${view.channel.include}`);
    }
    for (const name of writer.gone) lines.push(`gone ${name}`);
    return lines.sort();
}

const same = (due, found) =>
    due.length === found.length &&
    due.every((line, i) => line === found[i] || line === found[i].replace(/ id=\S+/, " id=?"));

export class Writer {
    constructor({ me, name, chance, tally, shared }) {
        Object.assign(this, { me, name, chance, tally, shared });
        this.slice = { tables: {}, views: {}, shared: {} };
        this.pending = undefined;
        this.made = 0;
        this.acknowledged = 0;
        this.gone = []; // names of what was deleted lately: must not be readable
        this.replicas = new Map();
        this.created = new Map(); // name -> how often it was made: for the log
    }

    /* One operation each: {what, status, send, after: possible slices, made: names it makes}. */

    next(kind) {
        return `${this.name}_${kind}${++this.made}`;
    }

    batch() {
        const { chance } = this;
        return {
            tag: `${this.name}-${++this.made}`,
            size: chance.one(12) ? chance.int(2_000, 6_000) : chance.int(1, 80),
        };
    }

    /** How the batch travels: options for a call. */
    parcel({ tag, size }, fields = {}) {
        const how = size > 1_000 ? this.chance.pick(["csv", "parquet"]) : this.chance.pick(["csv", "parquet", "json"]);
        if (how === "json") return { json: { ...fields, rows: batchRows(tag, size) } };
        const file = how === "csv" ? batchCsv(tag, size) : batchParquet(tag, size);
        const { columns, ...rest } = fields;
        return { form: uploadForm({ ...rest, ...(columns ? { columns: JSON.stringify(columns) } : {}), file }) };
    }

    changed(change) {
        const after = structuredClone(this.slice);
        change(after);
        return after;
    }

    share() {
        const { tag, size } = { ...this.batch(), size: this.chance.int(1, 5) };
        return {
            what: `share ${tag}`,
            status: 201,
            send: () => this.me.call("POST", `/tables/${this.shared}/rows/`, this.parcel({ tag, size })),
            after: [this.changed((slice) => (slice.shared[tag] = size))],
        };
    }

    create({ headers } = {}) {
        if (Object.keys(this.slice.tables).length >= TABLES_MOST) return this.drop();
        const table_name = this.next("t");
        const { tag, size } = this.batch();
        const parcel = this.parcel({ tag, size }, { table_name, columns: COLUMNS });
        return {
            what: `create ${table_name}`,
            status: 201,
            send: () => this.me.call("POST", "/tables/", { ...parcel, headers }),
            after: [this.changed((slice) => (slice.tables[table_name] = { mod: 1, batches: { [tag]: size } }))],
            made: [table_name],
        };
    }

    /** A load that nobody waits for: accepted is a promise that its end will be told. */
    accept() {
        const op = this.chance.one(2)
            ? this.create({ headers: { prefer: "respond-async" } })
            : this.append({ headers: { prefer: "respond-async" } });
        if (!/^(create|append)/.test(op.what)) return op;
        const { send } = op;
        op.what = `accept: ${op.what}`;
        op.send = async () => {
            const reply = await send();
            if (reply.status !== 202) return reply;
            op.load = reply.body.id;
            const load = await this.loadEnd(op.load);
            const problem = { status: load.error?.status ?? 500, body: load.error };
            return load.state === "succeeded" ? { status: 201, body: {} } : problem;
        };
        return op;
    }

    async loadEnd(id) {
        return until(async () => {
            const reply = await this.me.call("GET", `/loads/${id}/`);
            const load = reply.status === 503 ? undefined : expect(reply, 200, `load ${id}`);
            return load?.state !== "running" && load;
        }, `the end of load ${id}`);
    }

    plainTable() {
        const names = Object.keys(this.slice.tables).filter((name) => this.slice.tables[name].mod === 1);
        return names.length ? this.chance.pick(names) : undefined;
    }

    append({ headers } = {}) {
        const name = this.plainTable();
        if (!name) return this.create();
        if (Object.keys(this.slice.tables[name].batches).length >= BATCHES_MOST) return this.replace();
        const { tag, size } = this.batch();
        return {
            what: `append to ${name}`,
            status: 201,
            send: () => this.me.call("POST", `/tables/${name}/rows/`, { ...this.parcel({ tag, size }), headers }),
            after: [this.changed((slice) => (slice.tables[name].batches[tag] = size))],
        };
    }

    replace() {
        const name = this.plainTable();
        if (!name) return this.create();
        const { tag, size } = this.batch();
        return {
            what: `replace ${name}`,
            status: 200,
            send: () => this.me.call("POST", `/tables/${name}/replace/`, this.parcel({ tag, size })),
            after: [this.changed((slice) => (slice.tables[name].batches = { [tag]: size }))],
        };
    }

    fork() {
        const from = this.chance.pick([...Object.keys(this.slice.tables), ...Object.keys(this.slice.views)]);
        if (!from || Object.keys(this.slice.tables).length >= TABLES_MOST) return this.share();
        const { mod, batches } = this.slice.tables[from] ?? this.slice.views[from];
        const table_name = this.next("f");
        return {
            what: `fork ${from}`,
            status: 201,
            send: () => this.me.call("POST", `/tables/${from}/fork/`, { json: { table_name } }),
            after: [this.changed((slice) => (slice.tables[table_name] = { mod, batches: { ...batches } }))],
            made: [table_name],
        };
    }

    drop() {
        const used = new Set(Object.values(this.slice.views).map((view) => view.base));
        const free = Object.keys(this.slice.tables).filter((name) => !used.has(name));
        if (!free.length) return this.cascade();
        const name = this.chance.pick(free);
        return {
            what: `drop ${name}`,
            status: 204,
            send: () => this.me.call("DELETE", `/tables/${name}/`),
            after: [this.changed((slice) => delete slice.tables[name])],
            gone: [name],
        };
    }

    /** A table with all that hangs on it: views, their jobs and channels. */
    cascade() {
        const names = Object.keys(this.slice.tables);
        if (!names.length) return this.create();
        const name = this.chance.pick(names);
        const views = Object.keys(this.slice.views).filter((view) => this.slice.views[view].base === name);
        return {
            what: `drop ${name} with ${views}`,
            status: 204,
            send: () => this.me.call("DELETE", `/tables/${name}/?cascade=true`),
            after: [
                this.changed((slice) => {
                    delete slice.tables[name];
                    for (const view of views) delete slice.views[view];
                }),
            ],
            gone: [name, ...views],
        };
    }

    view() {
        const base = this.plainTable();
        if (!base || Object.keys(this.slice.views).length >= VIEWS_MOST) return this.refresh();
        const view_name = this.next("v");
        const view = { base, mod: this.chance.int(1, 4), version: 1, batches: { ...this.slice.tables[base].batches } };
        return {
            what: `view ${view_name} of ${base}`,
            status: 201,
            send: () => this.me.call("POST", "/views/", { json: { view_name, sql_query: viewSql(view) } }),
            after: [this.changed((slice) => (slice.views[view_name] = view))],
            made: [view_name],
        };
    }

    anyView(where = () => true) {
        const names = Object.keys(this.slice.views).filter((name) => where(this.slice.views[name]));
        return names.length ? this.chance.pick(names) : undefined;
    }

    /** When its inputs have not moved it may be skipped, and then has the same rows. */
    refresh() {
        const name = this.anyView();
        if (!name) return this.share();
        const { base, version } = this.slice.views[name];
        const batches = { ...this.slice.tables[base].batches };
        const after = (now) =>
            this.changed((slice) => Object.assign(slice.views[name], { version: now, batches: { ...batches } }));
        return {
            what: `refresh ${name}`,
            status: 200,
            send: () => this.me.call("POST", `/views/${name}/refresh/`),
            after: [after(version + 1), after(version)],
            done: (reply) => after(reply.body.version),
        };
    }

    patch() {
        const name = this.anyView();
        if (!name) return this.view();
        const { base, version, mod } = this.slice.views[name];
        const other = 1 + (mod % 4);
        const batches = { ...this.slice.tables[base].batches };
        return {
            what: `patch ${name}`,
            status: 200,
            send: () =>
                this.me.call("PATCH", `/views/${name}/`, { json: { sql_query: viewSql({ base, mod: other }) } }),
            after: [
                this.changed((slice) =>
                    Object.assign(slice.views[name], { version: version + 1, mod: other, batches }),
                ),
            ],
        };
    }

    cron() {
        return `${this.chance.int(0, 59)} 0 ${this.chance.int(1, 28)} 1 *`;
    }

    job() {
        const view_name = this.anyView((view) => !view.job);
        if (!view_name) return this.channel();
        const crontab_def = this.cron();
        const job = { cron: crontab_def, active: true };
        return {
            what: `job on ${view_name}`,
            status: 201,
            send: () => this.me.call("POST", "/jobs/", { json: { view_name, crontab_def } }),
            after: [this.changed((slice) => (slice.views[view_name].job = job))],
            done: (reply) => this.changed((slice) => (slice.views[view_name].job = { ...job, id: reply.body.id })),
        };
    }

    jobPatch() {
        const name = this.anyView((view) => view.job);
        if (!name) return this.job();
        const { id, active } = this.slice.views[name].job;
        const cron = this.cron();
        return {
            what: `patch job ${id}`,
            status: 200,
            send: () => this.me.call("PATCH", `/jobs/${id}/`, { json: { crontab_def: cron, active: !active } }),
            after: [this.changed((slice) => Object.assign(slice.views[name].job, { cron, active: !active }))],
        };
    }

    channel() {
        const name = this.anyView((view) => view.job && !view.channel);
        if (!name) return this.refresh();
        const { id } = this.slice.views[name].job;
        const include = this.chance.pick([null, "changes", "rows"]);
        const of = (identifier) => this.changed((slice) => (slice.views[name].channel = { id: identifier, include }));
        return {
            what: `channel on ${name}`,
            status: 201,
            send: () => this.me.call("POST", "/channels/", { json: { job_id: id, include } }),
            after: [of(undefined)],
            done: (reply) => of(reply.body.public_identifier),
        };
    }

    channelDrop() {
        const name = this.anyView((view) => view.channel);
        if (!name) return this.channel();
        const { id } = this.slice.views[name].channel;
        return {
            what: `drop channel ${id}`,
            status: 204,
            send: () => this.me.call("DELETE", `/channels/${id}/`),
            after: [this.changed((slice) => delete slice.views[name].channel)],
        };
    }

    jobDrop() {
        const name = this.anyView((view) => view.job);
        if (!name) return this.job();
        const { id } = this.slice.views[name].job;
        return {
            what: `drop job ${id} and its channel`,
            status: 204,
            send: () => this.me.call("DELETE", `/jobs/${id}/`),
            after: [
                this.changed((slice) => {
                    delete slice.views[name].job;
                    delete slice.views[name].channel;
                }),
            ],
        };
    }

    viewDrop() {
        const name = this.anyView((view) => !view.job);
        if (!name) return this.refresh();
        return {
            what: `drop view ${name}`,
            status: 204,
            send: () => this.me.call("DELETE", `/views/${name}/`),
            after: [this.changed((slice) => delete slice.views[name])],
            gone: [name],
        };
    }

    /** Until halted, or the server is gone. */
    async run() {
        this.halted = false;
        while (!this.halted && (await this.step()));
    }

    /** One operation; false when the server has gone meanwhile. */
    async step() {
        const op = this[this.chance.weighed(WEIGHTS)]();
        this.pending = op;
        const reply = await op.send().catch((problem) => {
            if (problem.code === "ERR_ASSERTION") throw problem;
            return undefined;
        });
        if (!reply) return false;
        if (reply.status === op.status) {
            this.take(op.done ? op.done(reply) : op.after[0], op);
            this.acknowledged++;
            this.tally.acknowledged++;
            return true;
        }
        if (!UNSURE.has(reply.body?.code))
            throw new Error(`${this.name}: ${op.what} answered ${reply.status} ${JSON.stringify(reply.body)}`);
        op.refused = reply.body.code;
        this.tally.refused++;
        return this.settle().then(
            () => true,
            (problem) => {
                if (problem.name === "TypeError") return false; // no connection
                throw problem;
            },
        );
    }

    take(slice, op) {
        if (slice !== this.slice && op) {
            for (const name of op.made ?? []) this.created.set(name, 1);
            if (op.gone) this.gone = op.gone;
            for (const name of op.gone ?? []) this.replicas.delete(name);
        }
        this.slice = slice;
        this.pending = undefined;
    }

    /** After a kill: which of the slices that may be is there? */
    async settle() {
        const op = this.pending;
        const { gone } = this;
        const choices = [{ slice: this.slice, gone: [...gone, ...(op?.made ?? [])] }];
        for (const slice of op?.after ?? []) choices.push({ slice, gone: op.gone ?? gone });
        const dues = choices.map((choice) => told(choice.slice, choice));
        let found;
        const at = await until(async () => {
            found = await this.look([...new Set(choices.flatMap((choice) => choice.gone))]);
            const i = found ? dues.findIndex((due, k) => same(due, found.lines(choices[k].gone))) : -1;
            return i >= 0 && i + 1;
        }, "what is there to be what may be").catch((problem) => {
            if (problem.name === "TypeError") throw problem;
            throw this.contradiction(op, dues, found?.lines(gone) ?? [], problem);
        });
        const slice = choices[at - 1].slice;
        for (const [name, view] of Object.entries(slice.views)) {
            if (view.job) view.job.id ??= found.jobs.get(name);
            if (view.channel) view.channel.id ??= found.channels.get(name);
        }
        if (op) await this.settled(op, at > 1);
        this.take(slice, at > 1 ? op : undefined);
    }

    async settled(op, done) {
        if (done) this.tally.finished++;
        else this.tally.undone++;
        if (done && op.refused) this.tally.refusedYetDone.push(`${op.what}: ${op.refused}`);
        if (!op.load) return;
        const load = await this.loadEnd(op.load);
        if ((load.state === "succeeded") !== done)
            throw new Error(
                `${this.name}: ${op.what}: the load ${load.state}, the rows are ${done ? "there" : "not there"}`,
            );
    }

    /** What was due whatever became of the operation is lost, all else is torn. */
    contradiction(op, dues, lines, problem) {
        const sure = dues[0].filter((line) => dues.every((due) => due.includes(line)));
        const lost = sure.filter((line) => !lines.some((other) => same([line], [other])));
        if (lost.length) this.tally.lost += lost.length;
        else this.tally.torn++;
        const strange = lines.filter((line) => !dues.some((due) => due.some((other) => same([other], [line]))));
        return new Error(
            `${this.name}: after "${op?.what}" (${op?.refused ?? "no answer"}; ${problem.message})\n` +
                `  lost: ${lost.join("\n        ")}\n  found: ${strange.join("\n         ")}\n` +
                `  due: ${dues.map((due) => due.filter((line) => !lines.includes(line)).join("\n       ")).join("\n   or: ")}`,
        );
    }

    mine(name) {
        return name.startsWith(`${this.name}_`);
    }

    /** The slice as it is; undefined when the engine is not to be had, or things move meanwhile. */
    async look(gone) {
        const [tables, views, jobs, channels] = await Promise.all(
            ["tables", "views", "jobs", "channels"].map((kind) => this.me.all(`/${kind}/?limit=1000`)),
        );
        const own = {
            tables: tables.filter((table) => this.mine(table.table_name)),
            views: views.filter((view) => this.mine(view.view_name)),
            jobs: jobs.filter((job) => this.mine(job.view_name)),
        };
        const viewOf = new Map(own.jobs.map((job) => [job.id, job.view_name]));
        own.channels = channels.filter((channel) => viewOf.has(channel.job_ids[0]));
        const names = [...own.tables.map((table) => table.table_name), ...own.views.map((view) => view.view_name)];
        const sums = await this.sums([...names, this.shared]);
        if (!sums) return undefined;
        const readable = new Set();
        for (const name of gone) if (await this.readable(name)) readable.add(name);
        return new Look(this, own, viewOf, sums, readable);
    }

    async sums(names) {
        const reply = await this.me.call("POST", "/queries/", { json: { sql: summaryQuery(names), limit: 10_000 } });
        if (reply.status !== 200 && !UNSURE.has(reply.body?.code)) this.tally.unreadable++;
        if (reply.status !== 200) return undefined;
        const sums = new Map(names.map((name) => [name, []]));
        for (const row of reply.body.data) sums.get(row.name).push(row);
        return sums;
    }

    async readable(name) {
        const reply = await call(this.me.server, "POST", "/queries/", {
            token: this.me.access,
            json: { sql: `SELECT 1 FROM ${name}` },
        });
        return reply.status !== 422;
    }

    /** Each view: the copy and the changes since are its rows. */
    async replay() {
        for (const [name, view] of Object.entries(this.slice.views)) {
            const replica = this.replicas.get(name) ?? new Replica(this.me, name);
            this.replicas.set(name, replica);
            const before = replica.changes;
            const wrong = await replica.follow();
            const due = contentSummary(view);
            const found = summaryOfRows(replica.rows);
            if (wrong.length || found !== due || replica.version !== view.version) {
                this.tally.unequal++;
                throw new Error(
                    `${name}: version ${replica.version} by its changes is not version ${view.version}:` +
                        ` ${wrong.slice(0, 5)}\n  due: ${due}\n  found: ${found}`,
                );
            }
            this.tally.replays++;
            this.tally.changes += replica.changes - before;
        }
    }
}

/** What was found of a writer's slice. */
class Look {
    constructor(writer, own, viewOf, sums, readable) {
        Object.assign(this, { writer, own, viewOf, sums, readable });
        this.jobs = new Map(own.jobs.map((job) => [job.view_name, job.id]));
        this.channels = new Map(own.channels.map((one) => [viewOf.get(one.job_ids[0]), one.public_identifier]));
    }

    lines(gone) {
        const { own, sums, writer } = this;
        const sum = (name) => summaryOf(sums.get(name));
        const shared = sums.get(writer.shared).filter(({ batch }) => batch.startsWith(`${writer.name}-`));
        return [
            `shared ${summaryOf(shared)}`,
            ...own.tables.map(
                ({ table_name, row_count }) => `table ${table_name} rows=${row_count} ${sum(table_name)}`,
            ),
            ...own.views.map(
                ({ view_name, version, row_count, sql_query }) =>
                    `view ${view_name} version=${version} rows=${row_count} ${sql_query} ${sum(view_name)}`,
            ),
            ...own.jobs.map((job) => `job on ${job.view_name} id=${job.id} ${job.crontab_def} ${job.active}`),
            ...own.channels.map(
                (one) =>
                    `channel on ${this.viewOf.get(one.job_ids[0])} id=${one.public_identifier} include=${one.include}`,
            ),
            ...gone.filter((name) => !this.readable.has(name)).map((name) => `gone ${name}`),
        ].sort();
    }
}
