// Signing in, staying so, and signing out, as a person does it.
import assert from "node:assert/strict";
import { test, until, useServer } from "../api/harness.mjs";
import { account, PASSWORD } from "../api/client.mjs";
import { Person, useBrowser } from "./person.mjs";

const server = useServer({ env: { ACCESS_TOKEN_SECONDS: "25" } });
const browser = useBrowser();

test("a newcomer makes an account and is in", async () => {
    const person = await Person.at(browser, server, { signedIn: false });
    const { page } = person;
    await person.open();
    await person.look("sign-in");
    await page.getByRole("button", { name: "Make an account" }).click();
    await page.getByLabel("E-mail").fill("newcomer@example.com");
    await page.getByLabel("Password").fill("password123");
    person.expect("422");
    await page.getByRole("button", { name: "Make the account" }).click();
    assert.match(await page.getByRole("alert").innerText(), /tried first/);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Make the account" }).click();
    await person.live();
    await page.getByRole("navigation", { name: "Main" }).getByText("newcomer@example.com").waitFor();
    await person.leave();
});

test("a wrong password is told, and the right one let in; a reload keeps who is in", async () => {
    const { email } = await account(server);
    const person = await Person.at(browser, server, { signedIn: false });
    const { page } = person;
    await person.open();
    await page.getByLabel("E-mail").fill(email);
    await page.getByLabel("Password").fill("not the right one");
    person.expect("401");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await person.live();
    await page.reload();
    await person.live();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await person.leave();
});

test("the session is renewed before it runs out, by one of two tabs", async () => {
    const person = await Person.at(browser, server);
    const { page, context } = person;
    const other = await context.newPage();
    await other.goto(server.url);
    await other.locator('[data-live="open"]').first().waitFor({ state: "attached" });
    const token = () => page.evaluate(() => JSON.parse(localStorage.getItem("tinydevcrm.tokens")).access);
    const first = await token();
    const pages = [page, other];
    let at = 0;
    // an access token is good for 25 s and renewed 20 s early: each page that asks after 5 s renews, or finds it renewed
    await until(
        async () => {
            await Promise.all(pages.map((tab) => tab.evaluate((n) => (location.hash = `#/account?${n}`), ++at)));
            await Promise.all(pages.map((tab) => tab.reload()));
            return (await token()) !== first;
        },
        "another token",
        30_000,
    );
    for (const tab of pages) await tab.locator('[data-live="open"]').first().waitFor({ state: "attached" });
    await person.leave();
});

test("a page that is reloaded while the session is renewed is still signed in", async () => {
    const person = await Person.at(browser, server);
    const { page } = person;
    const tokens = () => page.evaluate(() => JSON.parse(localStorage.getItem("tinydevcrm.tokens")));
    const first = await tokens();
    // the server renews, and the page never hears of it
    let lost = 0;
    await page.route("**/auth/tokens/refresh/", async (route) => {
        if (lost++ > 0) return route.continue();
        const answer = await route.fetch();
        assert.equal(answer.status(), 200);
        await route.abort();
    });
    person.expect("net::ERR_FAILED");
    await until(
        async () => {
            await page.reload();
            return (await tokens()).access !== first.access;
        },
        "another token",
        30_000,
    );
    assert.ok(lost > 1);
    await person.live();
    await person.leave();
});

test("a session that is ended elsewhere says so", async () => {
    const person = await Person.at(browser, server);
    const { page } = person;
    person.expect("401");
    const { refresh } = await page.evaluate(() => JSON.parse(localStorage.getItem("tinydevcrm.tokens")));
    await person.me.call("POST", "/auth/tokens/blacklist/", { json: { refresh } });
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.match(await page.getByRole("status").first().innerText(), /session has ended/);
    await person.leave();
});
