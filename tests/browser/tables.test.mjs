// Tables at the console: the list, the rows looked through, and all that is done with a table.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, until, useServer } from "../api/harness.mjs";
import { csvRows, parquetRows, range } from "../api/files.mjs";
import { Person, useBrowser, Wire } from "./person.mjs";

const server = useServer();
const browser = useBrowser();

const LONG = "a long note, of which a cell shows the beginning only ".repeat(8).trim();

/** A table of things with a column of each kind. */
async function things(me, n = 40, name = "things") {
    const rows = range(n).map((i) => ({
        id: i,
        name: `thing ${i}`,
        price: i * 1.5,
        made: `2024-01-${String(1 + (i % 28)).padStart(2, "0")}`,
        sold: i % 2 === 0,
        note: i === 3 ? LONG : i % 5 ? `note ${i}` : null,
    }));
    await me.post("/tables/", { table_name: name, rows });
}

const grid = (page) => page.getByRole("grid", { name: /^Rows of/ });
const cell = (page, text) => grid(page).getByRole("gridcell", { name: text, exact: true });

/** The text of the cell that the keyboard is at. */
const focused = (page) =>
    grid(page).evaluate((element) => document.getElementById(element.getAttribute("aria-activedescendant"))?.innerText);

/** The first row that is seen: its place and its cells. */
async function firstRow(page) {
    const row = grid(page).getByRole("row").nth(1);
    const cells = await row.getByRole("gridcell").allInnerTexts();
    return { place: Number(await row.getAttribute("aria-rowindex")) - 2, cells };
}

async function saved(page, click) {
    const [download] = await Promise.all([page.waitForEvent("download"), click()]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}

test("the list is sorted as it is asked to be, and follows what others do", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await person.open("#/tables");
    await page.getByText("No tables yet").waitFor();
    await person.look("tables-empty");
    assert.equal(await page.getByRole("link", { name: "Take the sample table" }).getAttribute("href"), "#/");

    await me.post("/tables/", { table_name: "alpha", rows: [{ n: 1 }] });
    await me.post("/tables/", { table_name: "beta", rows: [{ n: 1 }, { n: 2 }, { n: 3 }] });
    const table = page.getByRole("table", { name: "Tables" });
    const names = () => table.getByRole("rowheader").allInnerTexts();
    await table.getByRole("link", { name: "beta" }).waitFor();
    assert.deepEqual(await names(), ["alpha", "beta"]);
    await table.getByRole("button", { name: "Rows" }).click();
    assert.deepEqual(await names(), ["beta", "alpha"]);
    const sorted = table.getByRole("columnheader", { name: "Rows" });
    assert.equal(await sorted.getAttribute("aria-sort"), "descending");

    await me.post("/tables/alpha/rows/", { rows: range(1234).map((n) => ({ n })) });
    await table.getByRole("row", { name: /alpha.*1,235/ }).waitFor();
    assert.deepEqual(await names(), ["alpha", "beta"]);
    await me.view("sums", "SELECT sum(n) AS n FROM beta");
    await table.getByRole("row", { name: /beta/ }).getByRole("link", { name: "sums" }).waitFor();
    await person.look("tables");
    await me.del("/tables/alpha/");
    await table.getByRole("link", { name: "alpha" }).waitFor({ state: "detached" });
    await person.leave();
});

test("rows are looked through with the keyboard, and a long value is seen and copied whole", async () => {
    const person = await Person.at(browser, server, { permissions: ["clipboard-read", "clipboard-write"] });
    const { page, me } = person;
    await things(me, 500);
    await person.open("#/tables/things");
    await cell(page, "thing 0").waitFor();
    await person.look("table");
    assert.equal(await grid(page).getAttribute("aria-rowcount"), "501");

    await grid(page).press("ArrowDown"); // the first is chosen
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await until(async () => (await focused(page)) === "thing 1", "the cell below and beside the first");
    await page.keyboard.press("PageDown");
    const paged = Number((await focused(page)).split(" ")[1]);
    assert.ok(paged > 5 && paged < 100, `a page down is thing ${paged}`);
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Home");
    await until(async () => (await focused(page)) === "499", "the last row");
    await page.keyboard.press("Control+Home");
    await page.keyboard.press("End");
    await until(async () => (await focused(page)) === "NULL", "the end of the first row");

    await cell(page, /^a long note/).click();
    await page.getByRole("button", { name: "Show all of the value" }).waitFor();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "note of row 4" });
    await dialog.getByText(LONG).waitFor();
    await dialog.getByRole("button", { name: "Copy" }).click();
    await dialog.getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), LONG);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.keyboard.press("ArrowUp"); // the focus is back where it was
    await until(async () => (await focused(page)) === "note 2", "the cell above");
    await person.leave();
});

