// The account and the log, as a person looks after them.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import { account, call, PASSWORD } from "../api/client.mjs";
import { Person, useBrowser } from "./person.mjs";

const server = useServer();
const browser = useBrowser();

const NEXT = "another battery, another staple";
const sessions = (page) => page.getByRole("list", { name: "Sessions" }).getByRole("listitem");
const count = (page, n) => until(async () => (await sessions(page).count()) === n, `${n} sessions`);

test("who one is, in which zone, and in which looks", async () => {
    const { email } = await account(server, { full_name: "Grace Hopper" });
    const person = await Person.at(browser, server, { signedIn: false });
    const { page } = person;
    await person.signIn(email);
    await person.open("#/account");
    await page.getByText("Grace Hopper").waitFor();
    await page.getByRole("definition").filter({ hasText: email }).waitFor();
    await page.getByText("Europe/Berlin").waitFor();
    await person.look("account");
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    await page.getByRole("radio", { name: "Dark", exact: true }).check();
    assert.equal(await theme(), "dark");
    await page.getByRole("button", { name: /^Looks: dark/ }).waitFor();
    await page.reload();
    await page.getByRole("radio", { name: "Dark", exact: true, checked: true }).waitFor();
    assert.equal(await theme(), "dark");
    await page.getByRole("radio", { name: /^As the system/ }).check();
    assert.equal(await theme(), "light");
    await person.leave();
});

test("a changed password signs out everywhere else, and stays signed in here", async () => {
    const person = await Person.at(browser, server);
    const { page, me, context } = person;
    const tab = await context.newPage();
    await tab.goto(`${server.url}/#/jobs`);
    await tab.getByText("No jobs yet").waitFor();
    await page.bringToFront(); // a page behind another one is slow
    await person.open("#/account");
    await count(page, 2);
    person.expect("422", "401");
    await page.getByLabel("Current password").fill("not this one");
    await page.getByLabel("New password").fill(NEXT);
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByText("Is not the current password.").waitFor();
    await page.getByLabel("Current password").fill(PASSWORD);
    await page.getByLabel("New password").fill("password123");
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByRole("alert").filter({ hasText: "tried first" }).waitFor();
    await person.look("account-password");
    await page.getByLabel("New password").fill(NEXT);
    await page.getByRole("button", { name: "Change it" }).click();
    await page.getByText("The password is changed.").waitFor();
    await count(page, 1);
    assert.equal((await me.call("GET", "/auth/users/me/")).status, 401);
    await person.live();
    await page.getByRole("link", { name: "Jobs" }).click();
    await page.getByText("No jobs yet").waitFor();
    // the other tab of this browser is the same person still
    await tab.bringToFront();
    await tab.getByRole("link", { name: "Channels" }).click();
    await tab.getByText("No channels yet").waitFor();
    await page.bringToFront();
    const old = { json: { primary_email: me.email, password: PASSWORD } };
    assert.equal((await call(server, "POST", "/auth/tokens/obtain/", old)).status, 401);
    await page.getByRole("button", { name: "Sign out" }).click();
    await person.signIn(me.email, NEXT);
    await person.leave();
});

test("sessions are seen and ended: one, all others, all", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    const agents = ["Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0", "curl/8.0"];
    const signIn = (agent) =>
        call(server, "POST", "/auth/tokens/obtain/", {
            json: { primary_email: me.email, password: PASSWORD },
            headers: { "user-agent": agent },
        });
    await person.open("#/account");
    await count(page, 2);
    const [firefox, curl] = [(await signIn(agents[0])).body.access, (await signIn(agents[1])).body.access];
    await count(page, 4);
    await sessions(page).filter({ hasText: "Firefox on Windows" }).waitFor();
    await sessions(page).filter({ hasText: "this one" }).filter({ hasText: "Chrome on Linux" }).waitFor();
    await person.look("account-sessions");
    await page.getByRole("button", { name: "End: curl" }).click();
    await count(page, 3);
    const asked = async (token) => (await call(server, "GET", "/auth/users/me/", { token })).status;
    assert.deepEqual([await asked(curl), await asked(firefox)], [401, 200]);
    await page.getByRole("button", { name: "End all others" }).click();
    await count(page, 1);
    assert.deepEqual([await asked(me.access), await asked(firefox)], [401, 401]);
    await person.live();
    person.expect("401");
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await person.leave();
});

test("a session that is ended from another browser is over at once", async () => {
    const person = await Person.at(browser, server);
    const other = await Person.at(browser, server, { signedIn: false });
    await other.signIn(person.me.email);
    await person.open("#/account");
    await count(person.page, 3);
    other.expect("401");
    await person.page.getByRole("button", { name: "End all others" }).click();
    await other.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await other.page.getByText("Your session has ended").waitFor();
    await other.leave();
    await person.leave();
});

test("the log comes live, is filtered, opened, and read back to its first entry", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await me.post("/tables/", { table_name: "first", rows: [{ n: 1 }] });
    await me.view("all_first", "SELECT * FROM first");
    const { id } = await me.job("all_first", "0 0 1 1 *");
    for (let i = 0; i < 70; i++) await me.post(`/jobs/${id}/run/`, undefined, 200);
    await person.open("#/log");
    const entries = page.getByRole("list", { name: /^Entries/ }).getByRole("listitem");
    await until(async () => (await entries.count()) === 50, "the first page");
    const { data } = await me.get("/events/?before=1000000&limit=1000");
    assert.match(await entries.first().innerText(), new RegExp(`^\\s*${data.at(-1).n}\\b`));
    await person.look("log");
    await me.post("/tables/first/rows/", { rows: [{ n: 2 }] });
    await entries
        .first()
        .filter({ hasText: "Table loaded" })
        .or(entries.filter({ hasText: "Load succeeded" }).first())
        .waitFor();
    await entries.filter({ hasText: "Table loaded" }).first().getByText("by you").waitFor();

    const all = (await me.get("/events/?before=1000000&limit=1000")).data;
    while (await page.getByRole("button", { name: "Older entries" }).isVisible()) {
        const before = await entries.count();
        await page.getByRole("button", { name: "Older entries" }).click();
        await until(async () => (await entries.count()) > before, "older entries");
        await page.getByRole("button", { name: "Older entries", disabled: true }).waitFor({ state: "detached" });
    }
    await page.getByText("This is the oldest that is kept.").waitFor();
    const shown = await entries.evaluateAll((items) => items.map((item) => Number(item.dataset.entry)));
    assert.deepEqual(shown, all.map(({ n }) => n).reverse());

    await page.getByLabel("Show", { exact: true }).selectOption("Only: table made");
    await until(async () => (await entries.count()) === 1, "one table made");
    await entries.getByRole("button", { name: /show the details/ }).click();
    const told = JSON.parse(await entries.locator("pre").innerText());
    assert.deepEqual(
        told,
        all.find(({ type }) => type === "table.created"),
    );
    await me.post("/tables/", { table_name: "second", rows: [{ n: 1 }] });
    await entries.first().getByRole("link", { name: "second" }).waitFor();
    assert.equal(await entries.count(), 2);
    await person.look("log-filtered");
    await page.getByLabel("Show", { exact: true }).selectOption("Channels");
    await page.getByText("Nothing of this kind").waitFor();
    await me.channel({ job_id: id });
    await entries.first().getByText("Channel made").waitFor();
    await page.getByLabel("Show", { exact: true }).selectOption("Views");
    await entries.first().getByRole("link", { name: "all_first" }).click();
    await until(() => page.url().endsWith("#/views/all_first"), "the page of the view");
    await person.leave();
});
