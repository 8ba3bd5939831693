// What a client does, one step at a time: each makes its request with what it needs made before, knows whether it was done
// all the same, and clears away after itself.
import assert from "node:assert/strict";
import http2 from "node:http2";
import http from "node:http";
import { until } from "../api/harness.mjs";
import {
    Account,
    account,
    call,
    expect,
    PASSWORD,
    SAMPLE_COLUMNS,
    sampleCsv,
    sampleParquet,
    uploadForm,
} from "../api/client.mjs";
import { Listener } from "../api/sse.mjs";

let counter = 0;
const fresh = (kind) => `${kind}${++counter}`;

/** The lasting things that steps need: an account with a table, views, a job and a channel. */
export async function scene(server) {
    const me = await account(server);
    await me.table("base", sampleCsv, SAMPLE_COLUMNS);
    await me.view("small", 'SELECT * FROM base WHERE "SomeNumber" < 3');
    const { id } = await me.job("small");
    const { public_identifier } = await me.channel(id);
    return { server, me, job: id, channel: public_identifier };
}

/** As the engine counts them, whatever the records say. */
const rowCount = async (me) => (await me.post("/queries/", { sql: "SELECT count(*) AS n FROM base" }, 200)).data[0].n;

const exists = (me, target) => async () => (await me.call("GET", target)).status === 200;

/** A step that makes something at `target(name)`, which is deleted again. */
function making(name, kind, run, target = (made) => `/${kind}/${made}/`) {
    return ({ me }) => ({
        name,
        want: 201,
        before: () => ({ made: fresh("x") }),
        run: ({ made }) => run(me, made),
        done: ({ made }) => exists(me, target(made))(),
        after: ({ made }) => me.del(target(made)),
    });
}

const reading = (name, target, headers) => (scene) => ({
    name,
    want: 200,
    run: () => scene.me.call("GET", typeof target === "function" ? target(scene) : target, { headers }),
});

const upload = (me, target, fields, headers) => me.call("POST", target, { form: uploadForm(fields), headers });

const announce = (me, bytes) => me.call("POST", "/uploads/", { headers: { "upload-length": String(bytes) } });
const piece = (me, id, offset, body) =>
    me.call("PATCH", `/uploads/${id}/`, {
        body,
        headers: { "upload-offset": String(offset), "content-type": "application/offset+octet-stream" },
    });
const uploadIds = async (me) => (await me.all("/uploads/")).map(({ id }) => id);
const forgetUploads = async (me) => {
    for (const id of await uploadIds(me)) await me.del(`/uploads/${id}/`);
};

/** The rest of an upload of which `offset` bytes are there. */
const piecewise =
    (name, offset) =>
    ({ me }) => ({
        name,
        want: 204,
        async before() {
            const { id } = expect(await announce(me, sampleCsv.length), 201, "an upload");
            if (offset) expect(await piece(me, id, 0, sampleCsv.subarray(0, offset)), 204, "its beginning");
            return { id };
        },
        run: ({ id }) => piece(me, id, offset, sampleCsv.subarray(offset)),
        done: async ({ id }) => (await me.get(`/uploads/${id}/`)).bytes_done === sampleCsv.length,
        // What is there are the file's own bytes.
        async after({ id }) {
            const made = fresh("x");
            const { row_count } = await me.post("/tables/", { table_name: made, upload: id });
            assert.equal(row_count, 10);
            await me.del(`/tables/${made}/`);
        },
    });

/** By a connection of its own, made and closed. */
function alone({ server, me }) {
    return new Promise((resolve, reject) => {
        const headers = { authorization: `JWT ${me.access}` };
        const asked = http.request(`${server.url}/tables/base/`, { agent: false, headers }, (answer) => {
            const pieces = [];
            answer.on("data", (piece) => pieces.push(piece));
            answer.on("error", reject);
            answer.on("end", () => resolve(reply(answer.statusCode, answer.headers, pieces)));
        });
        asked.once("error", reject);
        asked.end();
    });
}

function reply(status, headers, pieces) {
    const bytes = Buffer.concat(pieces);
    return {
        status,
        headers: new Headers(Object.entries(headers).filter(([name]) => !name.startsWith(":"))),
        bytes,
        body: bytes.length ? JSON.parse(bytes.toString()) : undefined,
    };
}

/** By HTTP/2, on a connection of its own. */
function multiplexed({ server, me }) {
    return new Promise((resolve, reject) => {
        const session = http2.connect(server.url);
        const over = (end, value) => (session.destroy(), end(value));
        const cut = () => over(reject, Object.assign(new Error("cut"), { code: "cut" }));
        session.on("error", cut).on("close", cut);
        const stream = session.request({ ":path": "/tables/base/", authorization: `JWT ${me.access}` });
        const pieces = [];
        let head;
        stream.on("response", (headers) => (head = headers));
        stream.on("data", (piece) => pieces.push(piece));
        stream.on("error", cut);
        stream.on("end", () => (head ? over(resolve, reply(head[":status"], head, pieces)) : cut()));
    });
}

