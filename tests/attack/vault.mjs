// A team with something of everything in it, and a dump of it that shows any change.
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { decodeJwt } from "jose";
import { until } from "../api/harness.mjs";
import { Account, account, expect, sampleCsv } from "../api/client.mjs";
import { Listener } from "../api/sse.mjs";

const run = promisify(execFile);

/** SQL on the server's records, from outside. */
export async function store(server, sql) {
    const file = path.join(server.dataDir, "store.db");
    const { stdout } = await run("sqlite3", ["-json", "-cmd", ".timeout 10000", file, sql], { maxBuffer: 1 << 26 });
    return stdout.trim() ? JSON.parse(stdout) : [];
}

/**
 * An account whose team has tables, views with versions, a job with runs, loads, channels and tickets, and which is signed
 * in elsewhere, too. Their names begin with `name`; what is in them, with `mark`. It is a new one, or `me`.
 */
export async function vault(server, name, mark, me) {
    me ??= await account(server);
    const table = `${name}_table`;
    const lines = Array.from({ length: 250 }, (_, i) => `${i},${mark} ${i}`);
    await me.table(table, `id,secret\n${lines.join("\n")}\n`);
    const { id: load } = await me
        .upload(`/tables/`, { table_name: `${name}_other`, file: sampleCsv })
        .then(async () => (await me.get("/loads/")).data[0]);
    await me.view(`${name}_view`, `SELECT id, secret FROM ${table} WHERE id < 200`);
    await me.post(`/tables/${table}/rows/`, { rows: [{ id: 5, secret: `${mark} once more` }] });
    await me.refresh_view(`${name}_view`);
    await me.view(`${name}_above`, `SELECT count(*) AS n FROM ${name}_view`);
    const jobs = [];
    // so that the last one's number is no other team's
    for (let i = 0; i < (name === "victim" ? 5 : 1); i++) jobs.push((await me.job(`${name}_above`)).id);
    const job = jobs.at(-1);
    await me.patch(`/jobs/${job}/`, { crontab_def: "1 seconds" });
    await until(async () => (await me.get(`/jobs/${job}/runs/`)).data.some((one) => one.outcome), "a run");
    await me.patch(`/jobs/${job}/`, { crontab_def: "0 0 1 1 *" });
    await me.channel({ job_ids: jobs });
    const { public_identifier: channel } = await me.channel({ job_id: job, include: "rows" });
    const announced = await me.call("POST", "/uploads/", { headers: { "upload-length": "100" } });
    const { id: upload } = expect(announced, 201, "an upload");
    const headers = { "upload-offset": "0", "content-type": "application/offset+octet-stream" };
    expect(await me.call("PATCH", `/uploads/${upload}/`, { headers, body: "id\n1\n2\n3\n\n" }), 204, "a piece");
    const { team, id } = await me.get("/auth/users/me/");
    const session = decodeJwt((await new Account(server, me.email).signIn()).access).sid;
    const things = { table, view: `${name}_view`, job, load, upload, channel, session, account: id, query: 1 };
    return Object.assign(me, { ...things, team, id, mark, name });
}

/** What the team can see, by all routes that only read, and what the store has of it. */
export async function dump(server, me, all) {
    const seen = {};
    const names = {
        table: (await me.get("/tables/")).data.map((one) => one.table_name),
        view: (await me.get("/views/")).data.map((one) => one.view_name),
        job: (await me.get("/jobs/")).data.map((one) => one.id),
        load: (await me.get("/loads/")).data.map((one) => one.id),
        upload: (await me.get("/uploads/")).data.map((one) => one.id),
        channel: (await me.get("/channels/")).data.map((one) => one.public_identifier),
    };
    for (const one of all.filter(({ method, stream, right }) => method === "GET" && !stream && right === "member")) {
        for (const value of one.thing ? names[one.thing] : [undefined]) {
            const target = one.path(one.thing ? { [one.thing]: value } : {});
            seen[target] = one.list ? await me.all(target) : await me.get(target);
        }
    }
    const tables = await store(
        server,
        "SELECT DISTINCT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c" +
            " WHERE m.type = 'table' AND c.name = 'team' ORDER BY m.name",
    );
    for (const { name } of tables)
        seen[name] = (await store(server, `SELECT * FROM "${name}" WHERE team = '${me.team}'`))
            .map((row) => JSON.stringify(row))
            .sort();
    return seen;
}

/** Opens a stream for a moment: {status, body, text}. */
export async function peek(target, options = {}, enough = () => true) {
    const listener = new Listener(target, options);
    await listener.open();
    if (listener.status === 200) await until(() => listener.end || enough(listener.text), "the stream's first words");
    await listener.close();
    return listener;
}
