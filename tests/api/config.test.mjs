// The command line and the settings: wrong ones refuse to start with a clear line.
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { freePort, root, runProgram, Server, tempFolder, test, until } from "./harness.mjs";
import { account, Account, call, expect, PASSWORD } from "./client.mjs";

const version = readFileSync(path.join(root, "VERSION"), "utf8").trim();

const obtain = (server, primary_email, password) =>
    call(server, "POST", "/auth/tokens/obtain/", { json: { primary_email, password } });

/** A server of its own for one test. */
async function serve(t, options) {
    const server = new Server(options);
    t.after(() => server.end());
    await server.start();
    return server;
}

test("version and help", async () => {
    const told = await runProgram(["version"]);
    assert.equal(told.code, 0);
    assert.ok(told.stdout.includes(version));
    const help = await runProgram(["help"]);
    assert.equal(help.code, 0);
    for (const word of ["serve", "migrate", "superuser", "version", "DATA_DIR"])
        assert.match(help.stdout, new RegExp(word));
    for (const args of [["nonsense"], ["migrate", "sideways"], ["serve", "extra"]]) {
        const wrong = await runProgram(args);
        assert.notEqual(wrong.code, 0, args.join(" "));
        assert.ok(wrong.stderr.length > 10);
    }
});

test("the README's table of settings is the program's", async () => {
    const { stdout } = await runProgram(["help"]);
    const settings = [...stdout.matchAll(/^ {2}([A-Z_]{4,})\s+(\S+)\s+(.+)$/gm)].map(([, name, value, text]) => [
        name,
        value,
        text.trim(),
    ]);
    const readme = readFileSync(path.join(root, "README.md"), "utf8");
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \|\s*(.*?)\s*\| (.*?) \|$/gm)].map(([, name, value, text]) => [
        name,
        value.replaceAll("`", ""),
        text,
    ]);
    assert.ok(settings.length >= 18, stdout);
    assert.deepEqual(
        rows,
        settings.map(([name, value, text]) => [name, value === "(empty)" ? "" : value, text]),
    );
});

test("a wrong value refuses to start, and the line names it", async () => {
    const port = String(await freePort());
    for (const [name, value] of [
        ["PORT", "eighty"],
        ["PORT", "0"],
        ["PORT", "70000"],
        ["PORT", ""],
        ["STREAM_PORT", "-1"],
        ["STREAM_PORT", port],
        ["LISTEN", "not an address"],
        ["SECRET_KEY", "short"],
        ["TLS_CERT", "/nowhere/cert.pem"],
        ["ACCESS_TOKEN_SECONDS", "0"],
        ["REFRESH_TOKEN_SECONDS", "1.5"],
        ["LOG_FORMAT", "xml"],
        ["LOG_LEVEL", "loud"],
        ["WORKERS", "0"],
        ["ENGINE_PROCESSES", "many"],
        ["ENGINE_MEMORY", "1X"],
        ["QUERY_SECONDS", "-3"],
        ["UPLOAD_MAX", "99999999999G"],
        ["EVENT_DAYS", "0"],
        ["RATE_LIMIT", "none"],
        ["ACCOUNT_RATE_LIMIT", "0"],
        ["TRUSTED_PROXIES", "10.0.0.1, localhost"],
        ["DATA_DIR", "/proc/no/such/folder"],
    ]) {
        const env = { PORT: port, STREAM_PORT: "", DATA_DIR: tempFolder(), [name]: value };
        const { code, stderr } = await runProgram(["serve"], { env });
        assert.ok(typeof code === "number" && code !== 0, `${name}=${value} ended with ${code}`);
        const line = stderr.trim().split("\n").at(-1);
        const told = { TLS_CERT: /TLS_CERT|cert\.pem/, DATA_DIR: /folder/ }[name] ?? new RegExp(name);
        assert.match(line, told, `${name}=${value}`);
        if (name === "SECRET_KEY") assert.doesNotMatch(line, /short/);
    }
});

test("a port that is taken refuses to start", async (t) => {
    const server = await serve(t);
    const { code, stderr } = await runProgram(["serve"], {
        env: { PORT: String(server.port), STREAM_PORT: "", DATA_DIR: tempFolder() },
    });
    assert.ok(code !== 0);
    assert.match(stderr, new RegExp(String(server.port)));
});

test("a data folder that is in use refuses a second server", async (t) => {
    const server = await serve(t);
    const env = { PORT: String(await freePort()), STREAM_PORT: "", DATA_DIR: server.dataDir };
    const { code, stderr } = await runProgram(["serve"], { env });
    assert.ok(code !== 0);
    assert.match(stderr, /another process/i);
    await account(server);
});

test(".env of the working folder is read, and the environment wins", async () => {
    const folder = tempFolder();
    writeFileSync(path.join(folder, ".env"), "# a comment\n\nQUERY_SECONDS=never\nexport LOG_LEVEL='debug'\n");
    const wrong = await runProgram(["serve"], {
        cwd: folder,
        env: { PORT: String(await freePort()), STREAM_PORT: "" },
    });
    assert.ok(wrong.code !== 0);
    assert.match(wrong.stderr, /QUERY_SECONDS/);
    writeFileSync(path.join(folder, ".env"), "PORT=7\nthis is no setting\n");
    const line = await runProgram(["serve"], { cwd: folder, env: {} });
    assert.ok(line.code !== 0);
    assert.match(line.stderr, /line 2/);
    writeFileSync(path.join(folder, ".env"), "LOG_LEVEL=loud\n");
    const won = await runProgram(["serve"], { cwd: folder, env: { LOG_LEVEL: "info", PORT: "eighty" } });
    assert.match(won.stderr, /PORT/);
});

