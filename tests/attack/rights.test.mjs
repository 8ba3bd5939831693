// Everyone's rights, generated from the route table: every route with every token that is not good, and every id, name, query and
// cursor of another team. Nothing opens, nothing tells what exists, and nothing of the victim changes.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import path from "node:path";
import { after, before } from "node:test";
import { root, Server, slow, test, until } from "../api/harness.mjs";
import { account, call, expect, superuser, uploadForm } from "../api/client.mjs";
import { listen } from "../api/sse.mjs";
import { common, guarded, open, operations, reserved, UNKNOWN } from "./described.mjs";
import { forgeries, handmade, misplaced } from "./forgeries.mjs";
import { dump, peek, store, vault } from "./vault.mjs";

const KEY = "a key for the tests of rights, which has more than thirty-two bytes";
const server = new Server({ env: { SECRET_KEY: KEY, ACCESS_TOKEN_SECONDS: "3600", LOG_LEVEL: "warning" } });
const MARK = "topsecret-4f1d";

let all, victim, thief;
before(
    async () => {
        await server.start();
        all = await operations(server);
        victim = await vault(server, "victim", MARK);
        thief = await vault(server, "thief", "mine");
    },
    { timeout: 60_000 * slow },
);
after(() => server.end(), { timeout: 60_000 * slow });

const told = (...pairs) => process.stdout.write(`rights | ${pairs.join(" | ")}\n`);
const auth = (token) => ({ authorization: `JWT ${token}` });

/** What of an answer must be the same, whichever id was asked for. */
function shown(reply, id) {
    const { request_id, ...body } = reply.body ?? {};
    const text = JSON.stringify(body).replaceAll(String(id), "<id>").replaceAll(encodeURIComponent(id), "<id>");
    const headers = [...reply.headers.keys()].filter((name) => name !== "content-length").sort();
    return { status: reply.status, text, headers };
}

/** Runs `attempts`, some at a time, and checks that the victim's team is then as it was. */
async function unharmed(attempts) {
    const was = await dump(server, victim, all);
    const queue = [...attempts];
    const runner = async () => {
        for (let attempt; (attempt = queue.shift());) await attempt();
    };
    await Promise.all(Array.from({ length: 8 }, runner));
    assert.deepEqual(await dump(server, victim, all), was);
    return attempts.length;
}

/** Each guarded route with all of its bodies, aimed at the things of a stage. */
function shots(stage) {
    return guarded(all).flatMap((one) => one.bodies(stage).map((body) => ({ one, path: one.path(stage), body })));
}

