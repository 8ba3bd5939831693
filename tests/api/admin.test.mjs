// What superusers see of the server and do to it: accounts, teams, jobs that fail, processes, queries, the log, and all of it live.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { decodeJwt } from "jose";
import { alive, test, until, useServer, within } from "./harness.mjs";
import { Account, account, call, expect, PASSWORD, stage, superuser } from "./client.mjs";
import { listen } from "./sse.mjs";

const server = useServer({ env: { QUERY_SECONDS: "300" } });

const LONG = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1";

const obtain = (me) =>
    call(server, "POST", "/auth/tokens/obtain/", { json: { primary_email: me.email, password: PASSWORD } });

/** The item of a list, on whichever page it is. */
async function find(boss, target, where) {
    return (await boss.all(target)).find(where);
}

/** A query that is under way, as the list tells it. */
function running(boss, where) {
    return until(async () => (await boss.get("/admin/queries/")).data.find(where), "a query under way");
}

test("an account tells whether it is a superuser", async () => {
    const boss = await superuser(server);
    assert.equal((await boss.get("/auth/users/me/")).is_superuser, true);
    const me = await account(server);
    assert.equal((await me.get("/auth/users/me/")).is_superuser, false);
    const raised = await superuser(server, me.email);
    assert.equal((await raised.get("/auth/users/me/")).is_superuser, true);
});

test("nobody else gets in", async () => {
    const me = await account(server);
    const document = await (await fetch(`${server.url}/openapi.json`)).json();
    const paths = Object.entries(document.paths).filter(([path]) => path.startsWith("/admin/"));
    assert.ok(paths.length >= 10, `${paths.length} paths`);
    for (const [path, item] of paths) {
        for (const method of Object.keys(item)) {
            const target = path.replace("{id}", "1");
            const json = item[method].requestBody && {};
            const reply = await me.call(method.toUpperCase(), target, { json });
            assert.equal(reply.status, 403, `${method} ${path}`);
            assert.equal(reply.body.code, "forbidden");
            assert.equal((await call(server, method.toUpperCase(), target, { json })).status, 401);
            assert.match(item[method]["x-right"], /^superuser/);
            assert.deepEqual(item[method].tags, ["Admin"]);
        }
    }
});

test("accounts are listed, newest first, with their sessions", async () => {
    const boss = await superuser(server);
    const me = await account(server, { full_name: "Ada Lovelace" });
    const { id, team, created } = await me.get("/auth/users/me/");
    await new Account(server, me.email).signIn();
    const { data } = await boss.get("/admin/accounts/?limit=1");
    assert.equal(data.length, 1);
    const [sessions] = [(await me.get("/auth/sessions/")).data];
    assert.deepEqual(data[0], {
        id,
        primary_email: me.email,
        full_name: "Ada Lovelace",
        team,
        created,
        is_active: true,
        is_superuser: false,
        sessions: 2,
        last_used: sessions[0].last_used,
    });
    const all = await boss.all("/admin/accounts/?limit=2");
    assert.equal(new Set(all.map((one) => one.id)).size, all.length);
    assert.deepEqual(
        all.map((one) => one.id),
        all.map((one) => one.id).sort().reverse(),
    );
    assert.equal(all.find((one) => one.primary_email === boss.email).is_superuser, true);
    const page = await boss.get("/admin/accounts/?limit=2");
    const next = await boss.get(page.links.next);
    assert.deepEqual((await boss.get(next.links.prev)).data, page.data);
    await me.del("/auth/sessions/");
    const after = await find(boss, "/admin/accounts/", (one) => one.id === id);
    assert.equal(after.sessions, 0);
    assert.equal(after.last_used, data[0].last_used, "it is remembered");
});

