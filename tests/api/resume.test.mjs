// Listeners in hard times: slow ones, many, silence, and a server that comes and goes.
import assert from "node:assert/strict";
import net from "node:net";
import { EventSource } from "eventsource";
import { test, until, useServer } from "./harness.mjs";
import { stage } from "./client.mjs";
import { range } from "./files.mjs";

const server = useServer();

async function change(me) {
    await me.post("/tables/sample/rows/", { rows: [{ SomeNumber: 1, SomeString: "again" }] });
    return (await me.refresh_view("small")).version;
}

test("silence is broken by keep-alive after 20 seconds", async (t) => {
    const { me, channel } = await stage(server);
    const listener = await me.listen(t, channel);
    const begun = Date.now();
    const alive = await listener.next("keep-alive", () => true, 30_000);
    const waited = Date.now() - begun;
    assert.ok(waited > 18_000 && waited < 25_000, `${waited} ms`);
    assert.equal(alive.id, undefined);
    assert.equal(alive.data, undefined);
    const version = await change(me);
    assert.equal((await listener.next()).data.version, version);
});

test("a listener that does not read for a while gets everything afterwards", async (t) => {
    const { me, channel } = await stage(server, { include: "rows" });
    const socket = net.connect(server.streamPort, "127.0.0.1");
    t.after(() => socket.destroy());
    socket.setEncoding("utf8");
    socket.write(`GET /channels/${channel}/listen/ HTTP/1.1\r\nHost: x\r\nAuthorization: JWT ${me.access}\r\n\r\n`);
    let text = "";
    socket.on("data", (more) => (text += more));
    await until(() => text.includes("stream-open"), "stream-open");
    socket.pause();
    const versions = 100;
    const wide = "x".repeat(220);
    for (let i = 0; i < versions; i++) {
        const file = `SomeNumber,SomeString\n${range(900)
            .map((k) => `1,${i} ${k} ${wide}\n`)
            .join("")}`;
        await me.upload("/tables/sample/replace/", { file }, 200);
        await me.refresh_view("small");
    }
    const quick = await me.listen(t, channel);
    const last = await change(me);
    await quick.next("message", (event) => event.data.version === last);
    assert.ok(!text.includes(`"version": ${last},`) && !text.includes(`"version":${last},`));
    socket.resume();
    const heard = () => [...text.matchAll(/^data: .*?"version": ?(\d+),/gm)].map((found) => Number(found[1]));
    await until(() => heard().at(-1) === last, `version ${last}`);
    assert.deepEqual(
        heard(),
        range(last - 1).map((i) => i + 2),
    );
});

test("a hundred listeners hear the same", async (t) => {
    const { me, channel } = await stage(server);
    const listeners = await Promise.all(range(100).map(() => me.listen(t, channel)));
    for (let i = 0; i < 5; i++) await change(me);
    for (const listener of listeners) {
        await listener.next("message", (event) => event.data.version === 6);
        assert.deepEqual(
            listener.messages().map((event) => event.data.version),
            [2, 3, 4, 5, 6],
        );
        assert.equal(listener.messages()[0].id, listeners[0].messages()[0].id);
    }
});

test("listeners that leave are let go", async (t) => {
    const { me, channel } = await stage(server);
    for (let round = 0; round < 3; round++) {
        const listeners = await Promise.all(range(50).map(() => me.listen(t, channel)));
        await Promise.all(listeners.map((listener) => listener.close()));
    }
    const listener = await me.listen(t, channel);
    const version = await change(me);
    assert.equal((await listener.next()).data.version, version);
});

test("EventSource comes back by itself after a restart, and after a kill, and misses nothing", async (t) => {
    const { me, channel } = await stage(server);
    const source = new EventSource(`${server.url}/channels/${channel}/listen/`, {
        fetch: (input, init) =>
            fetch(input, { ...init, headers: { ...init.headers, authorization: `JWT ${me.access}` } }),
    });
    t.after(() => source.close());
    const heard = [];
    let opened = 0;
    source.addEventListener("stream-open", () => opened++);
    source.addEventListener("message", (event) => heard.push(JSON.parse(event.data).version));
    await until(() => opened === 1, "the first stream-open");
    await change(me);
    await until(() => heard.length === 1, "the first message");
    await server.stop();
    await server.start();
    await change(me);
    await change(me);
    await until(() => heard.length === 3, `two more messages after ${heard}`, 30_000);
    await server.restart();
    await change(me);
    await until(() => heard.length === 4, `one more message after ${heard}`, 30_000);
    assert.deepEqual(heard, [2, 3, 4, 5]);
    assert.ok(opened >= 3);
});
