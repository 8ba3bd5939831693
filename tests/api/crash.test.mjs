// Kill -9 at any moment: what was acknowledged is there, nothing is left over, and a listener that resumes misses nothing.
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { alive, descendants, Server, slow, temporaryFiles, test, until, useServer } from "./harness.mjs";
import { account, call, SAMPLE_COLUMNS, sampleCsv, uploadForm } from "./client.mjs";
import { csv, range } from "./files.mjs";
import { Listener } from "./sse.mjs";

const server = useServer({ env: { ACCESS_TOKEN_SECONDS: "3600" } });
const ROUNDS = 6;

/** A listener that comes back for ever, from where it was. */
class Faithful {
    constructor(me, channel, n) {
        this.heard = [];
        this.url = `/channels/${channel}/listen/`;
        this.me = me;
        this.lastEventId = `${channel}:${n}`;
        this.running = this.run();
    }

    async run() {
        while (!this.stopped) {
            this.stream = new Listener(server.url + this.url, { token: this.me.access, lastEventId: this.lastEventId });
            const open = await this.stream.open().catch(() => undefined);
            if (open?.status === 200) await this.stream.ended;
            this.take();
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }

    take() {
        for (const event of this.stream.events.splice(0)) {
            if (event.id) this.lastEventId = event.id;
            if (event.event === "message") this.heard.push(event.data.version);
            if (event.event === "stream-reset") this.heard.push("reset");
        }
    }

    versions() {
        return [...this.heard, ...this.stream.messages().map((event) => event.data.version)];
    }

    async stop() {
        this.stopped = true;
        await this.stream?.close();
        await this.running;
    }
}

/** Writes until the server dies; remembers what it was told is done. */
class Writer {
    constructor(me, name) {
        Object.assign(this, {
            me,
            name,
            tables: [],
            views: [],
            jobs: [],
            channels: [],
            added: 0,
            asked: 0,
            acknowledged: 0,
        });
    }

    async run() {
        try {
            for (let i = 0; ; i++) await this.step(`${this.name}_${i}`, i);
        } catch (problem) {
            if (problem.code === "ERR_ASSERTION") throw problem;
        }
    }

    async step(name, i) {
        this.asked += 3;
        await this.me.post("/tables/t/rows/", { rows: range(3).map((k) => ({ n: i * 3 + k, who: this.name })) });
        this.added += 3;
        if (i % 3 === 0) {
            await this.me.upload("/tables/", { table_name: `table_${name}`, file: sampleCsv, columns: SAMPLE_COLUMNS });
            this.tables.push(`table_${name}`);
        }
        if (i % 3 === 1) {
            await this.me.view(`view_${name}`, "SELECT 1 AS one");
            this.views.push(`view_${name}`);
            const { id } = await this.me.job(`view_${name}`);
            this.jobs.push(id);
            const { public_identifier } = await this.me.channel(id);
            this.channels.push(public_identifier);
        }
        await this.me.refresh_view("v");
        this.acknowledged++;
    }