/** A stream that opens is left again. */
async function listening(url, token) {
    const listener = new Listener(url, { token });
    await listener.open();
    try {
        if (listener.status === 200) {
            const cut = listener.ended.then(() => Promise.reject(Object.assign(new Error("cut"), { cut: true })));
            await Promise.race([listener.next("stream-open"), cut]);
        }
        return { status: listener.status, headers: listener.answer.headers, body: listener.body };
    } finally {
        listener.abort.abort();
        await listener.ended;
    }
}

const email = () => `${fresh("faulty")}.${process.pid}@example.com`;
const register = (server, primary_email) =>
    call(server, "POST", "/auth/users/register/", { json: { primary_email, password: PASSWORD } });

/** name: scene => step. Passwords take long to hash, by intent: these come last. */
export const steps = {
    "own account": reading("own account", "/auth/users/me/"),
    "list of tables": reading("list of tables", "/tables/?limit=1"),
    "rows as JSON": reading("rows as JSON", "/tables/base/rows/?limit=3"),
    "rows as CSV": reading("rows as CSV", "/tables/base/rows/", { accept: "text/csv" }),
    "rows as Parquet": reading("rows as Parquet", "/tables/base/rows/", { accept: "application/vnd.apache.parquet" }),
    "changes of a view": reading("changes of a view", "/views/small/changes/?after=1"),
    log: reading("log", "/events/?limit=5"),
    "packed document": reading("packed document", "/openapi.json"),
    "own connection": (scene) => ({ name: "own connection", want: 200, run: () => alone(scene) }),
    "HTTP/2": (scene) => ({ name: "HTTP/2", want: 200, run: () => multiplexed(scene) }),
    query: ({ me }) => ({
        name: "query",
        want: 200,
        run: () => me.call("POST", "/queries/", { json: { sql: "SELECT count(*) AS n FROM base" } }),
    }),
    "table from CSV": making("table from CSV", "tables", (me, table_name) =>
        upload(me, "/tables/", { table_name, file: sampleCsv, columns: SAMPLE_COLUMNS }),
    ),
    "table from Parquet": making("table from Parquet", "tables", (me, table_name) =>
        upload(me, "/tables/", { table_name, file: sampleParquet, filename: "file.parquet" }),
    ),
    "upload announced": ({ me }) => ({
        name: "upload announced",
        want: 201,
        before: async () => ({ uploads: (await uploadIds(me)).length }),
        run: () => announce(me, 10),
        done: async ({ uploads }) => (await uploadIds(me)).length > uploads,
        after: () => forgetUploads(me),
    }),
    "first piece of an upload": piecewise("first piece of an upload", 0),
    "next piece of an upload": piecewise("next piece of an upload", 30),
    "table from an upload": ({ me }) => ({
        name: "table from an upload",
        want: 201,
        async before() {
            const { id } = expect(await announce(me, sampleCsv.length), 201, "an upload");
            expect(await piece(me, id, 0, sampleCsv), 204, "all of it");
            return { made: fresh("x"), id };
        },
        run: ({ made, id }) => me.call("POST", "/tables/", { json: { table_name: made, upload: id } }),
        done: ({ made }) => exists(me, `/tables/${made}/`)(),
        async after({ made }) {
            assert.equal((await me.get(`/tables/${made}/`)).row_count, 10);
            await me.del(`/tables/${made}/`);
            assert.deepEqual(await uploadIds(me), [], "what was loaded is there yet");
        },
    }),
    "load in the background": ({ server, me }) => ({
        name: "load in the background",
        want: 202,
        before: () => ({ made: fresh("x") }),
        async run(ctx) {
            const headers = { prefer: "respond-async" };
            const told = await upload(me, "/tables/", { table_name: ctx.made, file: sampleCsv }, headers);
            ctx.load = told.body?.id;
            return told;
        },
        // A load that was accepted comes to an end: at once, or when its end can be noted, with the team's next turn.
        async settle(ctx, told) {
            if (told.status !== 202) return;
            const ended = async () => {
                const now = await me.call("GET", `/loads/${ctx.load}/`).catch(() => undefined);
                return now?.status === 200 && now.body.state !== "running" && now.body;
            };
            let load = await until(ended, "the load to end", 1_000).catch(() => undefined);
            if (!load) {
                server.calm();
                await me.refresh_view("small");
                load = await until(ended, `the load ${ctx.load} to end`);
            }
            assert.ok(load.state !== "failed" || load.error?.code, "a load failed without a word");
        },
        done: ({ made }) => exists(me, `/tables/${made}/`)(),
        after: ({ made }) => me.call("DELETE", `/tables/${made}/`),
    }),
    "table dropped": ({ me }) => ({
        name: "table dropped",
        want: 204,
        async before() {
            const made = fresh("x");
            await me.table(made);
            return { made };
        },
        run: ({ made }) => me.call("DELETE", `/tables/${made}/`),
        done: async ({ made }) => !(await exists(me, `/tables/${made}/`)()),
    }),
    "rows appended": ({ me }) => ({
        name: "rows appended",
        want: 201,
        before: async () => ({ rows: await rowCount(me) }),
        run: () => me.call("POST", "/tables/base/rows/", { json: { rows: [{ SomeNumber: 1, SomeString: "more" }] } }),
        turn: () => me.refresh_view("small"),
        done: async ({ rows }) => (await rowCount(me)) > rows,
        async after({ rows }) {
            assert.equal(await rowCount(me), rows + 1, "a row was appended twice, or not at all");
        },
    }),
    "table replaced": ({ me }) => ({
        name: "table replaced",
        want: 200,
        before: async () => ({ version: (await me.get("/tables/base/")).version }),
        run: () => upload(me, "/tables/base/replace/", { file: sampleCsv }),
        turn: () => me.refresh_view("small"),
        done: async ({ version }) => (await me.get("/tables/base/")).version > version,
    }),
    view: making("view", "views", (me, view_name) =>
        me.call("POST", "/views/", { json: { view_name, sql_query: "SELECT count(*) AS n FROM base" } }),
    ),
    refresh: ({ me }) => ({
        name: "refresh",
        want: 200,
        async before() {
            await me.post("/tables/base/rows/", { rows: [{ SomeNumber: 1 }] });
            return { version: (await me.get("/views/small/")).version };
        },
        run: () => me.call("POST", "/views/small/refresh/"),
        turn: () => me.table(fresh("x")),
        done: async ({ version }) => (await me.get("/views/small/")).version > version,
        // What the version changed is what its rows say.
        async after() {
            const { row_count } = await me.get("/views/small/");
            const rows = await me.all("/views/small/rows/?limit=1000");
            if (rows.length !== row_count) throw new Error(`${rows.length} rows, not ${row_count}`);
        },
    }),
    job: ({ me }) => {
        const json = () => ({ view_name: "small", crontab_def: "0 4 * * 1", timezone: zone() });
        const find = async (before) => (await me.all("/jobs/")).find((job) => !before.includes(job.id));
        return {
            name: "job",
            want: 201,
            before: async () => ({ jobs: (await me.all("/jobs/")).map((job) => job.id) }),
            run: () => me.call("POST", "/jobs/", { json: json() }),
            done: async ({ jobs }) => Boolean(await find(jobs)),
            async after({ jobs }) {
                for (let job; (job = await find(jobs));) await me.del(`/jobs/${job.id}/`);
            },
        };
    },
    "job changed": ({ me, job }) => {
        const wanted = () => ({ crontab_def: `${counter % 60} 5 * * *`, timezone: zone() });
        return {
            name: "job changed",
            want: 200,
            before: () => (fresh("x"), { json: wanted() }),
            run: ({ json }) => me.call("PATCH", `/jobs/${job}/`, { json }),
            done: async ({ json }) => (await me.get(`/jobs/${job}/`)).crontab_def === json.crontab_def,
        };
    },
    channel: ({ me, job }) => {
        const list = async () => (await me.all("/channels/")).map((channel) => channel.public_identifier);
        return {
            name: "channel",
            want: 201,
            before: async () => ({ channels: await list() }),
            run: () => me.call("POST", "/channels/", { json: { job_id: job } }),
            done: async ({ channels }) => (await list()).length > channels.length,
            async after({ channels }) {
                for (const id of await list()) if (!channels.includes(id)) await me.del(`/channels/${id}/`);
            },
        };
    },
    listener: ({ server, me, channel }) => ({
        name: "listener",
        want: 200,
        run: () => listening(`${server.url}/channels/${channel}/listen/`, me.access),
    }),
    ticket: ({ me, channel }) => ({
        name: "ticket",
        want: 201,
        run: () => me.call("POST", `/channels/${channel}/tickets/`),
    }),
    "token renewed": ({ server, me }) => {
        const other = new Account(server, me.email);
        return {
            name: "token renewed",
            want: 200,
            before: async () => void (other.refresh ??= (await other.signIn()).refresh),
            async run() {
                if (!other.refresh) await other.signIn();
                const told = await call(server, "POST", "/auth/tokens/refresh/", { json: { refresh: other.refresh } });
                other.refresh = told.body?.refresh ?? other.refresh;
                return told;
            },
            // An answer that was lost may have had the only token that is good.
            settle: (_, told) => told.cut && (other.refresh = undefined),
        };
    },
    "sign-in": ({ server, me }) => ({
        name: "sign-in",
        want: 200,
        run: () =>
            call(server, "POST", "/auth/tokens/obtain/", { json: { primary_email: me.email, password: PASSWORD } }),
    }),
    registration: ({ server }) => ({
        name: "registration",
        want: 201,
        before: () => ({ primary_email: email() }),
        run: ({ primary_email }) => register(server, primary_email),
        // The address is taken, or this takes it. Signing in would be slowed down after some failures.
        async done(ctx) {
            const told = await register(server, ctx.primary_email);
            if (told.status === 201) ctx.primary_email = email();
            return told.status === 422;
        },
    }),
};

// Zones that this process has not asked for before are read from disk.
const zones = Intl.supportedValuesOf("timeZone").filter((name) => /^[A-Z][A-Za-z]+\/[A-Z][A-Za-z_]+$/.test(name));
const zone = () => zones[counter % zones.length];

export { expect };