test("an account that is switched off is out at once, and stays out until it is switched on", async (t) => {
    const boss = await superuser(server);
    const { me, channel } = await stage(server);
    const { id } = await me.get("/auth/users/me/");
    const streams = [await me.listen(t, channel), await me.listenLog(t)];
    const off = await boss.patch(`/admin/accounts/${id}/`, { is_active: false });
    assert.equal(off.id, id);
    assert.equal(off.is_active, false);
    assert.equal(off.sessions, 0);
    for (const stream of streams) await stream.closed();
    assert.equal((await me.call("GET", "/tables/")).body.code, "session_ended");
    const refreshed = await call(server, "POST", "/auth/tokens/refresh/", { json: { refresh: me.refresh } });
    assert.equal(refreshed.status, 401);
    assert.equal(expect(await obtain(me), 401, "obtain").code, "no_active_account");
    assert.deepEqual(await boss.patch(`/admin/accounts/${id}/`, { is_active: false }), off, "once more");

    const on = await boss.patch(`/admin/accounts/${id}/`, { is_active: true });
    assert.equal(on.is_active, true);
    assert.equal((await me.call("GET", "/tables/")).status, 401, "what has ended has ended");
    const back = await new Account(server, me.email).signIn();
    const told = await back.all("/events/");
    const actor = (await boss.get("/auth/users/me/")).id;
    assert.deepEqual(
        told.filter(({ type }) => /^account\.(de)?activated$/.test(type)).map((one) => [one.type, one.subject, one.actor]),
        [
            ["account.deactivated", id, actor],
            ["account.activated", id, actor],
        ],
    );
    assert.equal(told.find(({ type }) => type === "session.ended").data.reason, "deactivated");
    for (const [word, n] of [
        ["off", 1],
        ["on", 1],
    ]) {
        const lines = server.log.split("\n").filter((line) => line.includes(`an account was switched ${word}`));
        assert.equal(lines.filter((line) => line.includes(id) && line.includes(actor)).length, n, word);
    }
});

test("nobody switches off the own account, or one that is not there", async () => {
    const boss = await superuser(server);
    const { id } = await boss.get("/auth/users/me/");
    const reply = await boss.call("PATCH", `/admin/accounts/${id}/`, { json: { is_active: false } });
    assert.equal(reply.status, 409);
    assert.equal(reply.body.code, "own_account");
    assert.equal((await boss.patch(`/admin/accounts/${id}/`, { is_active: true })).is_active, true);
    for (const none of ["x", "01900000-0000-7000-8000-000000000000"])
        await boss.patch(`/admin/accounts/${none}/`, { is_active: false }, 404);
    for (const json of [{}, { is_active: null }, { is_active: 0 }, { is_active: true, is_superuser: true }])
        await boss.patch(`/admin/accounts/${id}/`, json, 422);
    // another superuser can
    const other = await superuser(server);
    await other.patch(`/admin/accounts/${id}/`, { is_active: false });
    assert.equal((await boss.call("GET", "/admin/accounts/")).status, 401);
});

test("teams are listed with what they have", async () => {
    const boss = await superuser(server);
    const { me, job } = await stage(server);
    const { team, created } = await me.get("/auth/users/me/");
    await me.view("other", "SELECT 1 AS one");
    await me.channel(job);
    const events = await me.all("/events/");
    const [seen] = (await boss.get("/admin/teams/?limit=1")).data;
    assert.ok(seen.bytes > 0);
    assert.deepEqual(
        { ...seen, bytes: 0 },
        {
            id: team,
            name: me.email,
            created,
            tables: 1,
            views: 2,
            jobs: 1,
            channels: 2,
            bytes: 0,
            last_event: events.at(-1).n,
            last_event_at: events.at(-1).at,
        },
    );
    await me.table("second", "n\n1\n2\n");
    const more = await find(boss, "/admin/teams/", ({ id }) => id === team);
    assert.equal(more.tables, 2);
    assert.ok(more.bytes > seen.bytes);
    assert.ok(more.last_event > seen.last_event);
});

test("processes: the server's own and one for each team that is at work", async (t) => {
    const boss = await superuser(server);
    const { me } = await stage(server);
    const { team } = await me.get("/auth/users/me/");
    const before = await boss.get("/admin/processes/");
    await me.listenLog(t);
    const { processes, server: own } = await boss.get("/admin/processes/");
    assert.equal(own.pid, server.pid);
    assert.equal(own.version, readFileSync(new URL("../../VERSION", import.meta.url), "utf8").trim());
    assert.equal(own.started, before.server.started);
    assert.ok(Date.parse(own.started) < Date.now() && Date.parse(own.started) > Date.now() - 3_600_000);
    assert.equal(own.streams, before.server.streams + 1);
    assert.ok(own.descriptors > 10 && own.memory_bytes > 1_000_000);
    const process = processes.find((one) => one.team === team);
    assert.ok(process.pid !== server.pid && alive(process.pid));
    assert.ok(process.memory_bytes > 100_000 && process.memory_bytes < 4e9, String(process.memory_bytes));
    assert.equal(process.calls, 0);
    assert.ok(Date.parse(process.started) >= Date.parse(own.started));
    assert.equal(new Set(processes.map((one) => one.pid)).size, processes.length);
});

