// Views, as a person makes them: a query that is written, tried and saved; its rows, its chart, its history; live.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test, until, useServer } from "../api/harness.mjs";
import { SAMPLE_COLUMNS, sampleCsv } from "../api/client.mjs";
import { Person, useBrowser, Wire } from "./person.mjs";

const server = useServer();
const browser = useBrowser();

const SALES = [
    "day,country,item,amount,paid",
    "2026-01-01,DE,pen,2.50,true",
    "2026-01-02,FR,ink,7.25,true",
    "2026-01-03,DE,pad,4.00,false",
    "2026-01-04,US,pen,2.75,true",
    "2026-01-05,FR,pad,4.20,false",
].join("\n");
const BY_COUNTRY = "SELECT country, count(*) AS sales, sum(amount) AS total FROM sales GROUP BY country";

async function withSales(options) {
    const person = await Person.at(browser, server, options);
    await person.me.table("sales", SALES);
    return person;
}

const sell = (me, ...rows) => me.post("/tables/sales/rows/", { rows });
const sale = (country, amount) => ({ day: "2026-02-01", country, item: "pen", amount, paid: true });

/** By the keyboard, as it is; what the editor offers meanwhile is left alone. */
async function write(page, sql) {
    await page.getByRole("textbox", { name: /in SQL/ }).click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(sql);
}

const text = (page) => page.getByRole("textbox", { name: /in SQL/ }).innerText();
const cells = async (row) => (await row.getByRole("gridcell").allInnerTexts()).map((value) => value.trim());
const rowsOf = async (grid) => Promise.all((await grid.getByRole("row").all()).slice(1).map(cells));

test("without views the page says what one is, and where to begin", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await person.open("#/views");
    await page.getByText("No views yet").waitFor();
    assert.equal(await page.getByRole("link", { name: "Upload a table first" }).getAttribute("href"), "#/tables");
    await person.look("views-empty");
    await me.table("sample", sampleCsv, SAMPLE_COLUMNS);
    await page.getByRole("link", { name: "Write the first one" }).click();
    await page.getByRole("heading", { name: "New view" }).waitFor();
    await page.getByRole("button", { name: "All of sample" }).click();
    await until(async () => /SELECT \*\s+FROM sample/.test(await text(page)), "the example");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("grid", { name: "Rows of the query" }).getByText("Juliett").waitFor();
    await person.leave();
});

test("a query is written with completion, tried by Ctrl+Enter, and saved as a view", async () => {
    const person = await withSales();
    const { page, me } = person;
    await person.open("#/views/new");
    await page.getByRole("textbox", { name: /in SQL/ }).click();
    await page.keyboard.type("SELECT coun");
    const offered = page.getByRole("listbox");
    await offered.getByRole("option", { name: /^country\s*(text|varchar\S*) · sales$/ }).waitFor();
    await offered.getByRole("option", { name: /^count\s*\(x\)$/ }).waitFor();
    await person.look("views-completion");
    await page.getByRole("textbox", { name: /in SQL/ }).click();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("SELECT country, coun");
    await offered.getByRole("option", { name: /^count\s*\(x\)$/ }).click();
    await page.keyboard.type("*");
    await page.keyboard.press("End");
    await page.keyboard.type(" AS n FROM sal");
    await offered.getByRole("option", { name: /^sales\s*table$/ }).click();
    await page.keyboard.type(" s GROUP BY s.");
    await offered.getByRole("option", { name: /^country/ }).click();
    await page.keyboard.type(" ORDER BY n DESC, country");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Enter");
    const grid = page.getByRole("grid", { name: "Rows of the query" });
    await page.getByText(/^3 rows in \d/).waitFor();
    assert.deepEqual(await rowsOf(grid), [
        ["DE", "2"],
        ["FR", "2"],
        ["US", "1"],
    ]);
    await person.look("views-new");
    await page.getByRole("textbox", { name: "Name" }).fill("by country");
    await page.getByRole("button", { name: "Save the view" }).click();
    await page.getByRole("heading", { name: "by country" }).waitFor();
    assert.match(page.url(), /#\/views\/by%20country/);
    await page.getByRole("grid", { name: "Rows of by country" }).getByText("FR").waitFor();
    const { sql_query } = await me.get("/views/by%20country/");
    assert.equal(sql_query, "SELECT country, count(*) AS n FROM sales s GROUP BY s.country ORDER BY n DESC, country");
    await page.getByRole("link", { name: "Views" }).first().click();
    await page.getByRole("list", { name: "Views" }).getByText("3 rows").waitFor();
    await person.look("views-list");
    await person.leave();
});

test("what is wrong is told at its place, when it is tried and when it is saved", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("taken", "SELECT 1 AS one");
    await person.open("#/views/new");
    await write(page, "SELECT country,\n    sum(amuont) AS total\nFROM sales GROUP BY country");
    person.expect("422", "409");
    await page.keyboard.press("Control+Enter");
    const alert = page.getByRole("alert");
    await alert.filter({ hasText: "line 2, column 9" }).waitFor();
    await person.look("views-wrong");
    // F8 goes to it and takes hold of it: what is typed then stands in its place
    await page.getByRole("textbox", { name: /in SQL/ }).click();
    await page.keyboard.press("F8");
    await page.keyboard.type("amount");
    await alert.waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+Enter");
    await page.getByText(/^3 rows in/).waitFor();
    await page.getByRole("textbox", { name: "Name" }).fill("taken");
    await page.getByRole("button", { name: "Save the view" }).click();
    await page.getByText(/^There is already a (table|view) named/).waitFor();
    await write(page, "SELEC 1");
    await page.getByRole("textbox", { name: "Name" }).fill("other");
    await page.getByRole("button", { name: "Save the view" }).click();
    await alert.filter({ hasText: "line 1, column 1" }).waitFor();
    assert.deepEqual(
        (await me.get("/views/")).data.map(({ view_name }) => view_name),
        ["taken"],
    );
    await person.leave();
});

