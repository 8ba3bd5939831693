// Channels as a person makes them, watches them, loses them and gets what was missed; and the programs that the page gives.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test, root, tempFolder, until, useServer } from "../api/harness.mjs";
import { PASSWORD } from "../api/client.mjs";
import { Person, useBrowser, Wire } from "./person.mjs";

const server = useServer();
const browser = useBrowser();

/** A table, a view of its small numbers, and a job that is not due soon. */
async function small(me) {
    await me.post("/tables/", { table_name: "numbers", rows: [{ n: 1 }, { n: 100 }] });
    await me.view("small", "SELECT n FROM numbers WHERE n < 50");
    return me.job("small", "0 0 1 1 *");
}

let next = 1;

/** A new version of the view; the number that came. */
async function version(me, job) {
    const n = ++next;
    await me.post("/tables/numbers/rows/", { rows: [{ n: n % 50 }] });
    await me.post(`/jobs/${job}/run/`, undefined, 200);
    return n % 50;
}

const events = (page) => page.getByRole("list", { name: /^Events/ }).locator(":scope > li");
const versions = async (page) =>
    (await events(page).allInnerTexts()).map((text) => Number(/version (\d+)/.exec(text)[1]));

test("a channel is made with an example of what it will tell, and tells it", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await person.open("#/channels");
    await page.getByRole("link", { name: "Make a job first" }).waitFor();
    await person.look("channels-empty");
    const { id } = await small(me);
    const other = await me.job("small", "@daily");
    await page.getByRole("link", { name: "New channel" }).click();
    const example = page.getByLabel("Example of an event");
    await page.getByRole("checkbox", { name: /^Job 1: small/ }).waitFor();
    person.expect("422");
    await page.getByRole("button", { name: "Make the channel" }).click();
    await page.getByRole("alert").filter({ hasText: "at least 1" }).waitFor();
    await page.getByRole("checkbox", { name: /^Job 1: small/ }).check();
    assert.deepEqual(Object.keys(JSON.parse(await example.innerText()).changes[0].row), ["n"]);
    await page.getByText("All rows").click();
    await until(async () => JSON.parse(await example.innerText()).rows?.length === 2, "rows in the example");
    await page.getByText("What changed").click();
    await person.look("channel-new");
    await page.getByRole("button", { name: "Make the channel" }).click();
    await page.getByRole("heading", { name: /^Channel / }).waitFor();
    const { data } = await me.get("/channels/");
    assert.deepEqual([data[0].include, data[0].job_ids], ["changes", [id]]);
    await page.getByText("Listening", { exact: true }).waitFor();
    await page.getByText(/^1 with this page/).waitFor();

    const n = await version(me, id);
    await events(page).first().getByText("version 2").waitFor();
    const rows = events(page)
        .first()
        .getByRole("region", { name: /^Rows that changed/ });
    assert.match(await rows.innerText(), new RegExp(`added\\s+${n}\\b`));
    await events(page).first().getByText("As it was sent").click();
    const raw = await events(page).first().locator("pre").innerText();
    assert.equal(JSON.parse(/^data: (.*)$/m.exec(raw)[1]).version, 2);
    assert.match(raw, new RegExp(`^id: ${data[0].public_identifier}:\\d+$`, "m"));
    await me.del(`/jobs/${other.id}/`);
    await person.leave();
});

test("who listens is counted as they come and go", async (t) => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    const { id } = await small(me);
    const { public_identifier: channel } = await me.channel({ job_id: id, include: "rows" });
    await person.open("#/channels");
    const row = page.getByRole("list", { name: "Channels" }).getByRole("listitem").filter({ hasText: channel });
    await row.getByText("nobody listens").waitFor();
    const listener = await me.listen(t, channel);
    await row.getByText("1 listener now").waitFor();
    const second = await me.listen(t, channel);
    await row.getByText("2 listeners now").waitFor();
    await person.look("channels");
    await second.close();
    await row.getByText("1 listener now").waitFor();
    await row.getByRole("link", { name: channel }).click();
    await page.getByText(/^2 with this page/).waitFor();
    await listener.close();
    await page.getByText(/^1 with this page/).waitFor();
    await person.leave();
});