test("a query under way is seen, and stops when it is cancelled", async () => {
    const boss = await superuser(server);
    const me = await account(server);
    const { team } = await me.get("/auth/users/me/");
    const asked = me.call("POST", "/queries/", { json: { sql: LONG } });
    const seen = await running(boss, (one) => one.team === team && one.kind === "query" && !one.waiting);
    assert.equal(seen.sql, LONG);
    assert.equal(seen.subject, null);
    assert.ok(Number.isSafeInteger(seen.id));
    assert.ok(seen.seconds >= 0 && Math.abs(Date.parse(seen.started) + seen.seconds * 1000 - Date.now()) < 60_000);
    const { processes } = await boss.get("/admin/processes/");
    assert.equal(processes.find((one) => one.team === team).calls, 1);
    await boss.del(`/admin/queries/${seen.id}/`);
    const reply = await within(20_000, asked, "the answer of a cancelled query");
    assert.equal(reply.status, 409);
    assert.equal(reply.body.code, "query_cancelled");
    assert.equal(reply.headers.get("retry-after"), null);
    assert.equal(await find(boss, "/admin/queries/", (one) => one.team === team), undefined);
    await boss.del(`/admin/queries/${seen.id}/`, 404);
    assert.deepEqual((await me.post("/queries/", { sql: "SELECT 42 AS n" }, 200)).data, [{ n: 42 }]);
    const { id: actor } = await boss.get("/auth/users/me/");
    const line = server.log.split("\n").find((one) => one.includes("a query was cancelled") && one.includes(team));
    assert.ok(line.includes(String(seen.id)) && line.includes(actor) && line.includes("query"), line);
});

test("a query that is not there can't be cancelled", async () => {
    const boss = await superuser(server);
    for (const id of ["0", "1", "-1", "x", "99999999999999999999", "1.5", "%00"]) {
        const reply = await boss.call("DELETE", `/admin/queries/${id}/`);
        assert.ok([400, 404].includes(reply.status), `${id}: ${reply.status}`);
    }
});

test("of a long query the first 1,000 bytes are told", async () => {
    const boss = await superuser(server);
    const me = await account(server);
    const sql = `${LONG} AND '${"ä".repeat(2_000)}' <> ''`;
    const asked = me.call("POST", "/queries/", { json: { sql } });
    const seen = await running(boss, (one) => one.sql?.startsWith(LONG) && one.sql.includes("ää"));
    assert.ok(sql.startsWith(seen.sql));
    assert.ok([999, 1000].includes(Buffer.byteLength(seen.sql)), seen.sql.length);
    await boss.del(`/admin/queries/${seen.id}/`);
    assert.equal((await asked).status, 409);
});

test("a refresh that is cancelled leaves the view as it was, and its next one works", async (t) => {
    const boss = await superuser(server);
    const me = await account(server);
    await me.table("numbers", "n\n1\n");
    // slow as soon as the table is long
    await me.view("v", "SELECT count(*) AS x FROM numbers a, numbers b, numbers c, numbers d WHERE a.n + b.n + c.n + d.n = -1");
    const before = await me.get("/views/v/");
    const log = await me.listenLog(t);
    await me.post("/tables/numbers/rows/", { rows: Array.from({ length: 5_000 }, (_, n) => ({ n })) });
    const asked = me.call("POST", "/views/v/refresh/");
    const seen = await running(boss, (one) => one.kind === "refresh" && one.subject === "v" && !one.waiting);
    assert.match(seen.sql, /^SELECT count.* FROM numbers a, numbers b/);
    await boss.del(`/admin/queries/${seen.id}/`);
    const reply = await within(20_000, asked, "the answer of a cancelled refresh");
    assert.equal(reply.status, 409);
    assert.equal(reply.body.code, "query_cancelled");
    const after = await me.get("/views/v/");
    assert.equal(after.version, before.version);
    assert.match(after.error, /cancelled/);
    assert.deepEqual(await me.rows("v", "views"), [{ x: 0 }]);
    await log.next("message", ({ data }) => /fail/.test(data.type) && JSON.stringify(data.data).includes("cancelled"));
    await me.post("/tables/numbers/replace/", { rows: [{ n: 3 }] }, 200);
    await me.refresh_view("v");
    assert.deepEqual(await me.rows("v", "views"), [{ x: 0 }]);
    assert.equal((await me.get("/views/v/")).error, null);
});

