// Jobs as a person makes, watches, pauses and deletes them.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import { Person, useBrowser } from "./person.mjs";

const server = useServer();
const browser = useBrowser();

const NEVER_SOON = "0 0 1 1 *";

/** A table of one column, and a view of it that fails when a text in it is no number. */
async function numbers(me) {
    const columns = [{ column_name: "text", column_type: "varchar" }];
    await me.upload("/tables/", { table_name: "texts", file: "text\n1\n2\n", columns });
    await me.view("numbers", "SELECT CAST(text AS INTEGER) AS n FROM texts");
}

const append = (me, table, ...rows) => me.post(`/tables/${table}/rows/`, { rows });
const run = (me, job) => me.post(`/jobs/${job}/run/`, undefined, 200);

/** "08:30:00 in Tokyo" of a moment. */
const timeIn = (at, timeZone) =>
    new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone }).format(new Date(at));

test("a job is made with the builder, which the cron line, the words and the next runs keep up with", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await person.open("#/jobs");
    await page.getByText("No jobs yet").waitFor();
    await person.look("jobs-empty");
    await page.getByRole("link", { name: "New job" }).click();
    await page.getByText("There is no view to refresh").waitFor();
    await numbers(me);
    await me.view("others", "SELECT 1 AS one");
    await page.getByLabel("View to refresh").selectOption("numbers");

    const line = page.getByLabel("Cron line");
    const repeat = page.getByLabel("Repeat");
    const meaning = page.getByRole("region", { name: "What this means" });
    await page.getByLabel("Repeat").selectOption("On days of the week");
    await page.getByLabel("At", { exact: true }).fill("08:30");
    await page.getByLabel("Wednesday").check();
    assert.equal(await line.inputValue(), "30 8 * * 1,3");
    await meaning.getByText("Every Monday and Wednesday at 08:30").waitFor();

    await page.getByRole("combobox", { name: "Time zone" }).fill("tokyo");
    await page.getByRole("option", { name: "Asia/Tokyo" }).waitFor();
    await page.keyboard.press("Enter");
    const { next } = await me.get(
        `/jobs/preview/?crontab_def=${encodeURIComponent("30 8 * * 1,3")}&timezone=Asia/Tokyo`,
    );
    const times = page.getByRole("list", { name: "The next runs" }).getByRole("listitem");
    const fits = (text, at) => ["Asia/Tokyo", "Europe/Berlin"].every((zone) => text?.includes(timeIn(at, zone)));
    await until(async () => {
        const shown = await times.allInnerTexts();
        return shown.length === 5 && next.every((at, i) => fits(shown[i], at));
    }, "the five runs of this line, in both zones");
    await person.look("job-new");

    await line.fill("@daily");
    await meaning.getByText("Every day at 00:00").waitFor();
    assert.equal(await repeat.inputValue(), "daily");
    await line.fill("45 seconds");
    await meaning.getByText("Every 45 seconds").waitFor();
    assert.equal(await page.getByLabel("Seconds from one to the next").inputValue(), "45");
    await page.getByLabel("Seconds from one to the next").fill("20");
    assert.equal(await line.inputValue(), "20 seconds");
    await line.fill("0 0 13 * fri");
    await meaning.getByText(/day 13 of the month.*also on Friday/).waitFor();
    assert.equal(await repeat.inputValue(), "line");
    await repeat.selectOption("Every day");
    assert.match(await line.inputValue(), /^\d+ \d+ \* \* \*$/);

    await line.fill("30 8 * * 1,3");
    await page.getByText("When rows have changed").click();
    await page.getByRole("button", { name: "Make the job" }).click();
    await page.getByRole("heading", { name: "Job 1" }).waitFor();
    const { data } = await me.get("/jobs/");
    const { view_name, crontab_def, timezone, notify } = data[0];
    assert.deepEqual(
        { view_name, crontab_def, timezone, notify },
        { view_name: "numbers", crontab_def: "30 8 * * 1,3", timezone: "Asia/Tokyo", notify: "changed" },
    );
    await person.leave();
});

test("what is wrong with a schedule or a zone is told at its field, and nothing is made of it", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    person.expect("422");
    await me.view("one", "SELECT 1 AS one");
    await person.open("#/jobs/new?view=one");
    const line = page.getByLabel("Cron line");
    await line.fill("61 * * * *");
    await page.getByText("61 is not from 0 to 59").waitFor();
    assert.equal(await line.getAttribute("aria-invalid"), "true");
    await page.getByText("This is no schedule yet").waitFor();
    await page.getByRole("button", { name: "Make the job" }).click();
    await line.fill("0 0 30 2 *");
    await page.getByText("Is never due").waitFor();
    await line.fill("*/10 * * * *");
    const zone = page.getByRole("combobox", { name: "Time zone" });
    await zone.fill("Mars/Olympus");
    await page.keyboard.press("Tab");
    await until(async () => (await zone.getAttribute("aria-invalid")) === "true", "the zone to be refused");
    await person.look("job-wrong");
    assert.deepEqual((await me.get("/jobs/")).data, []);
    await zone.fill("berl");
    await page.keyboard.press("Escape");
    assert.equal(await zone.inputValue(), "Mars/Olympus");
    await zone.fill("berl");
    await page.getByRole("option", { name: /Europe\/Berlin \(yours\)/ }).click();
    await page.getByRole("button", { name: "Make the job" }).click();
    await page.getByRole("heading", { name: "Job 1" }).waitFor();
    assert.equal((await me.get("/jobs/1/")).timezone, "Europe/Berlin");

    await page.getByRole("link", { name: "Change" }).click();
    await page.getByLabel("Repeat").selectOption("Every hour");
    await page.getByLabel("Minutes past the hour").fill("15");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "Job 1", exact: true }).waitFor();
    await page.getByText("Every hour, 15 minutes past").waitFor();
    assert.equal((await me.get("/jobs/1/")).crontab_def, "15 * * * *");
    await person.leave();
});