test("disconnecting shows that nothing is lost: what was missed comes, marked, once", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    const { id } = await small(me);
    await version(me, id);
    const { public_identifier: channel } = await me.channel({ job_id: id, include: "changes" });
    await person.open(`#/channels/${channel}`);
    await events(page).first().getByText("before you came").waitFor();
    await page.getByRole("button", { name: "Run job 1" }).click();
    await page.getByText(/nothing it reads had moved/).waitFor();
    await version(me, id);
    await events(page).first().getByText("version 3").waitFor();
    const lastId = await page.locator("[data-last-id]").innerText();

    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByText(/What happens now is missed/).waitFor();
    await page.getByText("Disconnected", { exact: true }).waitFor();
    for (let i = 0; i < 3; i++) await version(me, id);
    await person.look("channel-away");
    assert.equal(await page.locator("[data-last-id]").innerText(), lastId);
    assert.deepEqual(await versions(page), [3, 2]);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await page
        .getByText(/missed 3 events\. All 3 came when it was back: none missing, none twice, in order\./)
        .waitFor();
    assert.deepEqual(await versions(page), [6, 5, 4, 3, 2]);
    assert.equal(await events(page).filter({ hasText: "caught up" }).count(), 3);
    await version(me, id);
    await events(page).first().getByText("version 7").waitFor();
    assert.equal(await events(page).first().getByText("caught up").count(), 0);
    await person.look("channel");

    await page.getByRole("button", { name: "Disconnect" }).click();
    await page.getByText("Disconnected", { exact: true }).waitFor();
    // it comes back by itself
    await page.getByText(/Nothing happened meanwhile/).waitFor({ timeout: 40_000 });
    assert.deepEqual(await versions(page), [7, 6, 5, 4, 3, 2]);
    await person.leave();
});

test("a network that is gone and comes back loses nothing either", async (t) => {
    const wire = await Wire.to(server);
    t.after(() => wire.cut());
    const person = await Person.at(browser, server, { wire });
    const { page, me } = person;
    const { id } = await small(me);
    const { public_identifier: channel } = await me.channel({ job_id: id });
    await person.open(`#/channels/${channel}`);
    await page.getByText("Listening", { exact: true }).waitFor();
    await version(me, id);
    await events(page).first().getByText("version 2").waitFor();
    person.expect("net::ERR_");
    await wire.cut();
    await page.getByText("Cut off: trying again").waitFor();
    for (let i = 0; i < 5; i++) await version(me, id);
    await wire.mend();
    await page
        .getByText(/missed 5 events\. All 5 came when it was back: none missing, none twice, in order\./)
        .waitFor();
    assert.deepEqual(await versions(page), [7, 6, 5, 4, 3, 2]);
    await person.leave();
});

/** A program that runs until the test ends; what it prints. */
function running(t, command, args) {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const said = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (text) => (said.out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (said.err += text));
    const ended = new Promise((resolve) => child.once("close", resolve));
    t.after(() => {
        child.kill("SIGKILL");
        return ended;
    });
    return said;
}

const programs = [
    { name: "curl", file: "listen.sh", run: (file) => ["sh", [file]], resumes: false },
    {
        name: "JavaScript",
        file: "listen.mjs",
        // as a browser has it
        before: `import { EventSource } from ${JSON.stringify(path.join(root, "tests/node_modules/eventsource/dist/index.js"))};\n`,
        run: (file) => [process.execPath, [file]],
        resumes: true,
    },
    { name: "Python", file: "listen.py", run: (file) => ["python3", [file]], resumes: true },
];

for (const { name, file, before = "", run, resumes } of programs) {
    test(`the program in ${name} listens as it was copied`, async (t) => {
        const wire = await Wire.to(server);
        t.after(() => wire.cut());
        const person = await Person.at(browser, server, { wire, permissions: ["clipboard-read", "clipboard-write"] });
        const { page, me } = person;
        const { id } = await small(me);
        const { public_identifier: channel } = await me.channel({ job_id: id });
        await person.open(`#/channels/${channel}`);
        await page.getByRole("tab", { name }).click();
        const panel = page.getByRole("tabpanel", { name });
        await panel.getByRole("button", { name: "Copy" }).click();
        await panel.getByText("Copied").waitFor();
        const text = await page.evaluate(() => navigator.clipboard.readText());
        assert.ok(text.includes(channel) && text.includes(wire.url) && text.includes(me.email));
        await person.leave(); // this page is no listener
        const place = path.join(tempFolder(), file);
        writeFileSync(place, before + text.replace("your password", PASSWORD));
        const listeners = async () => (await me.get(`/channels/${channel}/`)).listeners;
        await until(async () => (await listeners()) === 0, "the page to be gone");
        const said = running(t, ...run(place));
        const told = (n) => new RegExp(`version\\W+${n}\\b`, "g");
        const hears = (n) => until(() => told(n).test(said.out), `version ${n}; ${said.out} ${said.err}`);
        await until(async () => (await listeners()) === 1, `the program to listen; ${said.out} ${said.err}`);
        await version(me, id);
        await hears(2);
        if (!resumes) return;
        await wire.cut();
        await until(async () => (await listeners()) === 0, "the program to be cut off");
        await version(me, id);
        await version(me, id);
        await wire.mend();
        await hears(4);
        for (const n of [2, 3, 4]) assert.equal(said.out.match(told(n))?.length, 1, said.out);
    });
}

test("a deleted channel shows its listeners out, and says so", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    const { id } = await small(me);
    const { public_identifier: channel } = await me.channel({ job_id: id });
    await person.open(`#/channels/${channel}`);
    await page.getByText("Listening", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("No channels yet").waitFor();
    assert.deepEqual((await me.get("/channels/")).data, []);
    await person.open(`#/channels/${channel}`);
    await page.getByRole("heading", { name: "There is no such channel" }).waitFor();
    await person.leave();
});