/** Cancels all that the engines are asked for until `asked` has its answer. */
async function harass(boss, asked) {
    let answered = false;
    asked.then(() => (answered = true));
    while (!answered)
        for (const { id } of (await boss.get("/admin/queries/")).data) await boss.call("DELETE", `/admin/queries/${id}/`);
    return asked;
}

test("whatever is cancelled at whatever moment, a view has the rows of its query", async () => {
    const [boss, me] = [await superuser(server), await account(server)];
    let view = await me.view("v", "SELECT 0 AS which, 0 AS n");
    let refused = 0;
    for (let i = 1; i <= 24; i++) {
        const sql_query = `SELECT ${i} AS which, range AS n FROM range(${1 + (i % 8) * 100_000})`;
        const { status, body } = await harass(boss, me.call("PATCH", "/views/v/", { json: { sql_query } }));
        const what = `${status} ${body.code}: ${body.detail}`;
        assert.ok(status === 200 || ["query_cancelled", "engine_failed"].includes(body.code), what);
        const { data, version } = await me.get("/views/v/rows/?limit=1");
        const now = await me.get("/views/v/");
        assert.match(now.sql_query, new RegExp(`^SELECT ${data[0].which} `), what);
        assert.equal(now.version, version, what);
        if (status === 409) {
            assert.equal(now.sql_query, view.sql_query, what);
            assert.equal(now.version, view.version, what);
            refused++;
        }
        view = now;
    }
    assert.ok(refused > 0);
});

test("a load that is cancelled leaves nothing behind", async () => {
    const boss = await superuser(server);
    const me = await account(server);
    const file = Buffer.alloc(60_000_000, "12345,some words\n");
    const asked = me.call("POST", "/tables/", {
        form: (() => {
            const form = new FormData();
            form.append("table_name", "big");
            form.append("file", new Blob(["a,b\n", file.subarray(0, file.lastIndexOf("\n") + 1)]), "big.csv");
            return form;
        })(),
    });
    const seen = await running(boss, (one) => one.kind === "load" && one.subject === "big" && !one.waiting);
    assert.equal(seen.sql, null);
    await boss.del(`/admin/queries/${seen.id}/`);
    const reply = await within(60_000, asked, "the answer of a cancelled load");
    assert.equal(reply.status, 409);
    assert.equal(reply.body.code, "query_cancelled");
    await me.get("/tables/big/", 404);
    assert.deepEqual((await me.get("/tables/")).data, []);
    const [load] = (await me.get("/loads/")).data;
    assert.equal(load.state, "failed");
    assert.match(JSON.stringify(load.error), /cancelled/);
    await me.table("big", "a,b\n1,x\n");
    assert.deepEqual(await me.rows("big"), [{ a: 1, b: "x" }]);
});