test("a job is paused, goes on, and is run from the list", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await numbers(me);
    const { id } = await me.job("numbers", "*/7 * * * *");
    await person.open("#/jobs");
    const row = page.getByRole("list", { name: "Jobs" }).getByRole("listitem");
    await row.getByText("Every 7 minutes").waitFor();
    await row.getByText("Never run").waitFor();
    await row.getByText(/^Next in/).waitFor();
    await row.getByRole("button", { name: "Pause" }).click();
    await row.getByText("Paused").waitFor();
    await until(async () => !(await me.get(`/jobs/${id}/`)).active, "the job to be paused");
    await page.getByRole("button", { name: "Undo" }).click();
    await row.getByText("Paused").waitFor({ state: "detached" });
    await until(async () => (await me.get(`/jobs/${id}/`)).active, "the job to go on");
    await append(me, "texts", { text: "3" });
    await row.getByRole("button", { name: "Run now" }).click();
    await row.getByText("Succeeded").waitFor();
    await page.getByText(/has run: version 2, 1 row added/).waitFor();
    await append(me, "texts", { text: "many" });
    await run(me, id);
    await row.getByText("Failed").waitFor();
    await row.getByText(/many/).waitFor();
    await person.look("jobs");
    await person.leave();
});

test("runs are a picture and a table, which keep up by themselves", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await numbers(me);
    const { id } = await me.job("numbers", NEVER_SOON);
    await me.channel({ job_id: id });
    await run(me, id);
    await person.open(`#/jobs/${id}`);
    const picture = page.getByRole("listbox", { name: /^Runs/ });
    const lines = page.getByRole("region", { name: /^Runs/ }).getByRole("row");
    await picture.getByRole("option", { name: /^Skipped/ }).waitFor();
    await append(me, "texts", { text: "3" }, { text: "4" });
    await run(me, id);
    await picture.getByRole("option", { name: /^Succeeded, took .*version 2, 2 rows added/ }).waitFor();
    await append(me, "texts", { text: "many" });
    await run(me, id);
    await picture.getByRole("option", { name: /^Failed, took/ }).waitFor();
    await page.getByText("The last run failed").waitFor();
    await lines.filter({ hasText: "Failed" }).waitFor();
    await lines.filter({ hasText: "+2" }).getByText("hand").waitFor();

    await picture.getByRole("option", { name: /^Failed/ }).focus();
    await page.keyboard.press("ArrowLeft");
    await picture.getByRole("option", { name: /^Succeeded/, selected: true }).waitFor();
    await page.getByText("asked for by hand").waitFor();
    await page.keyboard.press("Home");
    await picture.getByRole("option", { name: /^Skipped/, selected: true }).waitFor();
    await person.look("job");
    await person.leave();
});

test("a run that takes its time is seen running, and many runs are read page by page", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    const count = (n) => Array.from({ length: n }, (_, i) => ({ n: i }));
    await me.post("/tables/", { table_name: "few", rows: count(1) });
    await me.view("triples", "SELECT count(*) AS n FROM few a, few b, few c WHERE (a.n * b.n + c.n) % 7 = 3");
    const { id } = await me.job("triples", NEVER_SOON);
    for (let i = 0; i < 120; i++) await run(me, id);
    await person.open(`#/jobs/${id}`);
    const lines = page.getByRole("region", { name: /^Runs/ }).getByRole("row");
    await until(async () => (await lines.count()) === 101, "the first page of runs");
    await page.getByRole("button", { name: "Older runs" }).click();
    await until(async () => (await lines.count()) === 121, "all runs");
    await page.getByRole("button", { name: "Older runs" }).waitFor({ state: "detached" });

    await append(me, "few", ...count(450));
    await page.getByRole("button", { name: "Run now" }).click();
    await lines.filter({ hasText: "Running" }).waitFor();
    await page
        .getByRole("listbox")
        .getByRole("option", { name: /^Running/ })
        .waitFor();
    await lines.filter({ hasText: "Running" }).waitFor({ state: "detached", timeout: 60_000 });
    await lines.nth(1).getByText("Succeeded").waitFor();
    assert.equal(await lines.count(), 122);
    await person.leave();
});

test("deleting a job names the channels that go with it", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await numbers(me);
    const [first, second] = [await me.job("numbers"), await me.job("numbers")];
    const { public_identifier: going } = await me.channel({ job_id: first.id });
    const { public_identifier: staying } = await me.channel({ job_ids: [first.id, second.id] });
    await person.open(`#/jobs/${first.id}`);
    await page.getByRole("link", { name: going.slice(0, 8) }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete job 1?" });
    await dialog.getByText(going).waitFor();
    assert.equal(await dialog.getByText(staying).count(), 0);
    await person.look("job-delete");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    assert.equal((await me.get("/jobs/")).data.length, 2);
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("button", { name: "Delete all of it" }).click();
    await page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
    const left = page.getByRole("list", { name: "Jobs" }).getByRole("listitem");
    await until(async () => (await left.count()) === 1, "one job to be left");
    const channels = (await me.get("/channels/")).data;
    assert.deepEqual(
        channels.map(({ public_identifier, job_ids }) => [public_identifier, job_ids]),
        [[staying, [second.id]]],
    );
    await me.del(`/jobs/${second.id}/`);
    await page.getByText("No jobs yet").waitFor();
    await person.leave();
});
