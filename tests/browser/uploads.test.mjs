// Files become tables at the console: seen before they are loaded, followed while they are, also across a reload of the page.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { slow, tempFolder, test, until, useServer } from "../api/harness.mjs";
import { account } from "../api/client.mjs";
import { csv, parquet, range } from "../api/files.mjs";
import { Person, useBrowser, Wire } from "./person.mjs";

const server = useServer({ env: { QUERY_SECONDS: "120" } });
const browser = useBrowser();

const LONG = "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = -1";

const file = (name, text) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
const dialog = (page) => page.getByRole("dialog");
const entry = (page, name) => page.getByRole("listitem", { name });
const people = csv(
    ["id", "name", "joined", "score"],
    range(30).map((i) => [i, `person ${i}`, `2024-02-${String(1 + (i % 28)).padStart(2, "0")}`, i / 4]),
);

/** Opens the dialog with a file. */
async function choose(page, chosen) {
    await page.getByRole("button", { name: "Upload a file" }).click();
    await page.getByLabel("Choose a file").setInputFiles(chosen);
    await page.getByRole("region", { name: "Columns" }).waitFor();
}

/** Takes the team's turn with a query until `end` is called; `taken` once the engine is at it. */
function hold(me) {
    const abort = new AbortController();
    const held = fetch(new URL("/views/", server.url), {
        method: "POST",
        headers: { authorization: `JWT ${me.access}`, "content-type": "application/json" },
        body: JSON.stringify({ view_name: "long", sql_query: LONG }),
        signal: abort.signal,
    }).catch(() => undefined);
    const taken = until(async () => {
        const fork = me.call("POST", "/tables/t/fork/", { json: { table_name: "t" } }); // refused, when it comes to that
        return !(await Promise.race([fork, new Promise((resolve) => setTimeout(resolve, 200 * slow, false))]));
    }, "the turn to be taken");
    const end = () => {
        abort.abort();
        return held;
    };
    return { taken, end };
}

/** All that the page says of an upload, from now on. */
async function listen(page) {
    await page.evaluate(() => {
        window.said = [];
        new MutationObserver(() => {
            for (const place of document.querySelectorAll("li[aria-label]")) window.said.push(place.innerText);
        }).observe(document.body, { subtree: true, childList: true, characterData: true });
    });
    return async (pattern) => (await page.evaluate(() => window.said)).some((text) => pattern.test(text));
}

/** The network as slow as `bytes` a second upwards. */
async function slowDown(person, bytes) {
    const session = await person.context.newCDPSession(person.page);
    await session.send("Network.enable");
    const set = (uploadThroughput) =>
        session.send("Network.emulateNetworkConditions", {
            offline: false,
            latency: 0,
            downloadThroughput: -1,
            uploadThroughput,
        });
    await set(bytes);
    return () => set(-1);
}

test("a file is seen before it is loaded: its columns, which can be changed, its rows, and what is wrong", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await person.open("#/tables");
    await choose(page, file("Our People (2024).csv", people));
    const type = (column) => dialog(page).getByLabel(`Type of ${column}`, { exact: true });
    assert.equal(await page.getByLabel("Name of the table").inputValue(), "our_people_2024");
    const found = await Promise.all(["id", "name", "joined", "score"].map((column) => type(column).inputValue()));
    assert.deepEqual(found, ["int", "text", "date", "double"]);
    await dialog(page).getByRole("gridcell", { name: "person 0" }).waitFor();
    await person.look("upload");

    person.expect("422");
    await type("name").selectOption("another …");
    await page.getByLabel("Another type of name").fill("varchar(8)");
    await page.getByLabel("Another type of name").press("Enter");
    const errors = dialog(page).getByRole("region", { name: "Errors" });
    await errors.getByRole("row", { name: "12 name person 10 is longer than 8 characters" }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Load it" }).isDisabled(), true);
    await person.look("upload-errors");
    await page.getByLabel("Another type of name").fill("varchar(80)");
    await page.getByLabel("Another type of name").press("Enter");
    await errors.waitFor({ state: "detached" });
    await type("score").selectOption("numeric");
    await page.getByLabel("Name of the table").fill("people");
    await until(() => page.getByRole("button", { name: "Load it" }).isEnabled(), "a file that fits");
    await page.getByRole("button", { name: "Load it" }).click();
    await entry(page, "New table people").getByText("30 rows in the new table").waitFor();
    await page
        .getByRole("table", { name: "Tables" })
        .getByRole("row", { name: /people 30 4/ })
        .waitFor();
    const { columns } = await me.get("/tables/people/");
    assert.deepEqual(
        columns.map(({ column_type }) => column_type.replace(/numeric.*/, "numeric")),
        ["int", "varchar(80)", "date", "numeric"],
    );
    await page.getByRole("link", { name: "Open people" }).click();
    await page.getByRole("grid", { name: "Rows of people" }).waitFor();
    await page.getByRole("button", { name: "Dismiss" }).click();
    await entry(page, "New table people").waitFor({ state: "detached" });
    await person.leave();
});

