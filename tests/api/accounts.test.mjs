// Accounts, sessions and tokens: who gets in, and who is out at once.
import assert from "node:assert/strict";
import { decodeJwt, jwtVerify, SignJWT } from "jose";
import { test, until, useServer } from "./harness.mjs";
import { Account, account, call, expect, PASSWORD } from "./client.mjs";

const KEY = "a key for the tests, of more than thirty-two bytes";
const server = useServer({ env: { SECRET_KEY: KEY } });
const short = useServer({ env: { ACCESS_TOKEN_SECONDS: "2" } });

const register = (json) => call(server, "POST", "/auth/users/register/", { json });
const obtain = (json) => call(server, "POST", "/auth/tokens/obtain/", { json });
const refresh = (token, where = server) => call(where, "POST", "/auth/tokens/refresh/", { json: { refresh: token } });
const blacklist = (token) => call(server, "POST", "/auth/tokens/blacklist/", { json: { refresh: token } });

test("registering answers the account without its password", async () => {
    const reply = await register({ primary_email: "ada@example.com", password: PASSWORD, full_name: "Ada Lovelace" });
    const body = expect(reply, 201, "register");
    assert.equal(body.primary_email, "ada@example.com");
    assert.equal(body.full_name, "Ada Lovelace");
    assert.doesNotMatch(reply.bytes.toString(), /password|battery/i);
});

test("plus-addresses are other accounts, upper case is not", async () => {
    expect(await register({ primary_email: "bob@example.com", password: PASSWORD }), 201, "register");
    expect(await register({ primary_email: "bob+test@example.com", password: PASSWORD }), 201, "register");
    const again = await register({ primary_email: "BOB@Example.COM", password: PASSWORD });
    assert.ok([409, 422].includes(again.status), `a second bob got ${again.status}`);
    assert.match(JSON.stringify(again.body), /primary_email/);
    expect(await obtain({ primary_email: "Bob@EXAMPLE.com", password: PASSWORD }), 200, "obtain");
});

test("two at once with one address: one gets it", async () => {
    const json = { primary_email: "race@example.com", password: PASSWORD };
    const replies = await Promise.all([register(json), register(json), register(json)]);
    assert.equal(replies.filter((reply) => reply.status === 201).length, 1);
});

test("wrong fields are all named at once", async () => {
    const bad = expect(await register({ primary_email: "no address", password: "short", colour: 3 }), 422, "register");
    assert.equal(bad.code, "invalid_fields");
    for (const name of ["primary_email", "password", "colour"]) {
        assert.ok(
            Array.isArray(bad.errors[name]) && bad.errors[name].length,
            `${name} in ${JSON.stringify(bad.errors)}`,
        );
    }
    const none = expect(await register({}), 422, "register");
    assert.deepEqual(Object.keys(none.errors).sort(), ["password", "primary_email"]);
    const types = expect(await register({ primary_email: 1, password: [], full_name: {} }), 422, "register");
    assert.deepEqual(Object.keys(types.errors).sort(), ["full_name", "password", "primary_email"]);
});

test("an address may have what addresses have", async () => {
    for (const primary_email of ["o'brien@example.com", "x.y-z_1@sub.example.co.uk", `${"a".repeat(64)}@example.com`]) {
        expect(await register({ primary_email, password: PASSWORD }), 201, primary_email);
    }
    const wrong = [
        "",
        "@example.com",
        "a@",
        "a b@example.com",
        "a@b@c",
        `${"a".repeat(250)}@example.com`,
        "a\n@example.com",
    ];
    for (const primary_email of wrong)
        expect(await register({ primary_email, password: PASSWORD }), 422, primary_email);
});

test("a password is neither cut nor folded", async () => {
    const password = "pässwörd ".repeat(12);
    expect(await register({ primary_email: "long@example.com", password }), 201, "register");
    expect(await obtain({ primary_email: "long@example.com", password }), 200, "obtain");
    for (const wrong of [password.slice(0, -1), password.slice(0, 72), password.toUpperCase()]) {
        expect(await obtain({ primary_email: "long@example.com", password: wrong }), 401, wrong);
    }
});

test("wrong password and unknown address can't be told apart", async () => {
    const me = await account(server);
    const wrong = await obtain({ primary_email: me.email, password: `${PASSWORD}!` });
    const unknown = await obtain({ primary_email: "nobody@example.com", password: PASSWORD });
    expect(wrong, 401, "obtain");
    expect(unknown, 401, "obtain");
    assert.equal(wrong.body.code, unknown.body.code);
    assert.equal(wrong.body.detail, unknown.body.detail);
    expect(await obtain({ primary_email: me.email }), 422, "obtain");
});

