// The sessions of an account: seen, recognised, ended one by one, all others, or everywhere.
import assert from "node:assert/strict";
import http from "node:http";
import { decodeJwt } from "jose";
import { store } from "../attack/vault.mjs";
import { runProgram, Server, test, useServer } from "./harness.mjs";
import { Account, account, call, expect, PASSWORD, stage } from "./client.mjs";
import { listen } from "./sse.mjs";

const server = useServer();

const sessionOf = (me) => decodeJwt(me.access).sid;
const again = (me) => new Account(server, me.email).signIn();
const refresh = (me) => call(server, "POST", "/auth/tokens/refresh/", { json: { refresh: me.refresh } });

/** Nothing of the session works any more. */
async function ended(me) {
    const reply = await me.call("GET", "/auth/users/me/");
    assert.equal(reply.status, 401);
    assert.equal(reply.body.code, "session_ended");
    assert.equal((await refresh(me)).status, 401);
}

const alive = (me) => me.get("/auth/users/me/");

/** Signs in with a raw User-Agent, or none: what it is in the list then. */
async function agent(me, value) {
    const body = JSON.stringify({ primary_email: me.email, password: PASSWORD });
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    if (value !== undefined) headers["user-agent"] = value;
    const status = await new Promise((resolve, reject) => {
        const asked = http.request(`${server.url}/auth/tokens/obtain/`, { method: "POST", headers }, (answer) => {
            answer.resume();
            answer.once("end", () => resolve(answer.statusCode));
        });
        asked.once("error", reject);
        asked.end(body);
    });
    assert.equal(status, 200);
    return (await me.get("/auth/sessions/?limit=1")).data[0].user_agent;
}

test("the list tells what a person recognises a session by, newest first", async () => {
    const me = await account(server);
    const there = await again(me);
    const { data, links } = await me.get("/auth/sessions/");
    assert.deepEqual(links, { next: null, prev: null });
    assert.deepEqual(
        data.map(({ id, current }) => ({ id, current })),
        [
            { id: sessionOf(there), current: false },
            { id: sessionOf(me), current: true },
        ],
    );
    for (const one of data) {
        assert.deepEqual(Object.keys(one), [
            "id",
            "created",
            "expires",
            "last_used",
            "user_agent",
            "from",
            "current",
        ]);
        assert.equal(one.from, "127.0.0.1");
        assert.match(one.user_agent, /node|undici/);
        assert.equal(one.last_used, one.created);
        assert.ok(Math.abs(Date.parse(one.created) - Date.now()) < 120_000);
        assert.ok(Math.abs(Date.parse(one.expires) - Date.parse(one.created) - 1209600e3) < 1_000);
    }
    const theirs = await there.get("/auth/sessions/");
    assert.deepEqual(
        theirs.data.map(({ current }) => current),
        [true, false],
    );
});

test("renewing tokens is using the session", async () => {
    const me = await account(server);
    const [before] = (await me.get("/auth/sessions/")).data;
    Object.assign(me, expect(await refresh(me), 200, "refresh"));
    const [after] = (await me.get("/auth/sessions/")).data;
    assert.ok(after.last_used > before.last_used, `${after.last_used} after ${before.last_used}`);
    assert.ok(after.expires > before.expires);
    assert.deepEqual({ ...after, last_used: 0, expires: 0 }, { ...before, last_used: 0, expires: 0 });
});

test("a user agent is kept as far as a person can use it", async () => {
    const me = await account(server);
    assert.equal(await agent(me, "Mozilla/5.0 (X11) <b>&\"'"), "Mozilla/5.0 (X11) <b>&\"'");
    assert.equal(await agent(me, undefined), null);
    assert.equal(await agent(me, "x".repeat(5_000)), "x".repeat(200));
    assert.match(await agent(me, "caf\u00e9\t1"), /^caf\?{2,3}1$/);
});

test("the list has pages, both ways", async () => {
    const me = await account(server);
    for (let i = 0; i < 4; i++) await again(me);
    const whole = (await me.get("/auth/sessions/")).data.map(({ id }) => id);
    assert.equal(whole.length, 5);
    const seen = (await me.all("/auth/sessions/?limit=2")).map(({ id }) => id);
    assert.deepEqual(seen, whole);
    let page = await me.get("/auth/sessions/?limit=2");
    while (page.links.next) page = await me.get(page.links.next);
    const back = [...page.data];
    while (page.links.prev) {
        page = await me.get(page.links.prev);
        back.unshift(...page.data);
    }
    assert.deepEqual(
        back.map(({ id }) => id),
        whole,
    );
});