test("a file that is dropped on the page is taken; its name may be a table's already", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await me.table("people", people);
    await person.open("#/tables");
    await page.getByRole("link", { name: "people" }).waitFor();
    const data = await page.evaluateHandle((text) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([text], "people.csv"));
        return transfer;
    }, people);
    await page.dispatchEvent("main", "dragenter", { dataTransfer: data });
    await page.getByText("Drop it to make a table of it").waitFor();
    await page.dispatchEvent("main", "drop", { dataTransfer: data });
    await dialog(page).getByText("There is a table of that name.").waitFor();
    await page.getByRole("button", { name: "Append to it" }).click();
    await dialog(page).getByText("Append a file to people").waitFor();
    await until(() => page.getByRole("button", { name: "Append it" }).isEnabled(), "the file to be looked at");
    await page.getByRole("button", { name: "Append it" }).click();
    await entry(page, "More rows for people").getByText("30 rows added").waitFor();
    assert.equal((await me.get("/tables/people/")).row_count, 60);
    await person.leave();
});

test("replacing says which columns come and go", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await me.table("people", people);
    await me.view("scores", "SELECT name, score FROM people");
    await person.open("#/tables/people");
    await page.getByRole("button", { name: "Replace" }).click();
    await page.getByLabel("Choose a file").setInputFiles(file("x.csv", "id,name,score,town\n1,one,2.5,here\n"));
    const changed = dialog(page).getByRole("status").filter({ hasText: "The table's columns change." });
    await changed.getByText("Gone: joined").waitFor();
    await changed.getByText("New: town").waitFor();
    await changed.getByText("Views that read it: scores").waitFor();
    await page.getByRole("button", { name: "Replace all rows" }).click();
    await entry(page, "New rows for people").getByText("1 row in the place of the old").waitFor();
    await page.getByRole("gridcell", { name: "here" }).waitFor();
    const { columns } = await me.get("/tables/people/");
    assert.deepEqual(
        columns.map(({ column_name, column_type }) => `${column_name} ${column_type}`),
        ["id int", "name text", "score double", "town text"],
    );
    await person.leave();
});

test("a large file is seen by its beginning or its footer, and its load told by bytes and rows", async () => {
    const wire = await Wire.to(server);
    let sent = 0;
    wire.listener.on("connection", (near) => near.on("data", (bytes) => (sent += bytes.length)));
    const person = await Person.at(browser, server, { wire });
    const { page } = person;
    await person.open("#/tables");
    const n = 1_500_000;
    const large = path.join(tempFolder(), "large.csv");
    writeFileSync(
        large,
        `id,text\n${range(n)
            .map((i) => `${i},this is the text of row ${i}\n`)
            .join("")}`,
    );
    sent = 0;
    await choose(page, large);
    await dialog(page).getByText("Found in its first 1.0 MB.").waitFor();
    await dialog(page).getByRole("gridcell", { name: "this is the text of row 0" }).waitFor();
    assert.ok(sent > 900_000 && sent < 1_200_000, `a preview of ${sent} bytes`);
    const said = await listen(page);
    await page.getByRole("button", { name: "Load it" }).click();
    await entry(page, "New table large")
        .getByText("1,500,000 rows in the new table")
        .waitFor({ timeout: 60_000 * slow });
    assert.ok(await said(/1 of 2: sending .* of [\d.]+ MB/));
    assert.ok(await said(/2 of 2: reading .* of [\d.]+ MB, [\d,]+ rows so far/));

    const columnData = [
        { name: "id", data: range(400_000), type: "INT32" },
        { name: "text", data: range(400_000).map((i) => `${i * 7919}`), type: "STRING" },
    ];
    const bytes = parquet(columnData);
    assert.ok(bytes.length > 2_000_000);
    sent = 0;
    await choose(page, { name: "columns.parquet", mimeType: "application/octet-stream", buffer: bytes });
    assert.equal(await dialog(page).getByLabel("Type of id").inputValue(), "int");
    await dialog(page).getByText("The rows of a large Parquet file are seen when it is loaded.").waitFor();
    assert.ok(sent < 100_000, `a preview of ${sent} bytes`);
    await page.getByRole("button", { name: "Load it" }).click();
    await entry(page, "New table columns").getByText("400,000 rows in the new table").waitFor();
    await person.leave();
    await wire.cut();
});