test("a query that takes long can be stopped, and another one run", async () => {
    const person = await Person.at(browser, server);
    const { page } = person;
    await person.open("#/views/new");
    await write(page, "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 7");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("button", { name: "Stop" }).click();
    await write(page, "SELECT 'after that' AS it");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("grid", { name: "Rows of the query" }).getByText("after that").waitFor();
    await person.leave();
});

test("a draft survives a reload, and leaving asks", async () => {
    const person = await withSales();
    const { page } = person;
    const home = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Home" });
    const dialog = page.getByRole("dialog", { name: "This query is not saved" });
    await person.open("#/views/new");
    await write(page, "SELECT 'unsaved' AS it");
    await page.reload();
    await page.getByText("'unsaved'").waitFor();
    await home.click();
    await dialog.getByRole("button", { name: "Stay here" }).click();
    assert.match(page.url(), /#\/views\/new$/);
    assert.match(await text(page), /'unsaved'/);
    await home.click();
    await person.look("views-leaving");
    await dialog.getByRole("button", { name: "Stay here" }).click();
    await page.goBack(); // the way here is as it was, also when one stays
    await dialog.getByRole("button", { name: "Stay here" }).click();
    await until(() => page.url().endsWith("#/views/new"), "the address of the page that is shown");
    await page.goBack();
    await dialog.getByRole("button", { name: "Stay here" }).click();
    await until(() => page.url().endsWith("#/views/new"), "the address of the page that is shown");
    await home.click();
    await dialog.getByRole("button", { name: "Keep the draft" }).click();
    await page.getByRole("heading", { name: "Home" }).waitFor();
    await person.open("#/views/new");
    await page.getByText("'unsaved'").waitFor();
    await page.goBack();
    await dialog.getByRole("button", { name: "Throw it away" }).click();
    await page.getByRole("heading", { name: "Home" }).waitFor();
    await person.open("#/views/new");
    await page.getByText("Begin with").waitFor();
    assert.doesNotMatch(await text(page), /unsaved/);
    await home.click();
    await page.getByRole("heading", { name: "Home" }).waitFor();
    await person.leave();
});

test("rows are sorted, filtered and saved as a file", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("v", "SELECT country, item, amount FROM sales");
    await person.open("#/views/v");
    const grid = page.getByRole("grid", { name: "Rows of v" });
    const amounts = async () => (await rowsOf(grid)).map((row) => row[2]);
    await grid.getByRole("button", { name: /amount/ }).click();
    await until(async () => (await amounts())[0] === "2.5", "rows by amount");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByLabel("Column").selectOption("country");
    await page.getByLabel("Condition").selectOption({ label: "is" });
    await page.getByLabel("Value").fill("FR");
    await page.getByRole("button", { name: "Add" }).click();
    await page.getByText("2 of 5 rows").waitFor();
    await until(async () => (await amounts()).join() === "4.2,7.25", "the rows that fit");
    await person.look("views-rows");
    await page.getByRole("button", { name: "Export" }).click();
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save the file" }).click();
    const file = await saved;
    assert.equal(file.suggestedFilename(), "v.csv");
    const lines = readFileSync(await file.path(), "utf8")
        .trim()
        .split(/\r?\n/);
    assert.deepEqual(lines, ["country,item,amount", "FR,pad,4.2", "FR,ink,7.25"]);
    await person.leave();
});