test("ending one ends its tokens, its streams and its tickets at once, and nothing else", async (t) => {
    const { me, channel } = await stage(server);
    const there = await again(me);
    const streams = [await there.listen(t, channel), await there.listenLog(t)];
    const own = await me.listenLog(t);
    const { ticket } = await there.post(`/channels/${channel}/tickets/`);
    await me.del(`/auth/sessions/${sessionOf(there)}/`);
    await ended(there);
    for (const stream of streams) assert.equal(await stream.closed(), "closed");
    await listen(t, `${server.url}/channels/${channel}/listen/?ticket=${ticket}`, { status: 401 });
    await alive(me);
    const told = await own.next("message", ({ data }) => data.type === "session.ended");
    assert.equal(told.data.subject, sessionOf(there));
    assert.equal(told.data.data.reason, "signed_out");
    assert.deepEqual(
        (await me.get("/auth/sessions/")).data.map(({ id }) => id),
        [sessionOf(me)],
    );
    await me.del(`/auth/sessions/${sessionOf(there)}/`, 404);
});

test("ending the one that asks is signing out", async () => {
    const me = await account(server);
    const there = await again(me);
    await me.del(`/auth/sessions/${sessionOf(me)}`);
    await ended(me);
    await alive(there);
});

test("nobody else's session is there", async () => {
    const [me, other] = [await account(server), await account(server)];
    for (const id of [sessionOf(other), sessionOf(other).toUpperCase(), "x", "01900000-0000-7000-8000-000000000000"]) {
        const body = await me.del(`/auth/sessions/${id}/`, 404);
        assert.equal(body.code, "not_found");
    }
    await alive(other);
    assert.equal((await other.get("/auth/sessions/")).data.length, 1);
});

test("all others end, and the one that asks goes on", async (t) => {
    const me = await account(server);
    const others = [await again(me), await again(me), await again(me)];
    const [mine, theirs] = [await me.listenLog(t), await others[0].listenLog(t)];
    const stranger = await account(server);
    await me.del("/auth/sessions/?others=true");
    for (const other of others) await ended(other);
    assert.equal(await theirs.closed(), "closed");
    await alive(me);
    expect(await refresh(me), 200, "refresh");
    for (const other of others)
        await mine.next(
            "message",
            ({ data }) => data.type === "session.ended" && data.subject === sessionOf(other),
        );
    await alive(stranger);
    await me.del("/auth/sessions/?others=true");
    await alive(me);
});

test("signing out everywhere ends the one that asks as well", async (t) => {
    const me = await account(server);
    const there = await again(me);
    const streams = [await me.listenLog(t), await there.listenLog(t)];
    await me.del("/auth/sessions/");
    await ended(me);
    await ended(there);
    for (const stream of streams) await stream.closed();
    const back = await again(me);
    assert.equal((await back.get("/auth/sessions/")).data.length, 1);
    const reasons = (await back.all("/events/?type=session.ended")).map(({ data }) => data.reason);
    assert.deepEqual(reasons, ["signed_out", "signed_out"]);
});

test("false ends all, anything else is refused", async () => {
    const me = await account(server);
    for (const query of ["others=perhaps", "others=", "other=true", "others=true&others=true"]) {
        assert.equal((await me.call("DELETE", `/auth/sessions/?${query}`)).status, 422, query);
        await alive(me);
    }
    await me.del("/auth/sessions/?others=false");
    await ended(me);
});

test("a session that has run out is neither listed nor there to be ended", async () => {
    const me = await account(server);
    const there = await again(me);
    await store(server, `UPDATE sessions SET expires = created + 1 WHERE id = '${sessionOf(there)}'`);
    assert.deepEqual(
        (await me.get("/auth/sessions/")).data.map(({ id }) => id),
        [sessionOf(me)],
    );
    await me.del(`/auth/sessions/${sessionOf(there)}/`, 404);
});

test("sessions from before they were described go on, and are listed", async (t) => {
    const old = new Server();
    t.after(() => old.end());
    await old.start();
    const me = await account(old);
    const [before] = (await me.get("/auth/sessions/")).data;
    await old.stop();
    const migrate = async (what) => {
        const { code, stdout, stderr } = await runProgram(["migrate", what], { env: { DATA_DIR: old.dataDir } });
        assert.equal(code, 0, stderr);
        return Number(/migration (\d+)/.exec(stdout)[1]);
    };
    while ((await migrate("down")) > 6);
    assert.ok(!("last_used" in (await store(old, "SELECT * FROM sessions"))[0]));
    await migrate("up");
    await old.start();
    const [after] = (await me.get("/auth/sessions/")).data;
    assert.deepEqual(after, { ...before, user_agent: null, from: null });
});