    async check() {
        for (const name of this.tables) assert.equal((await this.me.get(`/tables/${name}/`)).row_count, 10);
        for (const name of this.views) assert.equal((await this.me.get(`/views/${name}/`)).row_count, 1);
        for (const id of this.jobs) await this.me.get(`/jobs/${id}/`);
        for (const id of this.channels) await this.me.get(`/channels/${id}/`);
        const rows = (await this.me.rows("t")).filter((row) => row.who === this.name);
        assert.ok(
            rows.length >= this.added && rows.length <= this.asked,
            `${rows.length} rows, ${this.added} acknowledged of ${this.asked}`,
        );
        assert.equal(rows.length % 3, 0, "an append is all or nothing");
    }
}

test(
    "kill -9 while many write",
    async (t) => {
        const me = await account(server);
        await me.table("t", "n,who\n-1,nobody\n");
        await me.view("v", "SELECT who, count(*) AS c, sum(n) AS s FROM t GROUP BY who");
        const first = await me.rows("v", "views");
        const { id } = await me.job("v");
        const { public_identifier } = await me.channel(id);
        await me.patch(`/jobs/${id}/`, { crontab_def: "1 seconds" });
        const [{ n }] = (await me.all("/events/?type=channel.created")).slice(-1);
        const faithful = new Faithful(me, public_identifier, n);
        t.after(() => faithful.stop());
        await until(() => faithful.stream?.events.length, "the first stream");
        const all = [];
        for (let round = 0; round < ROUNDS; round++) {
            const writers = range(3).map((i) => new Writer(me, `w${round}${i}`));
            all.push(...writers);
            const running = Promise.all(writers.map((writer) => writer.run()));
            await until(
                () => writers.reduce((sum, writer) => sum + writer.acknowledged, 0) >= 3 + round * 4,
                "some writes",
            );
            const engines = descendants(server.pid);
            await server.kill();
            await running;
            await until(() => !engines.some(alive), "the engine's processes to end");
            await server.start();
            for (const writer of writers) await writer.check();
            await until(
                () => temporaryFiles(server.dataDir).length === 0,
                `no temporary files: ${temporaryFiles(server.dataDir)}`,
            );
        }
        for (const writer of all) await writer.check();
        await me.refresh_view("v");
        await me.patch(`/jobs/${id}/`, { active: false });
        await until(
            async () => (await me.all(`/jobs/${id}/runs/`)).every((run) => run.outcome !== "running"),
            "the last run",
        );
        const { version } = await me.get("/views/v/");
        await until(() => faithful.versions().at(-1) === version, `version ${version}; heard ${faithful.versions()}`);
        assert.deepEqual(
            faithful.versions(),
            range(version - 1).map((i) => i + 2),
            "every version once",
        );
        assert.deepEqual(
            await patched(me, first),
            sorted(await me.rows("v", "views")),
            "version 1 and all changes are the rows",
        );
        const entries = await me.all("/events/");
        assert.deepEqual(
            entries.map((entry) => entry.n),
            range(entries.length).map((i) => i + 1),
        );
        for (const name of all.flatMap((writer) => [...writer.tables, ...writer.views])) {
            assert.equal(
                entries.filter((entry) => entry.subject === name && /created$/.test(entry.type)).length,
                1,
                name,
            );
        }
        t.diagnostic(
            `${version} versions, ${entries.length} entries, ${all.reduce((sum, writer) => sum + writer.acknowledged, 0)} rounds of writing`,
        );
    },
    { timeout: 120_000 },
);

test("kill -9 during the first start, and during a team's first table: the next start is a good one", async (t) => {
    for (let round = 0; round < 12; round++) {
        const own = new Server();
        t.after(() => own.end());
        const starting = own.start().catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, round * 4 * slow));
        await own.kill();
        await starting;
        await own.start();
        const me = await account(own);
        const form = uploadForm({ table_name: "t", file: sampleCsv });
        const made = me.call("POST", "/tables/", { form }).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, round * 2 * slow));
        await own.restart();
        await made;
        if ((await me.call("GET", "/tables/t/")).status === 404) await me.table("t");
        assert.equal((await me.rows("t")).length, 10, `round ${round}`);
        await own.stop();
    }
});

test("kill -9 during a long load: the table is there whole, or not at all", async () => {
    const me = await account(server);
    const file = csv(
        ["n", "word"],
        range(300_000).map((i) => [i, `word number ${i}`]),
    );
    const begun = await me.call("POST", "/tables/", {
        form: uploadForm({ table_name: "t", file }),
        headers: { prefer: "respond-async" },
    });
    assert.equal(begun.status, 202);
    await server.restart();
    const load = await until(async () => {
        const now = await me.get(`/loads/${begun.body.id}/`);
        return now.state !== "running" && now;
    }, "the load to be settled");
    if (load.state === "succeeded") assert.equal((await me.get("/tables/t/")).row_count, 300_000);
    else {
        await me.get("/tables/t/", 404);
        await me.table("t");
    }
    await until(
        () => temporaryFiles(server.dataDir).length === 0,
        `no temporary files: ${temporaryFiles(server.dataDir)}`,
    );
});

test("kill -9 during an upload leaves no file", async () => {
    const me = await account(server);
    const form = uploadForm({ table_name: "t", file: Buffer.alloc(50_000_000, "line\n") });
    const sent = me.call("POST", "/tables/", { form }).catch((problem) => problem);
    await until(
        () => temporaryFiles(server.dataDir).some((file) => existsSync(file) && statSync(file).size > 0),
        "the upload to begin",
    );
    await server.kill();
    await sent;
    await server.start();
    assert.deepEqual(temporaryFiles(server.dataDir), []);
    await me.get("/tables/t/", 404);
});

test("sessions and tokens outlive a crash, an ended session does not come back", async () => {
    const [me, other] = [await account(server), await account(server)];
    await call(server, "POST", "/auth/tokens/blacklist/", { json: { refresh: other.refresh } });
    await server.restart();
    await me.get("/auth/users/me/");
    await other.get("/auth/users/me/", 401);
});

const sorted = (rows) => rows.map((row) => JSON.stringify(row)).sort();

/** `rows` after all changes since version 1. */
async function patched(me, rows) {
    const left = sorted(rows);
    for (const { change, row } of await me.all("/views/v/changes/?after=1&limit=50")) {
        const text = JSON.stringify(row);
        if (change === "added") {
            left.push(text);
            continue;
        }
        const at = left.indexOf(text);
        assert.ok(at >= 0, `${text} was removed without having been there`);
        left.splice(at, 1);
    }
    return left.sort();
}