test("the key is made at the first start, kept, and for its owner alone", async (t) => {
    const server = await serve(t);
    const me = await account(server);
    await server.stop();
    await server.start();
    await me.get("/auth/users/me/");
    assert.equal(statSync(server.dataDir).mode & 0o077, 0);
});

test("migrate up, status and down", async () => {
    const folder = tempFolder();
    const run = (...args) => runProgram(["migrate", ...args], { env: { DATA_DIR: path.join(folder, "data") } });
    const before = await run("status");
    assert.equal(before.code, 0, before.stderr);
    const up = await run("up");
    assert.equal(up.code, 0, up.stderr);
    const status = await run("status");
    assert.equal(status.code, 0);
    assert.notEqual(status.stdout, before.stdout);
    const down = await run("down");
    assert.equal(down.code, 0, down.stderr);
    assert.notEqual((await run("status")).stdout, status.stdout);
    assert.equal((await run("up")).code, 0);
    assert.equal((await run("status")).stdout, status.stdout);
});

test("nothing is migrated under a server that runs", async (t) => {
    const server = await serve(t);
    const run = (what) => runProgram(["migrate", what], { env: { DATA_DIR: server.dataDir } });
    for (const what of ["down", "up"]) {
        const { code, stderr } = await run(what);
        assert.notEqual(code, 0);
        assert.match(stderr, /another process serves from this folder/);
    }
    assert.equal((await run("status")).code, 0);
});

test("superuser makes an account, or raises the one there", async (t) => {
    const server = await serve(t);
    const me = await account(server);
    await server.stop();
    const superuser = (args, password) =>
        runProgram(["superuser", ...args], { env: { DATA_DIR: server.dataDir }, input: `${password}\n` });
    for (const email of ["root@example.com", me.email]) {
        const made = await superuser([email], `${PASSWORD} for root`);
        assert.equal(made.code, 0, made.stderr);
        assert.ok(!made.stdout.includes(PASSWORD));
    }
    for (const [args, password] of [
        [[], PASSWORD],
        [["no address"], PASSWORD],
        [["a@example.com"], "short"],
        [["a@example.com"], ""],
    ]) {
        assert.notEqual((await superuser(args, password)).code, 0, args.join(" "));
    }
    await server.start();
    for (const email of ["root@example.com", me.email]) {
        const boss = new Account(server, email);
        Object.assign(boss, expect(await obtain(server, email, `${PASSWORD} for root`), 200, "obtain"));
        assert.equal((await boss.get("/auth/users/me/")).primary_email, email);
    }
    expect(await obtain(server, me.email, PASSWORD), 401, "obtain with the old password");
});

test("one log line a request, with its id, as text and as JSON", async (t) => {
    const text = await serve(t, { env: { LOG_FORMAT: "text" } });
    const json = await serve(t, { env: { LOG_FORMAT: "json" } });
    for (const server of [text, json]) {
        const before = server.log.length;
        const reply = await call(server, "GET", "/tables/?secret=1", { headers: { authorization: "JWT a.b.c" } });
        const id = reply.headers.get("x-request-id");
        assert.ok(id);
        await until(() => server.log.slice(before).includes(id), "the line");
        const lines = server.log
            .slice(before)
            .split("\n")
            .filter((line) => line.includes(id));
        assert.equal(lines.length, 1, lines.join("\n"));
        assert.match(lines[0], /GET/);
        assert.match(lines[0], /401/);
        assert.doesNotMatch(lines[0], /a\.b\.c/);
        if (server === json) assert.equal(typeof JSON.parse(lines[0]), "object");
    }
    for (const line of json.log.trim().split("\n")) JSON.parse(line);
});

test("RATE_LIMIT: too many from one address are told to wait", async (t) => {
    const server = await serve(t, { env: { RATE_LIMIT: "20" } });
    const replies = [];
    for (let i = 0; i < 60; i++)
        replies.push(await call(server, "POST", "/auth/tokens/refresh/", { json: { refresh: "x" } }));
    const refused = replies.filter((reply) => reply.status === 429);
    assert.ok(refused.length >= 20 && refused.length <= 50, `${refused.length} of 60 refused`);
    assert.match(refused[0].headers.get("retry-after"), /^\d+$/);
    expect(await call(server, "GET", "/health"), 200, "health is never limited");
});

test("without a stream port there is one port", async (t) => {
    const server = await serve(t, { env: { STREAM_PORT: "" } });
    await assert.rejects(fetch(`${server.streamUrl}/health`));
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
});

test("RATE_LIMIT: an account has ten times as many", async (t) => {
    const server = await serve(t, { env: { RATE_LIMIT: "3" } });
    const me = await account(server);
    const statuses = [];
    for (let i = 0; i < 40; i++) statuses.push((await me.call("GET", "/tables/")).status);
    const refused = statuses.filter((status) => status === 429);
    assert.deepEqual(statuses.slice(0, 20), Array(20).fill(200));
    assert.ok(refused.length >= 5 && refused.length <= 15, `${refused.length} of 40 refused`);
});
