// What hostile SQL is held against: secrets laid out where it must not reach, a server that nobody may ask, and a neighbour
// who goes on working.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { slow } from "../api/harness.mjs";
import { account, SAMPLE_COLUMNS, sampleCsv } from "../api/client.mjs";

export const QUERY_SECONDS = 1;
/** What the server gives a query that is being stopped, and what a busy machine may add. */
const STOP_MS = 4_000;
export const LIMIT_MS = QUERY_SECONDS * 1_000 + STOP_MS;
export const KEY = `key ${randomUUID()} ${randomUUID()}`;
export const ENV = { QUERY_SECONDS: String(QUERY_SECONDS), ENGINE_MEMORY: "256M", SECRET_KEY: KEY };
export const SHORT = process.env.ATTACK === "short";

/** All of them, or one of every `n` when the attack is to be short. */
export const some = (statements, n) => statements.filter((_, i) => !SHORT || i % n === 0);

function files(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const at = path.join(folder, entry.name);
        return entry.isDirectory() ? [at, ...files(at)] : [at];
    });
}

export class Siege {
    constructor(server) {
        this.server = server;
        this.secrets = { file: `secret ${randomUUID()}`, table: `secret ${randomUUID()}`, key: KEY };
        this.attackers = [];
        this.asked = 0;
    }

    async begin() {
        const { server, secrets } = this;
        this.teamsDir = path.join(server.dataDir, "teams");
        this.file = path.join(server.folder, "outside.txt");
        this.csv = path.join(server.folder, "outside.csv");
        writeFileSync(this.file, `${secrets.file}\n`);
        writeFileSync(path.join(server.dataDir, "secret.key"), secrets.file);
        writeFileSync(this.csv, `a,b\n${secrets.file},1\n`);
        this.listener = net.createServer((socket) => {
            this.asked++;
            socket.destroy();
        });
        await new Promise((resolve) => this.listener.listen(0, "127.0.0.1", resolve));
        this.neighbour = await account(server);
        await this.neighbour.table("secret", `n,word\n1,${secrets.table}\n2,x\n`);
        [this.other] = readdirSync(this.teamsDir);
        this.before = files(server.folder);
        return this.attacker();
    }

    /** A team of its own for who attacks. */
    async attacker() {
        const known = new Set(readdirSync(this.teamsDir));
        const me = await account(this.server);
        await me.table("sample", sampleCsv, SAMPLE_COLUMNS);
        me.team = readdirSync(this.teamsDir).find((team) => !known.has(team));
        this.attackers.push(me.team);
        return me;
    }

    fill(sql, me) {
        const words = {
            file: this.file,
            csv: this.csv,
            store: path.join(this.server.dataDir, "store.db"),
            key: path.join(this.server.dataDir, "secret.key"),
            own: path.join(this.teamsDir, me.team),
            other: path.join(this.teamsDir, this.other),
            url: `http://127.0.0.1:${this.listener.address().port}`,
            made: path.join(this.server.folder, "made"),
        };
        return sql.replace(/\{(\w+)\}/g, (all, word) => words[word] ?? all);
    }

    /** Nothing of what is laid out stands in an answer, nor what only the inside knows. */
    harmless(answer, sql) {
        const told = answer.bytes.toString();
        const about = `${sql.slice(0, 200)} got ${told.slice(0, 2_000)}`;
        for (const secret of Object.values(this.secrets)) {
            for (const text of [secret, Buffer.from(secret).toString("hex"), Buffer.from(secret).toString("base64")])
                assert.ok(!told.includes(text.slice(0, 40)), `a secret is out: ${about}`);
        }
        assert.doesNotMatch(told, /root:x:0|SECRET_KEY=|SQLite format 3/, about);
        return about;
    }

    /** The same for an answer of the program as it is, which says nothing of folders and code either. */
    silent(answer, sql) {
        const about = this.harmless(answer, sql);
        const told = answer.bytes.toString();
        if (!sql.includes(this.server.folder)) assert.ok(!told.includes(this.server.folder), `a folder is out: ${about}`);
        assert.doesNotMatch(told, /libduckdb|Stack Trace|0x[0-9a-f]{8,}/, about);
        return about;
    }

    async works(me, about) {
        const { data } = await me.post("/queries/", { sql: 'SELECT count(*) AS n, sum("SomeNumber") AS s FROM sample' }, 200);
        assert.deepEqual(data, [{ n: 10, s: "45" }], `afterwards: ${about}`);
    }

    /** Nobody was asked over the network, and outside of the attackers' folders all is as it was. */
    untouched() {
        assert.equal(this.asked, 0, "somebody was asked over the network");
        assert.equal(readFileSync(this.file, "utf8"), `${this.secrets.file}\n`);
        assert.equal(readFileSync(this.csv, "utf8"), `a,b\n${this.secrets.file},1\n`);
        const own = this.attackers.map((team) => path.join(this.teamsDir, team));
        const made = files(this.server.folder).filter(
            (at) => !this.before.includes(at) && !own.some((folder) => at === folder || at.startsWith(`${folder}/`)),
        );
        assert.deepEqual(made.filter((at) => !/\/store\.db(-wal|-shm)?$|\/uploads\/|\/(tmp|spill)\/|\.wal$/.test(at)), []);
        assert.ok(!existsSync(path.join(this.server.folder, "made")));
    }

    end() {
        this.listener.close();
    }
}

/** Another team that asks for its table without pause, and notes what is wrong and how long it takes. */
export class Neighbour {
    constructor(t, siege) {
        t.after(() => (this.over = true));
        this.siege = siege;
        this.waits = [];
        this.wrong = [];
        this.running = this.run();
    }

    async ask(i) {
        const me = this.siege.neighbour;
        const began = performance.now();
        const reply =
            i % 2
                ? await me.call("GET", "/tables/secret/rows/")
                : await me.call("POST", "/queries/", { json: { sql: "SELECT * FROM secret ORDER BY n" } });
        this.waits.push(performance.now() - began);
        if (reply.status !== 200 || !reply.bytes.includes(this.siege.secrets.table))
            this.wrong.push(`${reply.status} ${reply.bytes}`);
    }

    async run() {
        for (let i = 0; !this.over; i++) {
            await this.ask(i).catch((problem) => this.wrong.push(problem.message));
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }

    /** Always right; half of the answers within 0.1 s, the slowest within 2 s. */
    async end() {
        this.over = true;
        await this.running;
        assert.deepEqual(this.wrong, []);
        const waits = this.waits.sort((a, b) => a - b);
        const [half, most] = [waits[waits.length >> 1], waits.at(-1)];
        assert.ok(half < 100 * slow, `half of the neighbour's answers took longer than ${half} ms`);
        assert.ok(most < 2_000 * slow, `the neighbour's slowest answer took ${most} ms`);
        return `neighbour's answers ${waits.length}, all right, median ${half.toFixed(0)} ms, slowest ${most.toFixed(0)} ms`;
    }
}