test("an access token is HS256 with its session and five minutes", async () => {
    const me = await account(server);
    const { payload, protectedHeader } = await jwtVerify(me.access, new TextEncoder().encode(KEY), {
        algorithms: ["HS256"],
    });
    assert.equal(protectedHeader.alg, "HS256");
    assert.equal(payload.token_type, "access");
    assert.equal(typeof payload.sid, "string");
    assert.ok(Math.abs(payload.exp - Date.now() / 1000 - 300) < 30);
    const later = decodeJwt(me.refresh);
    assert.equal(later.token_type, "refresh");
    assert.equal(later.sid, payload.sid);
    assert.ok(Math.abs(later.exp - Date.now() / 1000 - 1209600) < 30);
});

test("me, with either scheme in any case", async () => {
    const me = await account(server, { full_name: "Grace Hopper" });
    for (const scheme of ["JWT", "Bearer", "bearer", "jwt"]) {
        const reply = await call(server, "GET", "/auth/users/me/", {
            headers: { authorization: `${scheme} ${me.access}` },
        });
        const body = expect(reply, 200, scheme);
        assert.equal(body.primary_email, me.email);
        assert.equal(body.full_name, "Grace Hopper");
    }
});

test("what is no token is refused with a challenge", async () => {
    const me = await account(server);
    const [head, payload, signature] = me.access.split(".");
    const claims = decodeJwt(me.access);
    const sign = (alg, key, more = {}) =>
        new SignJWT({ ...claims, ...more }).setProtectedHeader({ alg }).sign(new TextEncoder().encode(key));
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    const wrong = [
        undefined,
        "JWT",
        "JWT ",
        `Basic ${me.access}`,
        me.access,
        "JWT a.b.c",
        `JWT ${me.refresh}`,
        `JWT ${none}.${payload}.`,
        `JWT ${head}.${payload}.${signature.slice(0, -2)}AA`,
        `JWT ${await sign("HS256", `${KEY}?`)}`,
        `JWT ${await sign("HS512", `${KEY}${KEY}`)}`,
        `JWT ${await sign("HS256", KEY, { exp: Math.floor(Date.now() / 1000) - 10 })}`,
        `JWT ${"x".repeat(6_000)}`,
    ];
    for (const authorization of wrong) {
        const reply = await call(server, "GET", "/tables/", { headers: authorization ? { authorization } : {} });
        expect(reply, 401, String(authorization).slice(0, 60));
        assert.match(reply.headers.get("www-authenticate") ?? "", /JWT|Bearer/);
    }
});

test("a refresh token is used once; used again, it ends the session", async () => {
    const me = await account(server);
    const second = expect(await refresh(me.refresh), 200, "refresh");
    assert.notEqual(second.refresh, me.refresh);
    assert.equal(decodeJwt(second.access).sid, decodeJwt(me.access).sid);
    await new Account(server, me.email).signIn();
    me.access = second.access;
    await me.get("/auth/users/me/");
    expect(await refresh(me.refresh), 401, "refresh with the old one");
    await me.get("/auth/users/me/", 401);
    expect(await refresh(second.refresh), 401, "refresh of an ended session");
});

test("who lost the answer of a renewal may ask again, by the renewal's name", async () => {
    const renew = (token, renewal) =>
        call(server, "POST", "/auth/tokens/refresh/", { json: { refresh: token, renewal } });
    const me = await account(server);
    const { refresh: first } = expect(await obtain({ primary_email: me.email, password: PASSWORD }), 200, "obtain");
    const renewal = "a random text of this client";
    expect(await renew(first, renewal), 200, "the one whose answer is lost");
    const { refresh: second, access } = expect(await renew(first, renewal), 200, "the same again");
    const told = expect(await renew(second, "short"), 422, "a name that can be guessed");
    assert.ok(told.errors.renewal);
    expect(await renew(first, "somebody else's, without the name"), 401, "a copy of the token");
    expect(await call(server, "GET", "/auth/users/me/", { token: access }), 401, "the session has ended");
});

test("refresh refuses what is no refresh token", async () => {
    const me = await account(server);
    for (const token of [me.access, "x", ""]) assert.ok([401, 422].includes((await refresh(token)).status), token);
    expect(await call(server, "POST", "/auth/tokens/refresh/", { json: {} }), 422, "refresh");
});

test("blacklisting ends the session: its access tokens die and its streams close", async (t) => {
    const me = await account(server);
    const other = await new Account(server, me.email).signIn();
    const stream = await me.listenLog(t);
    const stays = await other.listenLog(t);
    const reply = await blacklist(me.refresh);
    assert.equal(reply.status, 205);
    assert.equal(reply.bytes.length, 0);
    await me.get("/auth/users/me/", 401);
    await stream.closed();
    await other.get("/auth/users/me/");
    assert.equal(stays.end, undefined);
    expect(await refresh(me.refresh), 401, "refresh");
});

