// From an empty account to a live event, as a newcomer goes; and the picture of the pipeline.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import { Person, useBrowser, Wire } from "./person.mjs";

const server = useServer();
const browser = useBrowser();

test("a newcomer sees a live event within a minute, and the picture of what was made", async () => {
    const person = await Person.at(browser, server);
    const { page } = person;
    const began = Date.now();
    await page.getByRole("heading", { name: "Welcome" }).waitFor();
    await person.look("home-empty");
    await page.getByRole("button", { name: "Make the sample table" }).click();
    await page.getByRole("button", { name: "Make the view" }).click();
    await page.getByRole("button", { name: "Refresh it and listen" }).click();
    await page.getByText("Listening.").waitFor();
    await page.getByRole("button", { name: "Add an order" }).click();
    await page.getByText(/^Version \d+/).waitFor();
    assert.ok(Date.now() - began < 60_000);
    const told = page.getByRole("article").first();
    assert.match(await told.innerText(), /added|\+/);
    const { data } = await person.me.get("/channels/");
    const picture = page.getByRole("region", { name: "The pipeline" });
    for (const text of ["orders", "open_orders", "5 seconds", data[0].public_identifier.slice(0, 8)])
        await picture.getByText(text).first().waitFor();
    await picture.getByText("1 listener", { exact: true }).waitFor();
    await person.look("home");
    await picture.getByRole("link", { name: /view open_orders/ }).click();
    await until(() => page.url().endsWith("#/views/open_orders"), "the page of the view");
    await person.leave();
});

test("a table that happens to be called as the sample is not taken for it", async () => {
    const person = await Person.at(browser, server);
    const { page, me } = person;
    await page.getByRole("heading", { name: "Welcome" }).waitFor();
    await me.post("/tables/", {
        table_name: "orders",
        rows: [{ id: 1, customer: "Ada" }],
    });
    await page.getByRole("region", { name: "The pipeline" }).getByText("orders").waitFor();
    assert.equal(await page.getByText("in three steps").count(), 0);
    assert.equal(await page.getByRole("button", { name: "Make the view" }).count(), 0);
    await person.leave();
});

test("what others do is seen at once, also after the network was gone", async () => {
    const wire = await Wire.to(server);
    const person = await Person.at(browser, server, { wire });
    const { page, me } = person;
    await me.post("/tables/", { table_name: "first", rows: [{ n: 1 }] });
    const picture = page.getByRole("region", { name: "The pipeline" });
    await picture.getByText("first").waitFor();
    person.expect("net::ERR_");
    await wire.cut();
    await page.locator('[data-live="waiting"], [data-live="connecting"]').first().waitFor({ state: "attached" });
    await me.post("/tables/", { table_name: "second", rows: [{ n: 1 }] });
    await wire.mend();
    await picture.getByText("second").waitFor();
    await person.live();
    await me.call("DELETE", "/tables/first/");
    await picture.getByText("first").waitFor({ state: "detached" });
    await person.leave();
    await wire.cut();
});