test("what is wrong far into a file is told at its line, after the load was tried; another file puts it right", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await person.open("#/tables");
    const lines = range(200_000).map((i) => `${i},${i * 3}`);
    const bad = [...lines.slice(0, 150_000), "150000,three", ...lines.slice(150_001)];
    await choose(page, file("bad.csv", `id,amount\n${bad.join("\n")}\n`));
    await dialog(page).getByLabel("Type of amount").selectOption("bigint");
    await until(() => page.getByRole("button", { name: "Load it" }).isEnabled(), "the beginning to fit");
    await page.getByRole("button", { name: "Load it" }).click();
    const load = entry(page, "New table bad");
    await load.getByRole("row", { name: "150002 amount three is not a valid bigint" }).waitFor();
    await person.look("upload-failed");
    await page.reload();
    await load.getByRole("row", { name: "150002 amount three is not a valid bigint" }).waitFor();
    await load.getByRole("button", { name: "Choose another file" }).click();
    await page.getByLabel("Choose a file").setInputFiles(file("good.csv", `id,amount\n${lines.join("\n")}\n`));
    await until(() => page.getByRole("button", { name: "Load it" }).isEnabled(), "the file to be looked at");
    assert.equal(await page.getByLabel("Name of the table").inputValue(), "bad");
    await page.getByRole("button", { name: "Load it" }).click();
    await load.getByText("200,000 rows in the new table").waitFor();
    assert.equal((await me.get("/tables/bad/")).row_count, 200_000);
    await person.leave();
});

test("types that do not fit further on are changed, and the same file is loaded", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await person.open("#/tables");
    const lines = range(120_000).map((i) => `${i},${i < 110_000 ? i : "none"},2024-01-01`);
    await choose(page, file("late.csv", `id,amount,day\n${lines.join("\n")}\nshort\n`));
    await page.getByText("they are found anew in the whole file").waitFor();
    await dialog(page).getByLabel("Type of day").selectOption("text");
    await page.getByText("all are taken as they stand here").waitFor();
    await page.getByRole("button", { name: "Load it" }).click();
    const load = entry(page, "New table late");
    await load.getByRole("row", { name: "110002 amount none is not a valid int" }).waitFor();
    await page.reload();
    await load.getByRole("button", { name: "Change the types" }).click();
    await page.getByText("all are taken as they stand here").waitFor();
    assert.equal(await dialog(page).getByLabel("Type of day").inputValue(), "text");
    await dialog(page).getByLabel("Type of amount").selectOption("text");
    await until(() => page.getByRole("button", { name: "Load it" }).isEnabled(), "the beginning to fit");
    await page.getByRole("button", { name: "Load it" }).click();
    await load.getByText("The file does not fit").waitFor();
    const few = load.getByRole("row", {
        name: /has fewer fields than the header/,
    });
    await few.first().waitFor();
    assert.equal(await few.count(), 1, "a line is told of once");
    assert.equal(await load.count(), 1, "what was tried before is gone");
    await page.getByRole("link", { name: "Log" }).click();
    await page
        .getByRole("listitem")
        .filter({ hasText: /Load failed\s*late/ })
        .filter({ hasText: "The file does not fit" })
        .first()
        .waitFor();
    assert.equal((await me.get("/tables/")).data.length, 0);
    await person.leave();
});

test("a load goes on across a reload of the page, and can be stopped", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await me.table("t", "n\n1\n");
    await person.open("#/tables/t");
    const turn = hold(me);
    await turn.taken;
    const append = async (text) => {
        await page.getByRole("button", { name: "Append a file" }).click();
        await page.getByLabel("Choose a file").setInputFiles(file("more.csv", text));
        await until(() => page.getByRole("button", { name: "Append it" }).isEnabled(), "the file to be looked at");
        await page.getByRole("button", { name: "Append it" }).click();
    };
    await append("n\n2\n3\n");
    const load = entry(page, "More rows for t");
    await load.getByText(/2 of 2: waiting/).waitFor();
    await page.reload();
    await load.getByText(/2 of 2: waiting/).waitFor();
    await load.getByText("from more.csv").waitFor();
    await person.look("upload-waiting");
    await page.getByRole("button", { name: "Stop the load of t" }).click();
    await page.getByText("The load of t is stopped. Nothing of it is kept.").waitFor();
    await load.waitFor({ state: "detached" });
    await until(async () => (await me.get("/loads/?state=failed")).data[0]?.error.code === "stopped", "its end");
    await append("n\n4\n5\n");
    await load.getByText(/2 of 2: waiting/).waitFor();
    await turn.end();
    await load.getByText("2 rows added").waitFor({ timeout: 30_000 * slow });
    assert.deepEqual(await me.rows("t"), [{ n: 1 }, { n: 4 }, { n: 5 }]);
    await person.leave();
});