test("changing the password takes the current one, ends all sessions and begins another", async (t) => {
    const me = await account(server);
    const other = await new Account(server, me.email).signIn();
    const stream = await other.listenLog(t);
    const change = (json) => me.call("POST", "/auth/users/me/password/", { json });
    const next = "quite another battery";
    const wrong = expect(await change({ current_password: "not this one", new_password: next }), 422, "change");
    assert.deepEqual(Object.keys(wrong.errors), ["current_password"]);
    const weak = expect(await change({ current_password: PASSWORD, new_password: "password1" }), 422, "change");
    assert.deepEqual(Object.keys(weak.errors), ["new_password"]);
    assert.deepEqual(Object.keys(expect(await change({ new_password: next }), 422, "change").errors), [
        "current_password",
    ]);
    await me.get("/auth/users/me/");
    const tokens = expect(await change({ current_password: PASSWORD, new_password: next }), 200, "change");
    await stream.closed();
    await me.get("/auth/users/me/", 401);
    await other.get("/auth/users/me/", 401);
    expect(await refresh(me.refresh), 401, "refresh");
    expect(await refresh(other.refresh), 401, "refresh");
    me.access = tokens.access;
    await me.get("/auth/users/me/");
    expect(await refresh(tokens.refresh), 200, "refresh");
    expect(await obtain({ primary_email: me.email, password: PASSWORD }), 401, "obtain");
    expect(await obtain({ primary_email: me.email, password: next }), 200, "obtain");
    const types = (await me.all("/events/")).map((event) => event.type);
    assert.equal(types.filter((type) => type === "account.password_changed").length, 1);
    assert.equal(types.filter((type) => type === "session.ended").length, 2);
});

test("of two changes of a password at once, one is made", async () => {
    const me = await account(server);
    const change = (new_password) =>
        me.call("POST", "/auth/users/me/password/", { json: { current_password: PASSWORD, new_password } });
    const replies = await Promise.all([change("the first of two"), change("the second of two")]);
    assert.equal(
        replies.filter((reply) => reply.status === 200).length,
        1,
        replies.map((reply) => reply.status),
    );
    const works = replies[0].status === 200 ? "the first of two" : "the second of two";
    expect(await obtain({ primary_email: me.email, password: works }), 200, "obtain");
    expect(await obtain({ primary_email: me.email, password: PASSWORD }), 401, "obtain");
});

test("a password is of any kind, but not easy to guess", async () => {
    const register = (password) =>
        call(server, "POST", "/auth/users/register/", {
            json: { primary_email: `quilty${Math.random()}@hazel.example`, password },
        });
    for (const good of ["83 749 283", "only letters here", "ÄÖÜ äöü!", "x".repeat(255) + "y", "密码密码密码密码"])
        expect(await register(good), 201, good);
    for (const bad of ["password", "Passw0rd", "12345678", "iloveyou", "qwertyuiop", "TinyDevCRM!1", "hazel2024"])
        assert.ok(expect(await register(bad), 422, bad).errors.password, bad);
    for (const bad of ["1234567", "密码密码", "x".repeat(257)])
        assert.ok(expect(await register(bad), 422, bad).errors.password, bad);
});

test("an access token expires by itself; its session goes on", async () => {
    const me = await account(short);
    await until(async () => {
        await me.signIn();
        return (await me.call("GET", "/auth/users/me/")).status === 200;
    }, "a token that is still good");
    await until(async () => (await me.call("GET", "/auth/users/me/")).status === 401, "the access token to expire");
    const { access } = expect(await refresh(me.refresh, short), 200, "refresh");
    assert.equal(decodeJwt(access).sid, decodeJwt(me.access).sid);
});

test("an expired refresh token is refused", async () => {
    const me = await account(server);
    const old = await new SignJWT({ ...decodeJwt(me.refresh), exp: Math.floor(Date.now() / 1000) - 5 })
        .setProtectedHeader({ alg: "HS256" })
        .sign(new TextEncoder().encode(KEY));
    expect(await refresh(old), 401, "refresh");
});

test("accounts see nothing of each other", async () => {
    const [me, other] = [await account(server), await account(server)];
    await me.table("mine");
    assert.deepEqual((await other.get("/tables/")).data, []);
    await other.get("/tables/mine/", 404);
    await other.get("/tables/mine/rows/", 404);
    await other.del("/tables/mine/", 404);
    await other.table("mine");
    await other.del("/tables/mine/");
    assert.equal((await me.rows("mine")).length, 10);
});
