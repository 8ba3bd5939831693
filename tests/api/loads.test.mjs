// Loads: from when on they are there, how far they are, and finding those under way.
import assert from "node:assert/strict";
import { temporaryFiles, test, until, useServer } from "./harness.mjs";
import { account, expect, uploadForm } from "./client.mjs";
import { csv, range } from "./files.mjs";

const server = useServer();
const HEAVY = "SELECT count(*) AS n, now() AS t FROM range(4000) a, range(20000) b WHERE a.range + b.range = -1";


const later = (me, target, fields) =>
    me.call("POST", target, { form: uploadForm(fields), headers: { prefer: "respond-async" } });

test("a load that was done has all its bytes", async () => {
    const me = await account(server);
    const file = "a,b\n1,2\n3,4\n";
    await me.table("t", file);
    const { data } = await me.get("/loads/");
    assert.equal(data.length, 1);
    assert.equal(data[0].state, "succeeded");
    assert.equal(data[0].mode, "create");
    assert.equal(data[0].bytes, file.length);
    assert.equal(data[0].bytes_done, file.length);
    assert.equal(data[0].rows, 2);
});

test("a load that waits for another is there already, and is found by its state", async () => {
    const me = await account(server);
    await me.table("t", "a\n1\n");
    await me.view("slow", "SELECT 1 AS n");
    await me.patch("/views/slow/", { sql_query: HEAVY });
    const refresh = me.refresh_view("slow");
    await until(async () => {
        const reply = await me.call("POST", "/tables/t/rows/", { json: { rows: [] } });
        return reply.status === 201;
    }, "the engine to be free at last");
    await refresh;

    const busy = me.refresh_view("slow");
    const waits = me.call("POST", "/tables/t/rows/", { form: uploadForm({ file: "a\n2\n3\n" }) });
    const accepted = expect(await later(me, "/tables/t/rows/", { file: "a\n4\n" }), 202, "a second");
    const running = await until(async () => {
        const { data } = await me.get("/loads/?state=running");
        return data.length === 2 && data;
    }, "two loads to be under way");
    assert.deepEqual(
        running.map((load) => [load.state, load.table_name, load.rows, load.bytes_done]),
        [
            ["running", "t", 0, 0],
            ["running", "t", 0, 0],
        ],
    );
    assert.ok(running.some((load) => load.id === accepted.id));
    await busy;
    expect(await waits, 201, "the one that was waited for");
    await until(async () => (await me.get("/loads/?state=running")).data.length === 0, "both to be done");
    assert.equal((await me.get("/tables/t/")).row_count, 4);
});

test("how far a load is rises, up to its end", async () => {
    const me = await account(server);
    const rows = range(500_000).map((i) => [i, `a text of some length and number ${i}`]);
    const { id, bytes } = expect(
        await later(me, "/tables/", { table_name: "t", file: csv(["n", "word"], rows) }),
        202,
        "load",
    );
    let done = 0;
    const end = await until(async () => {
        const load = await me.get(`/loads/${id}/`);
        assert.ok(load.bytes_done >= done && load.bytes_done <= bytes, `${load.bytes_done} after ${done}`);
        done = load.bytes_done;
        return load.state !== "running" && load;
    }, "the load to end");
    assert.equal(end.state, "succeeded");
    assert.equal(end.rows, 500_000);
    assert.equal(end.bytes_done, bytes);
});

test("pages of one state lead on within it", async () => {
    const me = await account(server);
    await me.table("t", "a\n1\n");
    for (let i = 0; i < 5; i++) await me.call("POST", "/tables/t/rows/", { form: uploadForm({ file: "b\n1\n" }) });
    for (let i = 0; i < 4; i++) await me.upload("/tables/t/rows/", { file: "a\n1\n" });
    const failed = await me.all("/loads/?state=failed&limit=2");
    assert.equal(failed.length, 5);
    assert.ok(failed.every((load) => load.state === "failed" && load.error.code === "invalid_file"));
    assert.equal((await me.all("/loads/?state=succeeded&limit=2")).length, 5);
    assert.equal((await me.all("/loads/?limit=3")).length, 10);
    const second = await me.get((await me.get("/loads/?state=failed&limit=2")).links.next);
    const first = await me.get(second.links.prev);
    assert.deepEqual(
        first.data.map((load) => load.id),
        failed.slice(0, 2).map((load) => load.id),
    );
    const wrong = await me.call("GET", "/loads/?state=gone");
    assert.equal(wrong.status, 422);
    assert.ok(wrong.body.errors.state);
});

/** The state and the code of a load that has ended. */
const ended = (me, id) =>
    until(async () => {
        const { state, error } = await me.get(`/loads/${id}/`);
        return state !== "running" && [state, error?.code];
    }, "the load to end");

test("a load that is being read is stopped by its team, and leaves nothing", async (t) => {
    const me = await account(server);
    const log = await me.listenLog(t, { query: "?type=load.failed" });
    const rows = range(2_000_000).map((i) => [i, `a text of some length and number ${i}`]);
    const file = csv(["n", "word"], rows);
    const { id } = expect(await later(me, "/tables/", { table_name: "t", file }), 202, "load");
    await until(async () => (await me.get(`/loads/${id}/`)).rows > 0, "rows to be read");
    await (await account(server)).del(`/loads/${id}/`, 404);
    await me.del(`/loads/${id}/`);
    assert.deepEqual(await ended(me, id), ["failed", "stopped"]);
    const { data } = await log.next("message", ({ data }) => data.subject === id);
    assert.equal(data.data.error.code, "stopped");
    await me.get("/tables/t/", 404);
    assert.deepEqual(temporaryFiles(server.dataDir), []);
    assert.equal((await me.del(`/loads/${id}/`, 409)).code, "load_ended");
    assert.equal((await me.table("t", "a\n1\n")).row_count, 1);
});