test("300,000 rows and 300 columns scroll to their ends", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    const n = 300_000;
    await me.table(
        "many",
        `n,text\n${range(n)
            .map((i) => `${i},row ${i}\n`)
            .join("")}`,
    );
    const columns = range(300).map((i) => `c${i}`);
    await me.table("wide", `${columns.join(",")}\n${columns.map((_, i) => i * 7).join(",")}\n`);

    await person.open("#/tables/many");
    await cell(page, "row 0").waitFor();
    const elements = () => grid(page).evaluate((element) => element.querySelectorAll("*").length);
    assert.ok((await elements()) < 2_000);
    await grid(page).evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
    await until(async () => Math.abs((await firstRow(page)).place - n / 2) < 1_000, "the middle");
    const { place } = await firstRow(page);
    await cell(page, `row ${place + 1}`).waitFor();
    await grid(page).hover();
    await page.mouse.wheel(0, 340); // ten rows, also where the bar is a scale
    await until(async () => (await firstRow(page)).place - place === 10, "ten rows further");
    await grid(page).evaluate((element) => (element.scrollTop = element.scrollHeight));
    await cell(page, `row ${n - 1}`).waitFor();
    await grid(page).press("Control+Home");
    await cell(page, "row 0").waitFor();
    assert.ok((await elements()) < 2_000);

    await person.open("#/tables/wide");
    await cell(page, "0").waitFor();
    assert.ok((await elements()) < 2_000);
    await grid(page).press("End");
    await cell(page, "2093").waitFor();
    await grid(page).getByRole("columnheader", { name: /^c299/ }).waitFor();
    await person.leave();
});

test("a number is never cut off, however long the ones further on are", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await me.post("/tables/", {
        table_name: "things",
        rows: range(60).map((n) => ({ n, far: 10 ** (n / 4) })),
    });
    await me.post("/tables/things/rows/", {
        rows: range(60, 400).map((n) => ({ n: 123_456_789, far: 0.1 + n })),
    });
    await person.open("#/tables/things?sort=-n");
    await cell(page, "123456789").first().waitFor();
    const cut = () =>
        grid(page)
            .getByRole("gridcell")
            .evaluateAll((cells) =>
                cells.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText),
            );
    await until(async () => (await cut()).length === 0, "the columns to give way");
    await person.open("#/tables/things?filter=n:gt:x");
    person.expect("422");
    await page.getByRole("alert").filter({ hasText: '"x" does not fit "n"' }).waitFor();
    assert.equal(await page.getByText(/ of 400 rows/).count(), 0, "what could not be filtered is not counted");
    await person.leave();
});

test("rows are sorted and filtered, the address keeps it, and a file has what is seen", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await things(me);
    await person.open("#/tables/things");
    await cell(page, "thing 0").waitFor();
    const head = grid(page).getByRole("columnheader", { name: /^price/ });
    await head.getByRole("button").click();
    await until(async () => (await head.getAttribute("aria-sort")) === "ascending", "the order");
    await head.getByRole("button").click();
    await cell(page, "thing 39").waitFor();
    await until(async () => (await firstRow(page)).cells[0] === "39", "the dearest first");

    const add = async (column, op, value) => {
        await page.getByRole("button", { name: "Filter", exact: true }).click();
        const form = page.getByRole("form", { name: "Another filter" });
        await form.getByLabel("Column").selectOption(column);
        await form.getByLabel("Condition").selectOption({ label: op });
        if (value !== undefined) await form.getByLabel("Value").fill(value);
        await form.getByRole("button", { name: "Add" }).click();
    };
    await add("price", "is at least", "30");
    await page.getByText("20 of 40 rows").waitFor();
    await add("name", "contains", "THING 3");
    await page.getByText("10 of 40 rows").waitFor();
    await add("note", "is not NULL");
    await page.getByText("8 of 40 rows").waitFor();
    await person.look("table-filtered");
    await page.reload();
    await page.getByText("8 of 40 rows").waitFor();
    assert.equal((await firstRow(page)).cells[0], "39");

    const save = async (format) => {
        await page.getByRole("button", { name: "Export" }).click();
        const dialog = page.getByRole("dialog");
        await dialog.getByText("8 rows that fit the filters, sorted by price").waitFor();
        await dialog.getByRole("radio", { name: format }).check();
        return saved(page, () => dialog.getByRole("button", { name: "Save the file" }).click());
    };
    const wanted = [39, 38, 37, 36, 34, 33, 32, 31];
    const csv = await save("CSV");
    assert.equal(csv.name, "things.csv");
    assert.deepEqual(
        csvRows(csv.bytes)
            .slice(1)
            .map(([id]) => Number(id)),
        wanted,
    );
    const parquet = await save("Parquet");
    assert.deepEqual(
        (await parquetRows(parquet.bytes)).map(({ id }) => Number(id)),
        wanted,
    );
    const json = await save("JSON");
    assert.deepEqual(
        JSON.parse(json.bytes.toString()).map(({ id }) => id),
        wanted,
    );

    await page.getByRole("button", { name: /^Remove the filter name contains/ }).click();
    await page.getByText("16 of 40 rows").waitFor();
    await page.getByRole("button", { name: "Remove all" }).click();
    await page.getByText("40 rows", { exact: true }).first().waitFor();
    await add("price", "is more than", "a lot");
    person.expect("422");
    await page.getByRole("alert").getByText(/price/).waitFor();
    await person.leave();
});