test("jobs that fail are listed until they work again", async () => {
    const boss = await superuser(server);
    const me = await account(server);
    const { team } = await me.get("/auth/users/me/");
    const mine = async () => (await boss.all("/admin/jobs/failing/?limit=1")).filter((one) => one.team === team);
    await me.table("words", "w\n1\n", [{ column_name: "w", column_type: "text" }]);
    await me.view("bad", "SELECT CAST(w AS INTEGER) AS n FROM words");
    await me.view("fine", "SELECT w FROM words");
    const { id } = await me.job("bad", "1 seconds");
    const { id: second } = await me.job("bad", "1 seconds", { timezone: "Europe/Berlin" });
    const { id: good } = await me.job("fine", "1 seconds");
    await until(async () => (await me.get(`/jobs/${good}/`)).last_outcome, "a run");
    assert.deepEqual(await mine(), []);
    await me.post("/tables/words/rows/", { rows: [{ w: "no number" }] });
    const failing = await until(async () => {
        const list = await mine();
        return list.length === 2 && list.every(({ failures }) => failures >= 2) && list;
    }, "two failures in a row");
    assert.deepEqual(
        failing.map(({ job_id }) => job_id),
        [id, second],
    );
    const [one] = failing;
    assert.equal(one.view_name, "bad");
    assert.equal(one.crontab_def, "1 seconds");
    assert.equal(one.timezone, "UTC");
    assert.equal(failing[1].timezone, "Europe/Berlin");
    assert.equal(one.active, true);
    assert.match(one.last_error, /no number/);
    assert.ok(one.failing_since < one.last_run);
    const runs = (await me.all(`/jobs/${id}/runs/`)).filter(({ outcome }) => outcome === "failed");
    assert.equal(runs.at(-1).started, one.failing_since, "the first of them");
    await me.patch(`/jobs/${second}/`, { active: false });
    await me.post("/tables/words/replace/", { rows: [{ w: "2" }] }, 200);
    await until(async () => (await mine()).length === 1, "the job that goes on to work again");
    assert.equal((await mine())[0].active, false);
    await me.del(`/jobs/${second}/`);
    assert.deepEqual(await mine(), []);
    assert.ok((await boss.call("GET", "/admin/jobs/failing/?after=x")).status === 422);
});

test("the last lines of the log, newest last, without what is secret", async () => {
    const boss = await superuser(server);
    const me = await account(server);
    const { ticket } = await me.post("/events/tickets/");
    const reply = await me.call("GET", "/tables/?limit=7");
    const id = reply.headers.get("x-request-id");
    const { data, links } = await boss.get("/admin/log/");
    assert.deepEqual(links, { next: null, prev: null });
    assert.ok(data.length <= 200);
    data.slice(1).forEach((line, i) => assert.equal(line.n, data[i].n + 1));
    const line = data.find(({ fields }) => fields.id === id);
    const { id: account_id } = await me.get("/auth/users/me/");
    assert.equal(line.message, "GET /tables 200");
    assert.equal(line.level, "info");
    assert.equal(line.area, "http");
    assert.equal(line.fields.account, account_id);
    assert.equal(line.fields.from, "127.0.0.1");
    assert.ok(Math.abs(Date.parse(line.at) - Date.now()) < 60_000);
    assert.ok(server.log.includes(id), "and it is in the log");
    for (const secret of [PASSWORD, me.access, me.refresh, ticket])
        assert.ok(!JSON.stringify(data).includes(secret));
    const few = (await boss.get("/admin/log/?limit=3")).data;
    assert.equal(few.length, 3);
    assert.ok(few[2].n > line.n);
    for (const limit of ["0", "-1", "501", "x"])
        assert.equal((await boss.call("GET", `/admin/log/?limit=${limit}`)).status, 422);
    for (let i = 0; i < 600; i += 50)
        await Promise.all(Array.from({ length: 50 }, () => call(server, "GET", "/health")));
    const full = (await boss.get("/admin/log/?limit=500")).data;
    assert.equal(full.length, 500);
    full.slice(1).forEach((one, i) => assert.equal(one.n, full[i].n + 1));
});

test("the present, live: a status at once and after each change, and each line of the log", async (t) => {
    const boss = await superuser(server);
    const me = await account(server);
    const { team } = await me.get("/auth/users/me/");
    const live = await listen(t, `${server.url}/admin/listen/`, { token: boss.access });
    const first = await live.next("status");
    assert.deepEqual(Object.keys(first.data), ["processes", "server", "queries"]);
    assert.equal(first.data.server.pid, server.pid);
    assert.ok(first.data.server.streams >= 1);

    const reply = await me.call("GET", "/jobs/");
    const told = await live.next("log", ({ data }) => data.fields.id === reply.headers.get("x-request-id"));
    assert.equal(told.data.message, "GET /jobs 200");
    const same = await find(boss, "/admin/log/", ({ n }) => n === told.data.n);
    assert.deepEqual(told.data, same, "the same as the list has it");

    const asked = me.call("POST", "/queries/", { json: { sql: LONG } });
    const at = await live.next("status", ({ data }) => data.queries.some((one) => one.team === team && !one.waiting));
    const query = at.data.queries.find((one) => one.team === team);
    assert.equal(query.sql, LONG);
    assert.ok(at.data.processes.some((one) => one.team === team && one.calls === 1));
    await boss.del(`/admin/queries/${query.id}/`);
    await live.next("status", ({ data }) => !data.queries.some((one) => one.team === team));
    assert.equal((await asked).status, 409);
    assert.ok(!live.events.some((event) => "id" in event), "there is nothing to resume");
    const numbers = live.messages("log").map(({ data }) => data.n);
    numbers.slice(1).forEach((n, i) => assert.equal(n, numbers[i] + 1));
});