test("the query of a view is changed, its error told at its place, and saved as the next version", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("v", BY_COUNTRY);
    await person.open("#/views/v/query");
    await page.getByText("country").first().waitFor();
    await until(async () => (await text(page)) === BY_COUNTRY, "the query as it is");
    assert.ok(await page.getByRole("button", { name: "Save", exact: true }).isDisabled());
    const wrong = `${BY_COUNTRY} HAVING count(*) > 1 ORDER BY sumn`;
    await write(page, wrong);
    await page.getByText("not saved").waitFor();
    person.expect("422");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page
        .getByRole("alert")
        .filter({ hasText: `line 1, column ${wrong.indexOf("sumn") + 1}` })
        .waitFor();
    assert.equal((await me.get("/views/v/")).version, 1);
    await person.look("views-query");
    await page.getByRole("button", { name: "Discard" }).click();
    await until(async () => (await text(page)) === BY_COUNTRY, "the query as it was");
    await write(page, `${BY_COUNTRY} HAVING count(*) > 1`);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved: version 2 is by the new query.").waitFor();
    await page.getByText("not saved").waitFor({ state: "detached" });
    await page.getByRole("link", { name: "Rows", exact: true }).click();
    await until(async () => (await rowsOf(page.getByRole("grid"))).length === 2, "the rows of the new query");
    assert.equal((await me.get("/views/v/")).version, 2);
    // what somebody else saves is shown where nothing is being written
    await page.getByRole("link", { name: "Query", exact: true }).click();
    await page.getByText("HAVING").waitFor();
    await me.patch("/views/v/", { sql_query: "SELECT 'by another' AS hand" });
    await page.getByText("'by another'").waitFor();
    await person.leave();
});

/** How much is drawn on the canvas, beside its ground. */
const ink = (page) =>
    page.getByRole("img").evaluate((place) => {
        const canvas = place.querySelector("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return data.filter((value, i) => i % 4 === 3 && value > 0).length;
    });

test("a chart is chosen, drawn, remembered for all, and there as a table", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("v", "SELECT day, country, amount, amount * 2 AS twice FROM sales");
    await person.open("#/views/v/chart");
    await page.getByRole("img", { name: /^Line chart of amount of v, 5 points by day/ }).waitFor();
    assert.ok((await ink(page)) > 1_000);
    await person.look("views-chart-line");
    await page.getByLabel("Kind").selectOption("Bar");
    await page.getByLabel("Along X").selectOption("country (text)");
    await page.getByLabel("Rows are taken").selectOption("by Y, largest first");
    await page.getByLabel("At most").fill("3");
    await page.getByRole("checkbox", { name: "twice" }).check();
    const bars = page.getByRole("img", { name: /^Bar chart of amount, twice of v, 3 points by country/ });
    await bars.waitFor();
    assert.ok((await ink(page)) > 10_000);
    await page.getByRole("button", { name: "Show as a table" }).click();
    const table = page.getByRole("grid", { name: "The chart as a table" });
    await until(async () => (await rowsOf(table)).length === 3, "the drawn rows");
    assert.deepEqual(await rowsOf(table), [
        ["FR", "7.25", "14.5"],
        ["FR", "4.2", "8.4"],
        ["DE", "4", "8"],
    ]);
    await person.look("views-chart-bar");
    await page.getByRole("button", { name: "Remember this chart" }).click();
    await page.getByText("remembered", { exact: true }).waitFor();
    assert.equal((await me.get("/views/v/")).version, 1);
    await page.reload();
    await bars.waitFor();
    // one number; and a new version is drawn as it comes
    await page.getByLabel("Kind").selectOption("Single number");
    await page.getByRole("checkbox", { name: "twice" }).uncheck();
    await page
        .getByRole("definition")
        .filter({ hasText: /^7\.25$/ })
        .waitFor();
    await person.look("views-chart-number");
    await sell(me, sale("US", 99));
    await me.refresh_view("v");
    await page.getByRole("definition").filter({ hasText: /^99$/ }).waitFor();
    await page.getByRole("button", { name: "Forget it" }).click();
    await page.getByText("The chart is forgotten.").waitFor();
    assert.equal((await me.get("/views/v/")).chart, null);
    await me.view("words", "SELECT country FROM sales");
    await person.open("#/views/words/chart");
    await page.getByText("Nothing to draw").waitFor();
    await person.leave();
});