test("rows are typed in, by their types; others' rows come by themselves", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await things(me, 3);
    await person.open("#/tables/things");
    await cell(page, "thing 2").waitFor();
    await page.getByRole("button", { name: "Type rows" }).click();
    const dialog = page.getByRole("dialog", { name: "Type rows for things" });
    await dialog.getByLabel("id").fill("one");
    await dialog.getByLabel("name").fill("typed");
    person.expect("422");
    await dialog.getByRole("button", { name: "Append" }).click();
    await dialog.getByRole("row", { name: /1 id one/ }).waitFor();
    await person.look("table-type");
    await dialog.getByLabel("id").fill("100");
    await dialog.getByLabel("price").fill("12.25");
    await dialog.getByLabel("sold").selectOption("true");
    await dialog.getByRole("button", { name: "Another row" }).click();
    await dialog.getByRole("group", { name: "Row 2" }).getByLabel("id").fill("101");
    await dialog.getByRole("button", { name: "Append" }).click();
    await dialog.waitFor({ state: "detached" });
    await cell(page, "typed").waitFor();
    const rows = await me.rows("things");
    assert.deepEqual(rows.slice(3), [
        { id: 100, name: "typed", price: 12.25, made: null, sold: true, note: null },
        { id: 101, name: null, price: null, made: null, sold: null, note: null },
    ]);
    await me.post("/tables/things/rows/", { rows: [{ id: 102, name: "of another" }] });
    await cell(page, "of another").waitFor();
    await person.leave();
});

test("a table is forked, and deleted with its dependents named", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await things(me, 3);
    await me.view("dear", "SELECT * FROM things WHERE price > 2");
    await me.view("dearest", "SELECT max(price) AS price FROM dear");
    const { id } = await me.job("dearest");
    const { public_identifier } = await me.channel(id);
    await person.open("#/tables/things");
    await page.getByRole("link", { name: "dear" }).waitFor();
    await page.getByRole("button", { name: "Fork" }).click();
    person.expect("409");
    await page.getByLabel("Name of the copy").fill("dear");
    await page.getByRole("button", { name: "Make the copy" }).click();
    await page.getByRole("dialog").getByRole("alert").getByText('There is already a view named "dear"').waitFor();
    await page.getByLabel("Name of the copy").fill("others");
    await page.getByRole("button", { name: "Make the copy" }).click();
    await page.getByRole("heading", { name: "others", level: 1 }).waitFor();
    await cell(page, "thing 2").waitFor();

    await person.open("#/tables/things");
    await page.getByRole("button", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete the table things?" });
    await dialog.getByText("These go with it").waitFor();
    assert.deepEqual(await dialog.getByRole("listitem").allInnerTexts(), [
        "views: dear, dearest",
        `jobs: ${id} (dearest)`,
        `channels: ${public_identifier}`,
    ]);
    await person.look("table-delete");
    await dialog.getByRole("button", { name: "Delete all of it" }).click();
    await page.getByRole("heading", { name: "Tables", level: 1 }).waitFor();
    const { data } = await me.get("/tables/");
    assert.deepEqual(
        data.map(({ table_name }) => table_name),
        ["others"],
    );
    assert.equal((await me.get("/views/")).data.length, 0);
    await person.open("#/tables/things");
    await page.getByText("There is no table of this name").waitFor();
    await person.leave();
});

test("a network that is gone is told, and rows come when it is back", async () => {
    const wire = await Wire.to(server);
    const person = await Person.at(browser, server, { wire });
    const { page, me } = person;
    await me.table("many", `n\n${range(5_000).join("\n")}\n`);
    await person.open("#/tables/many");
    await cell(page, "0").waitFor();
    person.expect("net::ERR_", "Failed to fetch");
    await wire.cut();
    await grid(page).press("Control+End");
    await page.getByRole("alert").getByText("The server can't be reached").waitFor();
    await wire.mend();
    await cell(page, "4999").waitFor();
    await page.getByRole("alert").waitFor({ state: "detached" });
    await person.leave();
    await wire.cut();
});
