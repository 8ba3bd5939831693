// A person at the console: Debian's Chromium on a fresh server, driven as a person would.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";
import { program, slow } from "../api/harness.mjs";
import { account, PASSWORD } from "../api/client.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
/** Where pictures of the pages are kept. */
export const pictures = path.join(path.dirname(program), "screenshots");
const WIDTHS = [1440, 360];
const GRAVE = ["serious", "critical"];

/** A browser for all tests of a file. */
export function useBrowser() {
    const holder = {};
    before(async () => {
        mkdirSync(pictures, { recursive: true });
        // The sandbox of Chromium needs a user of its own; what it opens here is ours.
        holder.browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    });
    after(() => holder.browser?.close());
    return holder;
}

/** A network between the browser and the server, which can be cut: what is open breaks, and nothing new gets through. */
export class Wire {
    static async to(server) {
        const wire = new Wire();
        wire.ends = new Set();
        wire.listener = net.createServer((near) => {
            const far = net.connect(server.port, "127.0.0.1");
            for (const [end, other] of [
                [near, far],
                [far, near],
            ]) {
                wire.ends.add(end);
                end.on("error", () => other.destroy()).on("close", () => wire.ends.delete(end));
                end.pipe(other);
            }
        });
        await wire.mend();
        return wire;
    }

    async mend() {
        await new Promise((resolve) => this.listener.listen(this.port ?? 0, "127.0.0.1", resolve));
        this.port = this.listener.address().port;
        this.url = `http://127.0.0.1:${this.port}`;
    }

    async cut() {
        const closed = new Promise((resolve) => this.listener.close(resolve));
        for (const end of this.ends) end.destroy();
        await closed;
    }
}

/** One person with one page; signed in with an account of their own, unless told otherwise. */
export class Person {
    /** `me` is an Account of tests/api/client.mjs; it makes what the test needs by the API. */
    constructor(server, context, page, me) {
        Object.assign(this, { server, context, page, me, faults: [], expected: [] });
        page.setDefaultTimeout(15_000 * slow);
        page.on("pageerror", (problem) => this.faults.push(`error: ${problem.message}`));
        page.on("console", (message) => {
            if (message.type() === "error") this.faults.push(`console: ${message.text()} ${message.location().url}`);
        });
    }

    static async at({ browser }, server, { signedIn = true, width = 1440, dark = false, wire, ...options } = {}) {
        const context = await browser.newContext({
            viewport: { width, height: 900 },
            colorScheme: dark ? "dark" : "light",
            timezoneId: "Europe/Berlin",
            locale: "en-GB",
            acceptDownloads: true,
            ...options,
        });
        const me = signedIn ? await account(server) : undefined;
        const person = new Person(server, context, await context.newPage(), me);
        person.url = wire?.url ?? server.url;
        if (signedIn) await person.signIn(me.email);
        return person;
    }

    /** What the browser says of refusals that the test brought about: "422", "Failed to fetch". */
    expect(...texts) {
        this.expected.push(...texts);
    }

    async open(hash = "") {
        await this.page.goto(`${this.url}/${hash}`);
    }

    async signIn(email, password = PASSWORD) {
        await this.open();
        await this.page.getByLabel("E-mail").fill(email);
        await this.page.getByLabel("Password").fill(password);
        await this.page.getByRole("button", { name: "Sign in" }).click();
        await this.live();
    }

    /** The page is joined to the stream: from here on it is told what happens. */
    async live() {
        await this.page.locator('[data-live="open"]').first().waitFor({ state: "attached" });
    }

    /** Pictures at both widths, light and dark; nothing wider than the page, and nothing that axe finds grave. */
    async look(name) {
        const { width, height } = this.page.viewportSize();
        for (const wide of WIDTHS) {
            await this.page.setViewportSize({ width: wide, height });
            for (const colorScheme of ["dark", "light"]) {
                await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
                await this.page.waitForFunction(
                    (scheme) => document.documentElement.dataset.theme === scheme,
                    colorScheme,
                );
                await this.page.screenshot({ path: path.join(pictures, `${name}-${wide}-${colorScheme}.png`) });
                await this.accessible(`${name} at ${wide}, ${colorScheme}`);
            }
            const over = await this.page.evaluate(
                () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
            );
            assert.ok(over <= 0, `${name} is ${over} px wider than a page of ${wide}`);
        }
        await this.page.setViewportSize({ width, height });
        await this.page.emulateMedia({ colorScheme: null, reducedMotion: null });
    }

    async accessible(where) {
        if (!(await this.page.evaluate("Boolean(window.axe)"))) await this.page.evaluate(AXE);
        const { violations } = await this.page.evaluate(() =>
            window.axe.run(document, { resultTypes: ["violations"] }),
        );
        const told = violations
            .filter(({ impact }) => GRAVE.includes(impact))
            .map(
                ({ id, help, nodes }) =>
                    `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `    ${html}\n    ${failureSummary}`).join("\n")}`,
            );
        assert.deepEqual(told, [], `${where}: ${told.join("\n")}`);
    }

    /** The end of a test: nothing may have gone wrong unseen. */
    async leave() {
        const faults = this.faults.filter((fault) => !this.expected.some((text) => fault.includes(text)));
        await this.context.close();
        assert.deepEqual(faults, []);
    }
}