test("each listener gets its own status at opening, and they share the rest", async (t) => {
    const boss = await superuser(server);
    const all = [];
    for (let i = 0; i < 5; i++)
        all.push(await listen(t, `${server.streamUrl}/admin/listen/`, { token: boss.access }));
    for (const live of all) await live.next("status");
    const reply = await boss.call("GET", "/tables/");
    for (const live of all)
        await live.next("log", ({ data }) => data.fields.id === reply.headers.get("x-request-id"));
    await all[0].next("status", ({ data }) => data.server.streams >= 5);
});

test("it ends with the session, and with the account", async (t) => {
    const boss = await superuser(server);
    const open = () => listen(t, `${server.url}/admin/listen/`, { token: boss.access });
    const first = await open();
    await boss.del(`/auth/sessions/${decodeJwt(boss.access).sid}/`);
    await first.closed();
    await boss.signIn();
    const second = await open();
    const other = await superuser(server);
    const { id } = await boss.get("/auth/users/me/");
    await other.patch(`/admin/accounts/${id}/`, { is_active: false });
    await second.closed();
});

test("a ticket opens it once, for a superuser only", async (t) => {
    const boss = await superuser(server);
    const me = await account(server);
    const { ticket, expires_at } = await boss.post("/admin/tickets/");
    assert.ok(Date.parse(expires_at) > Date.now());
    const open = (given, status) => listen(t, `${server.url}/admin/listen/?ticket=${given}`, { status });
    const live = await open(ticket, 200);
    await live.next("status");
    await open(ticket, 401);
    await open((await boss.post("/events/tickets/")).ticket, 401);
    await open((await me.post("/events/tickets/")).ticket, 401);
    await listen(t, `${server.url}/events/listen/?ticket=${(await boss.post("/admin/tickets/")).ticket}`, {
        status: 401,
    });
    await listen(t, `${server.url}/admin/listen/`, { token: me.access, status: 403 });
    assert.equal((await boss.call("POST", "/admin/tickets/", { json: { path: "/" } })).status, 422);
});

/** The thread that looks: {id, switches}, or nothing. */
function watcher() {
    const tasks = `/proc/${server.pid}/task`;
    const id = readdirSync(tasks).find((task) => readFileSync(`${tasks}/${task}/comm`, "utf8").trim() === "watch");
    if (!id) return undefined;
    const status = readFileSync(`${tasks}/${id}/status`, "utf8");
    return { id, switches: Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)[1]) };
}

test("nothing looks while nobody listens", async (t) => {
    const boss = await superuser(server);
    const live = await listen(t, `${server.url}/admin/listen/`, { token: boss.access });
    await live.next("status");
    const looking = watcher();
    await until(() => watcher().switches > looking.switches + 2, "the watch to look");
    await live.close();
    await until(async () => (await boss.get("/admin/processes/")).server.streams === 0, "the stream to close");
    // asleep: what does not happen can only be waited for
    let asleep = watcher();
    await until(async () => {
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        const now = watcher();
        const still = now.switches === asleep.switches;
        asleep = now;
        return still;
    }, "the watch to sleep");
    assert.equal(asleep.id, looking.id);
    await call(server, "GET", "/health");
    assert.equal(watcher().switches, asleep.switches, "a line of the log does not wake it");
});

test("the server stops in order under listeners", async (t) => {
    const boss = await superuser(server);
    const live = await listen(t, `${server.url}/admin/listen/`, { token: boss.access });
    await live.next("status");
    await server.stop();
    await live.closed();
    assert.match(live.text, /retry: \d+/);
    await server.start();
    const back = await listen(t, `${server.url}/admin/listen/`, { token: boss.access });
    const { data } = await back.next("status");
    assert.equal(data.server.pid, server.pid);
});