test("every route of the source is in the document, with its right", async () => {
    const files = readdirSync(path.join(root, "src"), { recursive: true }).filter((name) => name.endsWith(".c"));
    const found = new Set();
    for (const file of files) {
        const text = readFileSync(path.join(root, "src", String(file)), "utf8");
        const tables = [...text.matchAll(/^(?:static )?const struct route \w+\[\] = \{\n(.*?)^\};/gms)];
        const rows = tables.flatMap(([, rows]) => [...rows.matchAll(/"(\/[a-z][^"]*)"/g)].map(([, path]) => path));
        // a table that is built in another way would be missed here: teach this test about it
        const mentions = text.match(/\bstruct route \w+\[\]/g)?.length ?? 0;
        assert.equal(mentions > 0, tables.length > 0, `the routes of ${file}`);
        rows.forEach((path) => found.add(path));
    }
    const described = new Set(all.map(({ template }) => template));
    assert.deepEqual([...found].filter((path) => !described.has(path)).sort(), []);
    assert.deepEqual([...described].filter((path) => !found.has(path)).sort(), []);
    const rights = ["anyone", "member", "listener", "superuser", "superuser_listener"];
    for (const { name, right } of all) assert.ok(rights.includes(right), name);
    // what needs no token is listed here on purpose: a route that loses its right fails
    assert.deepEqual(
        open(all)
            .map(({ name }) => name)
            .sort(),
        [
            "GET /health",
            "GET /ready",
            "OPTIONS /uploads",
            "POST /auth/tokens/blacklist",
            "POST /auth/tokens/obtain",
            "POST /auth/tokens/refresh",
            "POST /auth/users/register",
        ],
    );
    for (const one of all) {
        assert.equal(/listener$/.test(one.right), one.stream, one.name);
        assert.equal(/^superuser/.test(one.right), one.template.startsWith("/admin/"), one.name);
    }
    told(
        `routes ${all.length}`,
        `members' ${common(all).length}`,
        `superusers' ${reserved(all).length}`,
        `open ${open(all).length}`,
    );
});

/** The id of a query that does not end by itself. */
async function lingering(boss) {
    const sql = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1";
    boss.call("POST", "/queries/", { json: { sql } }).then(({ status }) => assert.equal(status, 409));
    const under = async () => (await boss.get("/admin/queries/")).data.find((one) => one.sql === sql);
    return (await until(under, "the query")).id;
}

/** The id of a load that waits for another one. */
async function waiting(me) {
    const later = async (table_name, file) =>
        (
            await me.call("POST", "/tables/", {
                form: uploadForm({ table_name, file }),
                headers: { prefer: "respond-async" },
            })
        ).body.id;
    await later("long", `n\n${"123456789\n".repeat(3_000_000)}`);
    return later("short", "n\n1\n");
}

test("each route takes a good token, and the good request that the attacks use", async (t) => {
    const me = await vault(server, "control", "control", await superuser(server));
    // what is deleted takes along what depends on it; a new password ends the session
    const last = ["DELETE /channels/{id}", "DELETE /jobs/{id}", "DELETE /views/{name}", "DELETE /tables/{name}"];
    last.push("DELETE /auth/sessions", "POST /auth/users/me/password");
    const rank = ({ kind }) => last.indexOf(kind);
    for (const one of guarded(all).sort((a, b) => rank(a) - rank(b))) {
        if (one.kind === "DELETE /loads/{id}") me.load = await waiting(me);
        if (one.thing === "query") me.query = await lingering(me);
        if (last.at(-1) === one.kind) await me.signIn();
        if (one.stream) {
            await listen(t, server.url + one.path(me), { token: me.access });
            continue;
        }
        const query =
            /\/(tables|views)\/\{name\}$/.test(one.template) && one.method === "DELETE" ? "?cascade=true" : "";
        for (const body of one.bodies(me)) {
            const reply = await me.call(one.method, one.path(me) + query, body);
            assert.ok(reply.status < 300, `${one.name}: ${reply.status} ${JSON.stringify(reply.body)}`);
        }
    }
});

test("no route takes a token that is not good", async () => {
    const ended = await account(server);
    expect(
        await call(server, "POST", "/auth/tokens/blacklist/", { json: { refresh: ended.refresh } }),
        205,
        "blacklist",
    );
    const gone = await account(server);
    await store(
        server,
        `DELETE FROM tickets; DELETE FROM sessions WHERE account = (SELECT id FROM accounts WHERE primary_email = '${gone.email}')`,
    );
    const barred = await account(server);
    await store(server, `UPDATE accounts SET is_active = 0 WHERE primary_email = '${barred.email}'`);
    const forged = (await forgeries(victim.access, KEY)).map(([what, token]) => [what, { headers: auth(token) }]);
    const wrong = [
        ...forged,
        ...misplaced(victim.access, victim.refresh),
        ["a session that has ended", { headers: auth(ended.access) }],
        ["a session that is no more", { headers: auth(gone.access) }],
        ["an account that is not active", { headers: auth(barred.access) }],
    ];
    const kinds = {};
    const n = await unharmed(
        shots(victim).flatMap(({ one, path, body }) =>
            wrong.map(([what, { headers, query }]) => async () => {
                const target = query ? `${path}${path.includes("?") ? "&" : "?"}${query}` : path;
                const reply = await call(server, one.method, target, {
                    ...body,
                    headers: { ...body.headers, ...headers },
                });
                const sent = JSON.stringify(headers ?? query ?? "").slice(0, 300);
                assert.equal(reply.status, 401, `${one.name} with ${what} ${sent}: ${reply.status}`);
                assert.match(reply.headers.get("www-authenticate"), /^JWT\b/);
                assert.ok(!reply.bytes.includes(MARK), one.name);
                kinds[reply.body.code] = (kinds[reply.body.code] ?? 0) + 1;
            }),
        ),
    );
    assert.deepEqual(Object.keys(kinds).sort(), [
        "bad_authorization_header",
        "not_authenticated",
        "session_ended",
        "ticket_not_valid",
        "token_not_valid",
        "user_inactive",
    ]);
    told(`tokens ${wrong.length}`, `requests ${n}`, `opened 0`, `changed 0`);
});

test("routes for anyone don't look at a token", async () => {
    const forged = await forgeries(victim.access, KEY);
    for (const one of open(all).filter(({ method }) => method === "GET")) {
        for (const [what, token] of forged.slice(0, 20)) {
            const reply = await call(server, one.method, one.path({}), { headers: auth(token) });
            assert.equal(reply.status, 200, `${one.name} with ${what}`);
        }
    }
    // and their answers are the same without anything about who asks
    const reply = await call(server, "POST", "/auth/tokens/refresh/", { json: {}, headers: auth(victim.access) });
    assert.equal(reply.status, 422);
});

test("a refresh token that is not good neither goes on nor ends a session", async () => {
    const wrong = [["an access token", victim.access], ...(await forgeries(victim.refresh, KEY))];
    const n = await unharmed(
        ["refresh", "blacklist"].flatMap((route) =>
            wrong.map(([what, refresh]) => async () => {
                const reply = await call(server, "POST", `/auth/tokens/${route}/`, { json: { refresh } });
                assert.ok([401, 422].includes(reply.status), `${route} with ${what}: ${reply.status}`);
            }),
        ),
    );
    expect(await victim.call("GET", "/auth/users/me/"), 200, "me");
    const reply = await call(server, "POST", "/auth/tokens/refresh/", { json: { refresh: victim.refresh } });
    Object.assign(victim, expect(reply, 200, "refresh"));
    told(`refresh tokens ${wrong.length}`, `requests ${n}`, `opened 0`);
});

/** The status of a request whose path goes out as it is written here. */
function raw(method, path, headers = {}) {
    return new Promise((resolve, reject) => {
        const asked = http.request({ host: "127.0.0.1", port: server.port, method, path, headers }, (answer) => {
            answer.resume();
            answer.once("end", () => resolve(answer.statusCode));
        });
        asked.once("error", reject);
        asked.end();
    });
}

test("no way around: other spellings of a path, method overrides, HEAD, HTTP/2", async () => {
    const overrides = ["x-http-method-override", "x-http-method", "x-method-override"];
    const detours = guarded(all).flatMap((one) => {
        const path = one.path(victim);
        const [, first, ...rest] = path.split("/");
        const tail = rest.length ? `/${rest.join("/")}` : "";
        return [
            `//${first}${tail}`,
            `/./${first}${tail}`,
            `/health/../${first}${tail}`,
            `/health/%2e%2e/${first}${tail}`,
            `/health%2f..%2f${first}${tail}`,
            `/${first.toUpperCase()}${tail}`,
            `/%${first.charCodeAt(0).toString(16)}${first.slice(1)}${tail}`,
            `/${first}%20${tail}`,
            `/${first};x=1${tail}`,
            `/${first}%00${tail}`,
            `/docs/${first}${tail}`,
        ].map((detour) => [one, detour]);
    });
    await unharmed([
        ...detours.map(([one, detour]) => async () => {
            const status = await raw(one.method, detour);
            assert.ok([400, 401, 404, 405].includes(status), `${one.method} ${detour}: ${status}`);
            if (!one.thing && !reserved([one]).length) return;
            const theirs = await raw(one.method, detour, auth(thief.access));
            const refused = reserved([one]).length ? [400, 403, 404, 405] : [400, 404, 405, 415, 422];
            assert.ok(refused.includes(theirs), `${one.method} ${detour} by the thief: ${theirs}`);
        }),
        ...guarded(all)
            .filter(({ method }) => method === "GET")
            .map((one) => async () => {
                const reply = await call(server, "HEAD", one.path(victim));
                assert.equal(reply.status, 401, `HEAD ${one.template}`);
                for (const name of overrides) {
                    const headers = { ...auth(victim.access), [name]: "DELETE" };
                    if (!one.stream) await call(server, one.method, one.path(victim), { headers });
                }
            }),
        ...["x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-forwarded-path"].map((name) => async () => {
            const reply = await call(server, "GET", "/health", { headers: { [name]: `/tables/${victim.table}/` } });
            assert.deepEqual(reply.body, { status: "ok" });
        }),
    ]);
    const session = http2.connect(server.url);
    const ask = (method, target, headers = {}) =>
        new Promise((resolve, reject) => {
            const stream = session.request({ ":method": method, ":path": target, ...headers }, { endStream: true });
            stream.once("response", (head) => resolve(head[":status"]));
            stream.once("error", reject);
            stream.resume();
        });
    try {
        for (const one of guarded(all)) {
            assert.equal(await ask(one.method, one.path(victim)), 401, `HTTP/2 ${one.name}`);
            assert.equal(await ask(one.method, one.path(victim), auth(`${victim.access}A`)), 401, `HTTP/2 ${one.name}`);
            const refused = reserved([one]).length ? 403 : one.thing && !one.fields.length ? 404 : undefined;
            if (refused)
                assert.equal(
                    await ask(one.method, one.path(victim), auth(thief.access)),
                    refused,
                    `HTTP/2 ${one.name}`,
                );
        }
    } finally {
        session.close();
    }
    told(`detours ${detours.length}`, `opened 0`, `changed 0`);
});

test("what is a superuser's is nobody else's, whatever is asked and however", async () => {
    assert.ok(reserved(all).length >= 10, `${reserved(all).length} routes`);
    const boss = await superuser(server);
    const attempts = reserved(all).flatMap((one) =>
        one.bodies(victim).flatMap((body) =>
            [victim, boss, UNKNOWN].flatMap((stage) => {
                const whose = { ...UNKNOWN, ...stage };
                return [server.url, server.streamUrl].flatMap((base) =>
                    ["", "/"].map((slash) => async () => {
                        const reply = await thief.call(one.method, `${base}${one.path(whose)}${slash}`, body);
                        assert.equal(reply.status, 403, `${one.name}: ${JSON.stringify(reply.body)}`);
                        assert.equal(reply.body.code, "forbidden");
                        assert.ok(!reply.bytes.includes(MARK), one.name);
                        if (one.method !== "GET") return;
                        const head = await thief.call("HEAD", `${base}${one.path(whose)}${slash}`);
                        assert.equal(head.status, 403, `HEAD ${one.name}`);
                    }),
                );
            }),
        ),
    );
    const ticket = await ticketOf(thief);
    attempts.push(async () => {
        const reply = await knock("/admin/listen/", ticket);
        assert.equal(reply.status, 401, "with a member's ticket");
    });
    const n = await unharmed(attempts);
    expect(await boss.call("GET", "/admin/accounts/"), 200, "the superuser");
    told(`superusers' routes ${reserved(all).length}`, `requests ${n}`, `opened 0`, `changed 0`);
});

test("a superuser has no way into another team's things but those", async () => {
    const boss = await superuser(server);
    await unharmed(
        common(all)
            .filter(({ thing }) => thing)
            .flatMap((one) =>
                one.bodies(victim).map((body) => async () => {
                    const reply = await boss.call(one.method, one.path(victim), body);
                    assert.equal(reply.status, 404, one.name);
                }),
            ),
    );
    for (const one of reserved(all).filter(({ method, stream }) => method === "GET" && !stream)) {
        const reply = await boss.call("GET", one.path(victim));
        assert.equal(reply.status, 200, one.name);
        assert.ok(!reply.bytes.includes(MARK), `${one.name} shows what is in a table`);
    }
});

test("another team's id is as unknown as one that nobody has", async () => {
    const aimed = common(all).filter(({ thing }) => thing);
    assert.ok(aimed.length > 15, `${aimed.length} routes with an id`);
    const attempts = aimed.flatMap((one) =>
        one.bodies(victim).flatMap((body) =>
            [server.url, server.streamUrl].flatMap((base) =>
                ["", "/"].map((slash) => async () => {
                    const at = async (stage) => {
                        const [path, query] = one.path(stage).split("?");
                        const target = `${base}${path}${slash}${query ? `?${query}` : ""}`;
                        return shown(await thief.call(one.method, target, body), stage[one.thing]);
                    };
                    const theirs = await at(victim);
                    assert.equal(theirs.status, 404, `${one.name}: ${theirs.text}`);
                    assert.equal(JSON.parse(theirs.text).code, "not_found", one.name);
                    assert.deepEqual(theirs, await at(UNKNOWN), one.name);
                }),
            ),
        ),
    );
    const n = await unharmed(attempts);
    // and with the thief's own id in the place of the name: what is asked for is not mixed up
    told(`routes with an id ${aimed.length}`, `requests ${2 * n}`, `told apart 0`, `changed 0`);
});

test("with ?cascade and as another kind, another team's id is unknown as well", async () => {
    await unharmed(
        [
            ["DELETE", `/tables/${victim.table}/?cascade=true`],
            ["DELETE", `/views/${victim.view}/?cascade=true`],
            ["DELETE", `/tables/${victim.view}/?cascade=true`],
            ["DELETE", `/views/${victim.table}/?cascade=true`],
            ["GET", `/tables/${victim.table.toUpperCase()}/`],
            ["GET", `/tables/${victim.team}.${victim.table}/`],
            ["GET", `/tables/${victim.team}%2f${victim.table}/`],
            ["GET", `/tables/${victim.table}/?team=${victim.team}`],
            ["GET", `/channels/${victim.channel.toUpperCase()}/`],
            ["GET", `/jobs/0${victim.job}/`],
            ["GET", `/jobs/+${victim.job}/`],
            ["GET", `/jobs/-1/`],
            ["GET", `/jobs/${victim.job}.0/`],
            ["GET", `/loads/${victim.channel}/`],
            ["GET", `/channels/${victim.load}/`],
        ].map(([method, target]) => async () => {
            const reply = await thief.call(method, target);
            assert.ok([404, 422].includes(reply.status), `${method} ${target}: ${reply.status}`);
            assert.ok(!reply.bytes.includes(MARK), target);
        }),
    );
});

/**
 * What a field or a query's parameter may name: something of the team ("one" of them or a "list"), the name of something new, SQL, a
 * cursor, a position in a log; or nothing.
 */
const MEANINGS = {
    table_name: "new",
    view_name: { "POST /views": "new", "POST /jobs": "view" },
    job_id: "job",
    job_ids: "jobs",
    upload: "upload",
    sql_query: "sql",
    sql: "sql",
    after: "cursor",
    before: "cursor",
    cursor: "cursor",
    lastEventId: "position",
    ticket: "ticket",
    ...Object.fromEntries(
        "primary_email password full_name current_password new_password refresh file columns rows limit crontab_def timezone notify active include cascade type others is_active cut offset sort filter count state chart upto signals"
            .split(" ")
            .map((name) => [name, "nothing"]),
    ),
};

function meaning(one, name) {
    const found = MEANINGS[name];
    const means = typeof found === "object" ? found[one.kind] : found;
    assert.ok(means, `${one.name}: say in rights.test.mjs what "${name}" may name`);
    return means;
}

test("ids of another team in bodies are as unknown as others", async () => {
    const theirs = {
        view: [victim.view],
        upload: [victim.upload],
        job: [victim.job, String(victim.job)],
        jobs: [[victim.job], [thief.job, victim.job], [String(victim.job)]],
    };
    const nobody = {
        view: [UNKNOWN.view],
        upload: [UNKNOWN.upload],
        job: [UNKNOWN.job, String(UNKNOWN.job)],
        jobs: [[UNKNOWN.job], [thief.job, UNKNOWN.job], [String(UNKNOWN.job)]],
    };
    assert.ok(victim.job > thief.job + 1, "the victim's job has a number that the thief has not");
    const attempts = [];
    for (const one of guarded(all)) {
        for (const name of one.fields) {
            const means = meaning(one, name);
            if (!(means in theirs)) continue;
            theirs[means].forEach((value, i) =>
                attempts.push(async () => {
                    const { json } = one.body(thief);
                    if (means === "jobs") delete json.job_id;
                    if (means === "upload") delete json.rows;
                    const ask = (given) =>
                        thief.call(one.method, one.path(thief), { json: { ...json, [name]: given } });
                    const reply = await ask(value);
                    assert.equal(reply.status, 422, `${one.name} with ${name} ${value}: ${JSON.stringify(reply.body)}`);
                    const id = [value].flat().at(-1);
                    const other = [nobody[means][i]].flat().at(-1);
                    assert.deepEqual(shown(reply, id), shown(await ask(nobody[means][i]), other), one.name);
                }),
            );
        }
    }
    assert.ok(attempts.length >= 12, `${attempts.length} attempts`);
    told(`ids in bodies ${await unharmed(attempts)}`, `opened 0`, `changed 0`);
});

test("SQL reaches nothing of another team", async () => {
    const folder = path.join(server.dataDir, "teams", victim.team);
    const file = readdirSync(folder).find((name) => /\.(duckdb|db)$/.test(name)) ?? "tables.duckdb";
    const reach = (table) => [
        `SELECT * FROM ${table}`,
        `SELECT * FROM "${table}"`,
        `SELECT * FROM main.${table}`,
        `SELECT * FROM "${victim.team}".${table}`,
        `SELECT * FROM "${victim.team}".main.${table}`,
        `SELECT * FROM (SELECT * FROM ${table}) x`,
        `WITH x AS (SELECT secret FROM ${table}) SELECT * FROM x`,
        `SELECT (SELECT max(secret) FROM ${table}) AS s`,
        `SELECT 1 AS one WHERE EXISTS (SELECT * FROM ${table})`,
        `TABLE ${table}`,
    ];
    const files = [
        `SELECT * FROM read_csv('${folder}/${file}')`,
        `SELECT * FROM read_blob('${folder}/${file}')`,
        `SELECT * FROM '${folder}/${file}'`,
        `SELECT * FROM glob('${server.dataDir}/**')`,
        `SELECT * FROM read_text('${server.dataDir}/secret.key')`,
        `ATTACH '${folder}/${file}' AS v`,
        `SELECT * FROM sqlite_scan('${server.dataDir}/store.db', 'accounts')`,
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM duckdb_tables()",
        "SELECT * FROM duckdb_databases()",
    ];
    const attempts = [];
    for (const one of guarded(all)) {
        for (const name of one.fields.filter((field) => meaning(one, field) === "sql")) {
            const ask = (sql) =>
                thief.call(one.method, one.path(thief), { json: { ...one.body(thief).json, [name]: sql } });
            reach(victim.table).forEach((sql, i) =>
                attempts.push(async () => {
                    const reply = await ask(sql);
                    assert.equal(reply.status, 422, `${one.name}: ${sql}: ${JSON.stringify(reply.body)}`);
                    const other = await ask(reach(UNKNOWN.table)[i]);
                    const plain = (answer) => shown(answer, answer === reply ? victim.table : UNKNOWN.table);
                    assert.deepEqual(plain(reply), plain(other), sql);
                }),
            );
            for (const sql of files)
                attempts.push(async () => {
                    const reply = await ask(sql);
                    assert.equal(reply.status, 422, `${one.name}: ${sql}: ${JSON.stringify(reply.body)}`);
                    assert.ok(!reply.bytes.includes(MARK), sql);
                });
        }
    }
    assert.ok(attempts.length >= 60, `${attempts.length} statements`);
    told(`statements ${await unharmed(attempts)}`, `opened 0`, `changed 0`);
});

test("a name that another team uses is free, and is the own thing", async () => {
    const me = await account(server);
    await unharmed([
        async () => {
            await me.post("/tables/", { table_name: victim.table, rows: [{ id: 1, secret: "own" }] });
            await me.upload("/tables/", { table_name: `${victim.name}_other`, file: "id,secret\n2,own\n" });
            await me.view(victim.view, `SELECT * FROM ${victim.table}`);
            await me.post(`/tables/${victim.table}/fork/`, { table_name: `${victim.name}_above` });
            const { id } = await me.job(victim.view);
            assert.equal(id, 1, "jobs are numbered by team");
            await me.channel({ job_id: id });
            assert.deepEqual(await me.rows(victim.view, "views"), [{ id: 1, secret: "own" }]);
            await me.post(`/tables/${victim.table}/replace/`, { rows: [{ id: 3, secret: "other" }] }, 200);
            await me.refresh_view(victim.view);
            await me.del(`/tables/${victim.table}/?cascade=true`);
        },
    ]);
    const text = JSON.stringify(await me.all("/events/"));
    assert.ok(!text.includes(MARK) && !text.includes(victim.team));
});

test("cursors of another team lead nowhere but into one's own things", async () => {
    const lists = common(all).filter(({ query }) => query.some(({ name }) => MEANINGS[name] === "cursor"));
    for (const one of guarded(all)) one.query.forEach(({ name }) => meaning(one, name));
    assert.ok(lists.length >= 8, `${lists.length} lists`);
    const cursors = new Set([victim.load, victim.channel, victim.table, victim.job, victim.team, "0", "1", "250"]);
    for (const one of lists) {
        const path = one.path(victim);
        const { links } = await victim.get(`${path}${path.includes("?") ? "&" : "?"}limit=1`);
        for (const link of [links.next, links.prev].filter(Boolean)) {
            const query = new URL(link, server.url).searchParams;
            for (const [name, value] of query) if (name !== "limit") cursors.add(value);
        }
    }
    assert.ok(cursors.size > 12, [...cursors].join(" "));
    const attempts = lists.flatMap((one) =>
        one.query
            .filter(({ name }) => MEANINGS[name] === "cursor")
            .flatMap(({ name }) =>
                [...cursors].map((cursor) => async () => {
                    const path = one.path(thief).replace(/\?.*/, name === "cursor" ? "?after=0&" : "?");
                    const target = `${path}${path.includes("?") ? "" : "?"}${name}=${encodeURIComponent(cursor)}`;
                    const reply = await thief.call("GET", target);
                    assert.ok([200, 400, 410, 422].includes(reply.status), `${target}: ${reply.status}`);
                    for (const foreign of [MARK, victim.team, victim.channel, "victim_"])
                        assert.ok(
                            !JSON.stringify(reply.body.data ?? []).includes(foreign),
                            `${target} shows ${foreign}`,
                        );
                }),
            ),
    );
    told(`cursors ${cursors.size}`, `requests ${await unharmed(attempts)}`, `shown 0`);
});

test("positions of another team's streams say nothing on one's own", async () => {
    const events = await victim.all("/events/");
    const positions = [
        `${victim.channel}:${events.at(-1).n}`,
        `${victim.channel}:1`,
        String(events.at(-1).n),
        "1",
        "0",
    ];
    const streams = common(all).filter(({ stream }) => stream);
    assert.ok(streams.length >= 2);
    const attempts = streams.flatMap((one) =>
        positions.flatMap((position) =>
            [{ lastEventId: position }, { query: position }].map((way) => async () => {
                const target = (stage) =>
                    `${server.streamUrl}${one.path(stage)}${way.query ? `?lastEventId=${encodeURIComponent(way.query)}` : ""}`;
                const options = { token: thief.access, lastEventId: way.lastEventId };
                const own = await peek(
                    target(thief),
                    options,
                    (text) => /event: (?!stream-open)/.test(text) || text.length > 2_000,
                );
                assert.equal(own.status, 200, `${one.name} from ${position}`);
                for (const foreign of [MARK, victim.team, "victim_"])
                    assert.ok(!own.text.includes(foreign), `${one.name} from ${position}`);
                if (one.thing && position.startsWith(victim.channel)) assert.match(own.text, /event: stream-error/);
                if (!one.thing) return;
                const [theirs, nobodys] = [await peek(target(victim), options), await peek(target(UNKNOWN), options)];
                assert.equal(theirs.status, 404);
                delete theirs.body.request_id;
                delete nobodys.body.request_id;
                assert.deepEqual(theirs.body, nobodys.body);
            }),
        ),
    );
    told(`positions ${await unharmed(attempts)}`, `shown 0`);
});

test("a stream shows its own team's events while the others' go on", async (t) => {
    const log = await thief.listenLog(t);
    const own = await thief.listen(t, thief.channel);
    await victim.post(`/tables/${victim.name}_other/rows/`, { rows: [{ SomeNumber: 1, SomeString: MARK }] });
    await victim.refresh_view(`${victim.name}_above`);
    await thief.post(`/tables/${thief.table}/rows/`, { rows: [{ id: 9, secret: "mine" }] });
    await thief.patch(`/jobs/${thief.job}/`, { crontab_def: "1 seconds" });
    await own.next();
    await thief.patch(`/jobs/${thief.job}/`, { crontab_def: "0 0 1 1 *" });
    await log.next("message", ({ data }) => data.type === "job.updated");
    for (const { text } of [log, own]) assert.ok(!text.includes(MARK) && !text.includes("victim_"));
});

const ticketOf = async (me, channel) =>
    (await me.post(channel ? `/channels/${channel}/tickets/` : "/events/tickets/", undefined)).ticket;
const listenPath = (channel) => (channel ? `/channels/${channel}/listen/` : "/events/listen/");

async function knock(target, ticket, options = {}) {
    return peek(`${server.streamUrl}${target}?ticket=${ticket}`, options, (text) => text.includes("stream-open"));
}

test("a ticket opens one stream, once, where it is for", async () => {
    const [other] = (await thief.get("/channels/")).data.filter((one) => one.public_identifier !== thief.channel);
    const places = [thief.channel, other.public_identifier, undefined];
    let refused = 0;
    for (const place of places) {
        const ticket = await ticketOf(thief, place);
        for (const wrong of [...places.filter((one) => one !== place), victim.channel, UNKNOWN.channel]) {
            const reply = await knock(listenPath(wrong), ticket);
            assert.equal(reply.status, 401, `a ticket for ${place} at ${wrong}`);
            assert.equal(reply.body.code, "ticket_not_valid");
            refused++;
        }
        // none of these has used it up; of ten at once one gets in
        const replies = await Promise.all(Array.from({ length: 10 }, () => knock(listenPath(place), ticket)));
        assert.equal(replies.filter(({ status }) => status === 200).length, 1, `a ticket for ${place}`);
        refused += replies.filter(({ status }) => status === 401).length;
        assert.equal((await knock(listenPath(place), ticket)).status, 401);
        assert.equal((await knock(listenPath(place), await ticketOf(thief, place))).status, 200);
    }
    assert.equal(refused, 3 * (4 + 9));
    told(`tickets refused ${refused}`, `opened twice 0`);
});

test("a ticket is for listening: no other route takes it, in any place", async () => {
    const ticket = await ticketOf(thief, thief.channel);
    await unharmed(
        shots(thief)
            .filter(({ one }) => !one.stream)
            .flatMap(({ one, path, body }) =>
                [{ query: `ticket=${ticket}` }, { headers: auth(ticket) }].map(({ query, headers }) => async () => {
                    const target = query ? `${path}${path.includes("?") ? "&" : "?"}${query}` : path;
                    const reply = await call(server, one.method, target, {
                        ...body,
                        headers: { ...body.headers, ...headers },
                    });
                    assert.equal(reply.status, 401, one.name);
                }),
            ),
    );
    assert.equal((await knock(listenPath(thief.channel), ticket)).status, 200, "and it is still good");
});

test("a ticket ends with its time, its session, its channel and its account", async () => {
    const late = await ticketOf(thief, thief.channel);
    const [{ kept }] = await store(server, "SELECT count(*) AS kept FROM tickets WHERE expires > 0");
    assert.ok(kept > 0);
    await store(server, "UPDATE tickets SET expires = (SELECT min(expires) FROM tickets) - 61000000");
    assert.equal((await knock(listenPath(thief.channel), late)).status, 401, "expired");

    const me = await vault(server, "leaver", "leaver");
    const orphan = await ticketOf(me, me.channel);
    await me.del(`/channels/${me.channel}/`);
    assert.equal((await knock(listenPath(me.channel), orphan)).status, 404, "of a deleted channel");

    const log = await ticketOf(me);
    await store(server, `UPDATE accounts SET is_active = 0 WHERE id = '${me.id}'`);
    assert.equal((await knock(listenPath(), log)).status, 401, "of an account that is not active");
    await store(server, `UPDATE accounts SET is_active = 1 WHERE id = '${me.id}'`);

    const last = await ticketOf(me);
    expect(await call(server, "POST", "/auth/tokens/blacklist/", { json: { refresh: me.refresh } }), 205, "blacklist");
    assert.equal((await knock(listenPath(), last)).status, 401, "of a session that has ended");
});

test("tickets that are none open nothing", async () => {
    const good = await ticketOf(thief, thief.channel);
    const wrong = [
        "",
        "x",
        "%00",
        "%ff",
        good.slice(0, -1),
        `${good}A`,
        `${good.slice(0, -1)}${good.at(-1) === "A" ? "B" : "A"}`,
    ];
    wrong.push(
        good.toLowerCase(),
        `${good}%20`,
        `%20${good}`,
        "A".repeat(43),
        "' OR 1=1 --",
        "%25",
        "_".repeat(43),
        victim.access,
    );
    for (const ticket of wrong) {
        const reply = await knock(listenPath(thief.channel), encodeURI(ticket).replaceAll("%25", "%"));
        assert.equal(reply.status, 401, ticket);
    }
    // a token that is no good is not made good by a ticket
    const both = await knock(listenPath(thief.channel), good, { token: `${thief.access}A` });
    assert.equal(both.status, 401);
    assert.equal((await knock(listenPath(thief.channel), good)).status, 200);
});

test("another team's token opens that team and nothing of the own one", async () => {
    const claims = JSON.parse(Buffer.from(thief.access.split(".")[1], "base64url"));
    const head = { alg: "HS256", typ: "JWT" };
    // even by someone who could sign: session, team and account must belong together
    for (const [what, mixed] of [
        ["the victim's team", { ...claims, team: victim.team }],
        [
            "the victim's session",
            { ...claims, sid: JSON.parse(Buffer.from(victim.access.split(".")[1], "base64url")).sid },
        ],
    ]) {
        const reply = await call(server, "GET", "/tables/", { headers: auth(handmade(head, mixed, KEY)) });
        assert.equal(reply.status, 401, what);
    }
    const posed = handmade(head, { ...claims, sub: victim.id }, KEY);
    const reply = await call(server, "GET", "/auth/users/me/", { headers: auth(posed) });
    assert.ok(reply.status === 401 || reply.body.id === thief.id, "the account is the session's");
    const names = (await thief.get("/tables/")).data.map((one) => one.table_name);
    assert.ok(names.length && names.every((name) => !name.startsWith("victim_")));
});

/** Medians in ms of a request for the victim's thing and for nobody's, asked in turns. */
async function measure(one, rounds) {
    const times = [[], []];
    for (let i = 0; i < 2 * rounds; i++) {
        const which = (i ^ (i >> 1)) & 1; // 0 1 1 0
        const target = one.path([victim, UNKNOWN][which]);
        const { json } = one.body(victim);
        const began = performance.now();
        const reply = await thief.call(one.method, target, { json });
        times[which].push(performance.now() - began);
        assert.equal(reply.status, 404, one.name);
    }
    return times.map((list) => list.sort((a, b) => a - b)[list.length >> 1]);
}

test("how long the answer takes does not tell whose id it was", async () => {
    let furthest = 0;
    for (const one of common(all).filter(({ thing, upload, stream }) => thing && !upload && !stream)) {
        let apart, most, pair;
        // others use this machine too: a difference must show each time
        for (let i = 0; i < 5; i++) {
            pair = await measure(one, 20);
            apart = Math.abs(pair[0] - pair[1]);
            most = 0.3 * slow + 0.25 * Math.min(...pair);
            if (apart < most) break;
        }
        furthest = Math.max(furthest, apart);
        assert.ok(apart < most, `${one.name}: ${pair[0]} ms for the victim's, ${pair[1]} ms for nobody's`);
    }
    told("medians of 20", `furthest apart ${furthest.toFixed(2)} ms`);
});
