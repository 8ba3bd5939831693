// Kill -9 at chosen moments; tests/crash/ has the random ones. What was acknowledged is there, and nothing is left over.
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { Server, slow, temporaryFiles, test, until, useServer } from "./harness.mjs";
import { account, call, sampleCsv, uploadForm } from "./client.mjs";
import { csv, range } from "./files.mjs";

const server = useServer({ env: { ACCESS_TOKEN_SECONDS: "3600" } });

test("kill -9 during the first start, and during a team's first table: the next start is a good one", async (t) => {
    for (let round = 0; round < 12; round++) {
        const own = new Server();
        t.after(() => own.end());
        const starting = own.start().catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, round * 4 * slow));
        await own.kill();
        await starting;
        await own.start();
        const me = await account(own);
        const form = uploadForm({ table_name: "t", file: sampleCsv });
        const made = me.call("POST", "/tables/", { form }).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, round * 2 * slow));
        await own.restart();
        await made;
        if ((await me.call("GET", "/tables/t/")).status === 404) await me.table("t");
        assert.equal((await me.rows("t")).length, 10, `round ${round}`);
        await own.stop();
    }
});

test("kill -9 during a long load: the table is there whole, or not at all", async () => {
    const me = await account(server);
    const file = csv(
        ["n", "word"],
        range(300_000).map((i) => [i, `word number ${i}`]),
    );
    const begun = await me.call("POST", "/tables/", {
        form: uploadForm({ table_name: "t", file }),
        headers: { prefer: "respond-async" },
    });
    assert.equal(begun.status, 202);
    await server.restart();
    const load = await until(async () => {
        const now = await me.get(`/loads/${begun.body.id}/`);
        return now.state !== "running" && now;
    }, "the load to be settled");
    if (load.state === "succeeded") assert.equal((await me.get("/tables/t/")).row_count, 300_000);
    else {
        await me.get("/tables/t/", 404);
        await me.table("t");
    }
    await until(
        () => temporaryFiles(server.dataDir).length === 0,
        `no temporary files: ${temporaryFiles(server.dataDir)}`,
    );
});

test("kill -9 during an upload leaves no file", async () => {
    const me = await account(server);
    const form = uploadForm({ table_name: "t", file: Buffer.alloc(50_000_000, "line\n") });
    const sent = me.call("POST", "/tables/", { form }).catch((problem) => problem);
    await until(
        () => temporaryFiles(server.dataDir).some((file) => existsSync(file) && statSync(file).size > 0),
        "the upload to begin",
    );
    await server.kill();
    await sent;
    await server.start();
    assert.deepEqual(temporaryFiles(server.dataDir), []);
    await me.get("/tables/t/", 404);
});

test("sessions and tokens outlive a crash, an ended session does not come back", async () => {
    const [me, other] = [await account(server), await account(server)];
    await call(server, "POST", "/auth/tokens/blacklist/", { json: { refresh: other.refresh } });
    await server.restart();
    await me.get("/auth/users/me/");
    await other.get("/auth/users/me/", 401);
});
