// The admin part, as one who looks after the server uses it.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import { account, call, PASSWORD, superuser } from "../api/client.mjs";
import { Person, useBrowser } from "./person.mjs";

const server = useServer();
const quiet = useServer({ env: { LOG_LEVEL: "error" } });
const browser = useBrowser();

/** One who looks after the server, at a part of the page. */
async function keeper(part = "", of = server) {
    const boss = await superuser(of);
    const person = await Person.at(browser, of, { signedIn: false });
    await person.signIn(boss.email);
    await person.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Admin" }).click();
    await person.page.getByText("live", { exact: true }).waitFor();
    if (part) await person.page.getByRole("navigation", { name: "Admin" }).getByRole("link", { name: part }).click();
    return person;
}

test("others are told that it is not for them", async () => {
    const person = await Person.at(browser, server);
    const { page } = person;
    assert.equal(await page.getByRole("link", { name: "Admin" }).count(), 0);
    await person.open("#/admin");
    await page.getByText("This part is for those who look after the server.").waitFor();
    await person.look("admin-others");
    await person.leave();
});

test("accounts are seen as they come, switched off and on again", async () => {
    const person = await keeper("Accounts");
    const { page } = person;
    const them = await account(server);
    const row = page
        .getByRole("list", { name: /^Accounts/ })
        .getByRole("listitem")
        .filter({ hasText: them.email });
    await row.getByText("1 session").waitFor();
    await person.look("admin-accounts");
    await row.getByRole("button", { name: /^Switch off/ }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(/its 1 session ends at once/).waitFor();
    await person.look("admin-switch");
    await dialog.getByRole("button", { name: "Leave it" }).click();
    assert.equal((await them.call("GET", "/auth/users/me/")).status, 200);
    await row.getByRole("button", { name: /^Switch off/ }).click();
    await dialog.getByRole("button", { name: "Switch off" }).click();
    await row.getByText("switched off").waitFor();
    assert.equal((await them.call("GET", "/auth/users/me/")).status, 401);
    const asked = { json: { primary_email: them.email, password: PASSWORD } };
    assert.equal((await call(server, "POST", "/auth/tokens/obtain/", asked)).status, 401);
    await row.getByRole("button", { name: /^Switch on/ }).click();
    await dialog.getByRole("button", { name: "Switch on" }).click();
    await row.getByText("switched off").waitFor({ state: "detached" });
    assert.equal((await call(server, "POST", "/auth/tokens/obtain/", asked)).status, 200);
    const own = page.getByRole("listitem").filter({ hasText: "superuser" }).filter({ hasText: "you" });
    assert.equal(await own.getByRole("button").count(), 0);
    await person.leave();
});

test("accounts are seen as they come also on a server that logs next to nothing", async () => {
    const person = await keeper("Accounts", quiet);
    const { email } = await account(quiet);
    await person.page
        .getByRole("list", { name: /^Accounts/ })
        .getByRole("listitem")
        .filter({ hasText: email })
        .getByText("1 session")
        .waitFor();
    await person.leave();
});

test("engine processes are seen with their memory, and a query is cancelled", async () => {
    const person = await keeper();
    const { page } = person;
    await page.getByText("Running queries").waitFor();
    const them = await account(server);
    const rows = Array.from({ length: 3_000 }, (_, n) => ({ n }));
    await them.post("/tables/", { table_name: "numbers", rows });
    const process = page
        .getByRole("region", { name: "Engine processes" })
        .getByRole("row")
        .filter({ hasText: them.email });
    await process.getByText(/\d MB/).waitFor();
    const sql = "SELECT count(*) FROM numbers a, numbers b, numbers c WHERE (a.n * b.n + c.n) % 7 = 3";
    const answer = them.call("POST", "/queries/", { json: { sql } });
    const query = page.getByRole("list", { name: "Running queries" }).getByRole("listitem").filter({ hasText: sql });
    await query.getByText(them.email).waitFor();
    await person.look("admin");
    await query.getByRole("button", { name: /^Cancel/ }).click();
    const { status, body } = await answer;
    assert.deepEqual([status, body.code], [409, "query_cancelled"]);
    await query.waitFor({ state: "detached" });
    await person.leave();
});

test("teams and jobs that fail are listed as they are, and no longer when they are mended", async () => {
    const person = await keeper("Teams");
    const { page } = person;
    const them = await account(server);
    const columns = [{ column_name: "text", column_type: "varchar" }];
    await them.upload("/tables/", { table_name: "texts", file: "text\n1\n", columns });
    const team = page
        .getByRole("region", { name: /^Teams/ })
        .getByRole("row")
        .filter({ hasText: them.email });
    const cells = async () => (await team.getByRole("cell").allInnerTexts()).slice(1, 5);
    await until(async () => (await team.count()) === 1 && (await cells()).join() === "1,0,0,0", "a table of the team");
    await them.view("numbers", "SELECT CAST(text AS INTEGER) AS n FROM texts");
    const { id } = await them.job("numbers", "0 0 1 1 *");
    await until(async () => (await cells()).join() === "1,1,1,0", "a view and a job of the team");
    await person.look("admin-teams");

    await page.getByRole("navigation", { name: "Admin" }).getByRole("link", { name: "Jobs that fail" }).click();
    await page.getByText("No job fails").waitFor();
    await them.post("/tables/texts/rows/", { rows: [{ text: "many" }] });
    for (let i = 0; i < 3; i++) await them.post(`/jobs/${id}/run/`, undefined, 200);
    const job = page.getByRole("list", { name: "Jobs that fail" }).getByRole("listitem");
    await job.filter({ hasText: them.email }).getByText("3 failures in a row").waitFor();
    await job.getByText(/many/).waitFor();
    await person.look("admin-failing");
    await them.upload("/tables/texts/replace/", { file: "text\n1\n2\n" }, 200);
    await them.post(`/jobs/${id}/run/`, undefined, 200);
    await page.getByText("No job fails").waitFor();
    // by its schedule alone, without anybody asking for anything
    await them.post("/tables/texts/rows/", { rows: [{ text: "many" }] });
    await them.patch(`/jobs/${id}/`, { crontab_def: "2 seconds" });
    await job.waitFor();
    await them.upload("/tables/texts/replace/", { file: "text\n1\n2\n" }, 200);
    await page.getByText("No job fails").waitFor();
    await person.leave();
});

test("the server's log is followed, searched and held", async () => {
    const person = await keeper("Log");
    const { page } = person;
    const lines = page.getByRole("list", { name: /^Lines of the log/ }).getByRole("listitem");
    await lines.filter({ hasText: "listening on" }).waitFor();
    await call(server, "GET", "/nowhere/at/all");
    await lines.filter({ hasText: "GET /nowhere/at/all 404" }).waitFor();
    await person.look("admin-log");
    await page.getByLabel("That contain").fill("nowhere/at");
    await until(async () => (await lines.count()) === 1, "one line");
    await page.getByRole("button", { name: "Hold" }).click();
    await call(server, "GET", "/nowhere/at/night");
    await call(server, "GET", "/nowhere/at/noon");
    assert.equal(await lines.count(), 1);
    await page.getByRole("button", { name: "Go on" }).click();
    await until(async () => (await lines.count()) === 3, "the lines that came meanwhile");
    await page.getByLabel("Level").selectOption("Errors");
    await page.getByText(/^No line of this kind/).waitFor();
    await person.leave();
});

test("the page is live again after the server was started anew", async () => {
    const person = await keeper("Log");
    const { page } = person;
    const lines = page.getByRole("list", { name: /^Lines of the log/ }).getByRole("listitem");
    await lines.first().waitFor();
    person.expect("net::ERR_", "503");
    await server.stop();
    await page.getByText("connecting …").waitFor();
    await server.start();
    await page.getByText("live", { exact: true }).waitFor({ timeout: 40_000 });
    await call(server, "GET", "/after/the/start");
    await lines.filter({ hasText: "GET /after/the/start 404" }).waitFor();
    const numbers = await lines.evaluateAll((items) => items.map((item) => Number(item.dataset.line)));
    assert.deepEqual(
        numbers,
        [...new Set(numbers)].sort((a, b) => b - a),
    );
    await person.leave();
});