test("versions stand in a list, and any two are compared, live for a new one", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("v", BY_COUNTRY);
    await person.open("#/views/v/history");
    await page.getByText("This is its first version.").waitFor();
    await sell(me, sale("DE", 1), sale("IT", 5));
    await me.refresh_view("v");
    const list = page.getByRole("list", { name: "Versions, newest first" });
    const diff = () => page.getByRole("grid", { name: /^What changed from version/ });
    const told = async () => {
        const lines = (await diff().getByRole("row").all()).slice(1);
        return Promise.all(
            lines.map(async (line) => {
                const head = await line.getByRole("rowheader").innerText();
                return [/added/.test(head) ? "+" : /removed/.test(head) ? "-" : "?", ...(await cells(line))].join(" ");
            }),
        );
    };
    const changed = (...rows) => until(async () => (await told()).join("; ") === rows.join("; "), rows.join("; "));
    await page.getByRole("heading", { name: "What changed from version 1 to 2" }).waitFor();
    await changed("- DE 2 6.5", "+ DE 3 7.5", "+ IT 1 5");
    await sell(me, sale("IT", 6));
    await me.refresh_view("v");
    await page.getByRole("heading", { name: "What changed from version 2 to 3" }).waitFor();
    await changed("- IT 1 5", "+ IT 2 11");
    assert.deepEqual(
        (await list.getByRole("link").allInnerTexts()).map((line) => line.replace(/\s+/g, " ").trim()),
        ["Version 3 newest", "Version 2"],
    );
    await page.getByLabel("From", { exact: true }).selectOption("Version 1");
    await page.getByRole("heading", { name: "What changed from version 1 to 3" }).waitFor();
    await changed("- DE 2 6.5", "+ DE 3 7.5", "+ IT 2 11");
    assert.match(page.url(), /after=1$/);
    await person.look("views-history");
    // to the newest, as it comes; to a certain one it stays
    await sell(me, sale("FR", 0.55));
    await me.refresh_view("v");
    await page.getByRole("heading", { name: "What changed from version 1 to 4" }).waitFor();
    await changed("- DE 2 6.5", "+ DE 3 7.5", "- FR 2 11.45", "+ FR 3 12", "+ IT 2 11");
    await list.getByRole("link", { name: "Version 2" }).click();
    await page.getByRole("heading", { name: "What changed from version 1 to 2" }).waitFor();
    await page.reload();
    await changed("- DE 2 6.5", "+ DE 3 7.5", "+ IT 1 5");
    // other columns: nothing to compare, and it says so
    await me.patch("/views/v/", { sql_query: "SELECT country FROM sales" });
    await list.getByText("new columns").waitFor();
    person.expect("410");
    await page.reload();
    await page.getByRole("alert").filter({ hasText: "can't be compared" }).waitFor();
    await person.leave();
});

test("of many versions the older ones are a button away, and new ones come on top", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await me.view("dice", "SELECT random() AS r");
    for (let i = 2; i <= 60; i++) await me.refresh_view("dice");
    await person.open("#/views/dice/history");
    const lines = page.getByRole("list", { name: "Versions, newest first" }).getByRole("listitem");
    const count = (n) =>
        until(async () => (await lines.filter({ hasText: /^Version/ }).count()) === n, `${n} versions`);
    await count(50);
    await me.refresh_view("dice");
    await lines.first().filter({ hasText: "Version 61" }).waitFor();
    await page.getByRole("button", { name: "Older ones" }).click();
    await count(61);
    await page.getByRole("button", { name: "Older ones" }).waitFor({ state: "detached" });
    assert.match(await lines.last().innerText(), /^Version 1\b/);
    await person.leave();
});

