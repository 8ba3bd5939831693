// What others put into names, rows, queries and errors is shown as text: nothing of it runs, and nothing is fetched for it.
import assert from "node:assert/strict";
import { test, useServer } from "../api/harness.mjs";
import { Person, useBrowser } from "./person.mjs";

const server = useServer();
const browser = useBrowser();

const SCRIPTS = [
    '<img src=x onerror="window.broken=1">',
    "<script>window.broken=1</script>",
    '"><svg onload=window.broken=1>',
    "javascript:window.broken=1",
    "</pre><iframe srcdoc='<script>parent.broken=1</script>'>",
];

test("ASVS 3.2.2 hostile names, rows and errors are text, on every page", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    const asked = [];
    page.on("request", (request) => asked.push(new URL(request.url()).origin));
    page.on("dialog", (dialog) => assert.fail(`a dialog: ${dialog.message()}`));
    const [name] = SCRIPTS;
    const table = name.replaceAll('"', "'").replaceAll("'", "");
    await me.post("/tables/", { table_name: table, rows: SCRIPTS.map((text, n) => ({ n, [SCRIPTS[3]]: text })) });
    const view = "<b>view</b>";
    await me.post("/views/", { view_name: view, sql_query: `SELECT * FROM "${table}" -- ${SCRIPTS[1]}` });
    const job = await me.post("/jobs/", { view_name: view, crontab_def: "@hourly" });
    const channel = await me.post("/channels/", { job_id: job.id, include: "rows" });
    const places = [
        ["", table],
        [`#/tables/${encodeURIComponent(table)}`, SCRIPTS[1]],
        [`#/views/${encodeURIComponent(view)}`, SCRIPTS[0]],
        [`#/jobs/${job.id}`, view],
        [`#/channels/${channel.public_identifier}`, view],
        ["#/log", table],
        [`#/${encodeURIComponent(SCRIPTS[0])}`, "nothing at this address"],
    ];
    for (const [hash, shown] of places) {
        await person.open(hash);
        await page.getByText(shown).first().waitFor();
        await page.locator("h1").first().waitFor();
        assert.equal(await page.evaluate(() => window.broken), undefined, hash);
        assert.equal(await page.locator("img[src=x], iframe, svg[onload], script:not([src])").count(), 0, hash);
    }
    assert.deepEqual([...new Set(asked)], [server.url]);
    person.expect("404");
    await person.leave();
});