const LINES = `id,text\n${range(120_000)
    .map((i) => `${i},this is the text of row ${i}\n`)
    .join("")}`;

/** A file is being sent, slowly. */
async function sendSlowly(person, chosen, bytes = 200_000) {
    const { page } = person;
    await choose(page, chosen);
    const fast = await slowDown(person, bytes);
    await page.getByRole("button", { name: "Load it" }).click();
    const name = path.basename(chosen.name ?? chosen, ".csv");
    const upload = entry(page, `New table ${name}`);
    await upload.getByText(/1 of 2: sending .* KB of/).waitFor();
    return { upload, fast };
}

/** What the server has of the newest upload. */
const uploaded = async (me) => (await me.get("/uploads/")).data[0]?.bytes_done ?? 0;

test("an upload goes on across a reload of the page, from where it was", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await person.open("#/tables");
    const { upload, fast } = await sendSlowly(person, file("long.csv", LINES));
    await upload.getByText(/sending [3-9]\d\d KB of/).waitFor();
    await person.look("upload-sending");
    await page.reload();
    await until(async () => (await uploaded(me)) > 200_000, "what came of it to be kept");
    await upload.getByText(/1 of 2: sending ([3-9]\d\d KB|\d\.\d MB) of/).waitFor();
    await upload.getByText("from long.csv").waitFor();
    await page.reload();
    await upload.getByText(/1 of 2: sending ([3-9]\d\d KB|\d\.\d MB) of/).waitFor();
    await fast();
    await upload.getByText("120,000 rows in the new table").waitFor();
    const loads = (await me.get("/loads/")).data;
    assert.equal(loads.length, 1, "it was loaded once");
    assert.equal(loads[0].bytes, LINES.length);
    assert.deepEqual((await me.get("/uploads/")).data, []);
    await person.leave();
});

test("an upload whose network is lost goes on when it is there again", async () => {
    const wire = await Wire.to(server);
    const person = await Person.at(browser, server, { wire });
    const { page, me } = person;
    person.expect("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_NETWORK");
    await person.open("#/tables");
    const { upload, fast } = await sendSlowly(person, file("lost.csv", LINES));
    await upload.getByText(/sending [3-9]\d\d KB of/).waitFor();
    await wire.cut();
    await upload.getByText("goes on by itself.").waitFor({ timeout: 30_000 * slow });
    await person.look("upload-lost");
    await fast();
    await wire.mend();
    await upload.getByText("120,000 rows in the new table").waitFor({ timeout: 60_000 * slow });
    assert.equal((await me.get("/loads/")).data.length, 1);
    await person.leave();
    await wire.cut();
});

test("when the browser has not kept the file it is asked for, and the rest is sent; a stopped one leaves nothing", async () => {
    const person = await Person.at(browser, server, { serviceWorkers: "block" });
    const { page, me } = person;
    await person.open("#/tables");
    const cut = path.join(tempFolder(), "cut.csv");
    writeFileSync(cut, LINES);
    const { upload, fast } = await sendSlowly(person, cut);
    await upload.getByText(/sending [3-9]\d\d KB of/).waitFor();
    await page.reload();
    await upload.getByText(/KB of .* have arrived. Choose the file again, and the rest is sent./).waitFor();
    await person.look("upload-cut");
    const before = await uploaded(me);
    assert.ok(before > 100_000, `${before} bytes were kept`);
    await upload.getByLabel("Choose the file again").setInputFiles(file("cut.csv", LINES.replace("0", "9")));
    await dialog(page).getByText("Make a table of a file").waitFor(); // it is another one
    await page.getByRole("button", { name: "Cancel" }).click();
    await upload.getByLabel("Choose the file again").setInputFiles(cut);
    await upload.getByText(/1 of 2: sending/).waitFor();
    await fast();
    await upload.getByText("120,000 rows in the new table").waitFor();
    assert.deepEqual(
        (await me.get("/loads/")).data.map(({ bytes }) => bytes),
        [LINES.length],
    );

    const { upload: other } = await sendSlowly(person, file("stopped.csv", LINES));
    await page.getByRole("button", { name: "Stop the upload of stopped.csv" }).click();
    await other.waitFor({ state: "detached" });
    await until(async () => (await me.get("/uploads/")).data.length === 0, "the upload to be gone");
    const { data } = await me.get("/tables/");
    assert.deepEqual(
        data.map(({ table_name }) => table_name),
        ["cut"],
    );
    await person.leave();
});