test("what a refresh changes is seen at once, and what it fails of", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("v", "SELECT country, 10 / min(amount) AS least FROM sales GROUP BY country");
    await me.view(
        "w",
        "SELECT CAST(item AS VARCHAR) AS item, CAST(item AS INT) AS number FROM sales WHERE amount > 100",
    );
    await me.view("reader", "SELECT * FROM w");
    await me.job("v");
    await person.open("#/views/v");
    const grid = page.getByRole("grid", { name: "Rows of v" });
    await until(async () => (await rowsOf(grid)).length === 3, "the rows");
    await page.getByText("standing").waitFor();
    await page.getByRole("button", { name: "Refresh now" }).click();
    await page.getByText("Nothing that the view reads has changed").waitFor();
    await sell(me, sale("IT", 5));
    await page.getByRole("button", { name: "Refresh now" }).click();
    await page.getByText("Refreshed: version 2.").waitFor();
    await grid.getByRole("row", { name: /added/ }).filter({ hasText: "IT" }).waitFor();
    await page.getByRole("link", { name: "1 added, 0 removed" }).click();
    await page.getByRole("heading", { name: "What changed from version 1 to 2" }).waitFor();
    // the light on a new row goes out
    await page.getByRole("link", { name: "Rows", exact: true }).click();
    await sell(me, sale("ES", 5));
    await me.refresh_view("v");
    await grid.getByRole("row", { name: /added/ }).filter({ hasText: "ES" }).waitFor();
    await grid.getByRole("row", { name: /added/ }).waitFor({ state: "detached" });
    // a refresh that fails
    await person.open("#/views/w");
    await page.getByText("Nothing fits the query now.").waitFor();
    await page.getByRole("link", { name: "reader" }).waitFor();
    await sell(me, sale("US", 1_000));
    person.expect("422");
    await page.getByRole("button", { name: "Refresh now" }).click();
    const failure = page.getByRole("alert").filter({ hasText: "The last refresh failed" });
    await failure.getByText(/pen/).waitFor();
    await person.look("views-failed");
    await person.open("#/views");
    await page.getByRole("list", { name: "Views" }).getByText("refresh failed").waitFor();
    await person.open("#/views/w");
    await failure.getByRole("link", { name: "Mend the query" }).click();
    await page.getByRole("textbox", { name: /in SQL/ }).waitFor();
    await write(page, "SELECT item FROM sales WHERE amount > 100");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await failure.waitFor({ state: "detached" });
    await person.leave();
});

test("a view is deleted with what depends on it, which is named before", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("base", BY_COUNTRY);
    await me.view("over", "SELECT max(total) AS most FROM base");
    await me.job("base");
    await person.open("#/views/base");
    await page.getByRole("button", { name: "Delete" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete the view base?" });
    await dialog.getByText("over").waitFor();
    await person.look("views-delete");
    await dialog.getByRole("button", { name: "Keep" }).click();
    await page.getByRole("button", { name: "Delete" }).click();
    await dialog.getByRole("button", { name: "Delete all of it" }).click();
    await page.getByText("No views yet").waitFor();
    assert.deepEqual((await me.get("/views/")).data, []);
    await me.get("/tables/sales/");
    await person.open("#/views/base");
    await page.getByText("There is no view base").waitFor();
    await person.leave();
});

test("a schedule is begun from the view", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("v w", BY_COUNTRY);
    await person.open("#/views/v%20w");
    await page.getByRole("link", { name: "Schedule" }).click();
    assert.equal(new URLSearchParams(page.url().split("?")[1]).get("view"), "v w");
    await person.leave();
});

test("a view may be called as the page that makes one", async () => {
    const person = await withSales();
    const { page, me } = person;
    await me.view("new", BY_COUNTRY);
    await person.open("#/views");
    await page.getByRole("list", { name: "Views" }).getByRole("link", { name: "new" }).click();
    await page.getByRole("grid", { name: "Rows of new" }).waitFor();
    await person.leave();
});

test("after the network was gone, the version of meanwhile is there with what it changed", async () => {
    const wire = await Wire.to(server);
    const person = await withSales({ wire });
    const { page, me } = person;
    await me.view("v", BY_COUNTRY);
    await person.open("#/views/v/history");
    await page.getByText("This is its first version.").waitFor();
    person.expect("net::ERR_");
    await wire.cut();
    await page.locator('[data-live="waiting"], [data-live="connecting"]').first().waitFor({ state: "attached" });
    await sell(me, sale("IT", 5));
    await me.refresh_view("v");
    await wire.mend();
    const grid = page.getByRole("grid", { name: "What changed from version 1 to 2" });
    await grid.getByRole("row", { name: /added/ }).filter({ hasText: "IT" }).waitFor();
    await person.leave();
    await wire.cut();
});