test("a load whose answer is lost is not asked for twice", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    person.expect("ERR_CONNECTION");
    await me.table("t", "id,text\n0,zero\n");
    await person.open("#/tables/t");
    let asked = 0;
    await page.route("**/tables/t/rows", async (route) => {
        if (route.request().method() !== "POST") return route.continue();
        asked++;
        await route.fetch();
        return route.abort("connectionreset");
    });
    await page.getByRole("button", { name: "Append a file" }).click();
    await page.getByLabel("Choose a file").setInputFiles(file("more.csv", "id,text\n1,one\n"));
    await until(() => page.getByRole("button", { name: "Append it" }).isEnabled(), "the file to be looked at");
    await page.getByRole("button", { name: "Append it" }).click();
    await entry(page, "More rows for t").getByText("1 row added").waitFor();
    assert.equal(asked, 1);
    assert.deepEqual(await me.rows("t"), [
        { id: 0, text: "zero" },
        { id: 1, text: "one" },
    ]);
    await person.leave();
});

test("two tabs that send the same upload load it once", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    person.expect("409", "404", "422", "423");
    await person.open("#/tables");
    const { upload, fast } = await sendSlowly(person, file("twice.csv", LINES), 600_000);
    const notes = await page.evaluate(() => sessionStorage.getItem("tinydevcrm.uploads"));
    const other = await person.context.newPage(); // what "Duplicate" does: it copies sessionStorage
    await other.addInitScript((kept) => sessionStorage.setItem("tinydevcrm.uploads", kept), notes);
    await other.goto(`${person.url}/#/tables`);
    await entry(other, "New table twice").getByText("120,000 rows in the new table").waitFor();
    await fast();
    await upload.getByText("120,000 rows in the new table").waitFor();
    assert.equal((await me.get("/loads/")).data.length, 1);
    assert.equal((await me.get("/tables/twice/")).row_count, 120_000);
    await person.leave();
});

test("what one account sends does not go on under another", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    person.expect("401", "404", "ERR_ABORTED");
    const her = await account(server);
    await person.open("#/tables");
    const { upload, fast } = await sendSlowly(person, file("secret.csv", LINES));
    const other = await person.context.newPage();
    await other.goto(`${person.url}/`);
    const tokens = JSON.stringify({ access: her.access, refresh: her.refresh });
    await other.evaluate((theirs) => localStorage.setItem("tinydevcrm.tokens", theirs), tokens);
    await upload.waitFor({ state: "detached" });
    await fast();
    await page.reload();
    await page.getByText("No tables yet").waitFor();
    assert.equal(await upload.count(), 0);
    for (const one of [me, her]) {
        assert.deepEqual((await one.get("/tables/")).data, []);
        assert.deepEqual((await one.get("/loads/")).data, []);
    }
    assert.deepEqual((await her.get("/uploads/")).data, []);
    await person.leave();
});

test("a file that changes while it is sent is not taken for a lost network", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    person.expect("ERR_UPLOAD_FILE_CHANGED", "ERR_");
    await person.open("#/tables");
    const changing = path.join(tempFolder(), "changing.csv");
    writeFileSync(changing, LINES);
    await choose(page, changing);
    writeFileSync(changing, `${LINES}more,of it\n`);
    await page.getByRole("button", { name: "Load it" }).click();
    const upload = entry(page, "New table changing");
    await upload.getByText("The file was changed or moved since it was chosen. Choose it again.").waitFor();
    await page.reload();
    await upload.getByText("The file was changed or moved since it was chosen. Choose it again.").waitFor();
    await upload.getByRole("button", { name: "Dismiss" }).click();
    await upload.waitFor({ state: "detached" });
    assert.deepEqual((await me.get("/tables/")).data, []);
    await person.leave();
});

test("a load that another began is seen while it lasts, and its end goes by", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await me.table("t", "n\n1\n");
    await person.open("#/tables");
    const turn = hold(me);
    await turn.taken;
    const headers = { prefer: "respond-async" };
    const sent = { table_name: "other", rows: [{ n: 1 }] };
    assert.equal((await me.call("POST", "/tables/", { json: sent, headers })).status, 202);
    await entry(page, "New table other")
        .getByText(/2 of 2: waiting/)
        .waitFor();
    await turn.end();
    await page.getByRole("link", { name: "other" }).waitFor({ timeout: 30_000 * slow });
    await entry(page, "New table other").waitFor({ state: "detached" });
    await person.leave();
});
