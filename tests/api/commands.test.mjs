// The README's commands as they stand, against a server that the README's own command has started.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { EventSource } from "eventsource";
import { build, cleanEnv, portFree, root, slow, tempFolder, test, until, within } from "./harness.mjs";

const readme = readFileSync(path.join(root, "README.md"), "utf8");
let server;
let log = "";

/** The fenced blocks of one language below a heading. */
function blocks(heading, language) {
    const section = readme.split(/^(?=#{1,3} )/m).find((text) => text.startsWith(heading));
    assert.ok(section, `README has ${heading}`);
    return [...section.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map((found) => found[1]);
}

/** Runs a script of the README in bash from the root; ends it once `enough` of its output is there. */
async function shell(script, enough) {
    const child = spawn("bash", ["-e", "-o", "pipefail", "-c", script], { cwd: root, env: cleanEnv(), detached: true });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (out += text));
    const ended = new Promise((resolve) => child.once("close", resolve));
    let code;
    ended.then((value) => (code = value));
    try {
        await until(() => code !== undefined || enough?.(out), `the end of the script; so far: ${out}`, 100_000);
    } catch (problem) {
        throw new Error(`${problem.message}\n${out}`);
    } finally {
        if (code === undefined) process.kill(-child.pid, "SIGTERM");
        await ended;
    }
    if (!enough) assert.equal(code, 0, out);
    return out;
}

before(
    async () => {
        for (const port of [8000, 7999])
            assert.ok(await portFree(port), `the walkthrough needs port ${port}, which is taken`);
        const [command] = blocks("# TinyDevCRM", "sh");
        const [run] = command.split("\n").filter((line) => line.startsWith("make run"));
        const env = cleanEnv({ DATA_DIR: tempFolder(), BUILD: path.relative(root, build) || build });
        server = spawn("bash", ["-c", run.replace(/#.*/, "")], {
            cwd: root,
            env,
            detached: true,
            stdio: ["ignore", "pipe", "pipe"],
        });
        for (const pipe of [server.stdout, server.stderr]) pipe.setEncoding("utf8").on("data", (text) => (log += text));
        server.ended = new Promise((resolve) => server.once("close", resolve));
        await until(
            async () => {
                if (server.exitCode !== null) throw new Error(`make run ended: ${log}`);
                return fetch("http://localhost:8000/ready").then(
                    (answer) => answer.status === 200,
                    () => false,
                );
            },
            "make run to serve on port 8000",
            120_000,
        );
    },
    { timeout: 150_000 * slow },
);

after(async () => {
    if (!server) return;
    process.kill(-server.pid, "SIGINT");
    await within(10_000, server.ended, "the server to stop after Ctrl-C");
    assert.ok(await portFree(8000), "port 8000 is free again");
});

test(
    "the walkthrough as it is typed, and a browser's EventSource beside it",
    async () => {
        const [walk, browser] = [blocks("## Walkthrough", "sh"), blocks("## Listening from a browser", "sh")];
        const script = [
            ...walk.slice(0, -1),
            ...browser,
            String.raw`printf '\nCHANNEL=%s\n' "$CHANNEL"`,
            walk.at(-1),
        ].join("\n");
        let opened;
        const out = await shell(script, (text) => {
            const ticket = /"ticket": ?"([^"]+)"/.exec(text)?.[1];
            const channel = /^CHANNEL=(\S+)$/m.exec(text)?.[1];
            if (ticket && channel) opened ??= openPage(channel, ticket);
            return text.includes("update_available");
        });
        assert.match(out, /event: stream-open/);
        assert.match(out, /^event: message$/m);
        assert.match(out, /^id: [0-9a-f-]{36}:\d+$/m);
        const data = JSON.parse(/^data: (\{.*update_available.*\})$/m.exec(out)[1]);
        assert.equal(data.update_available, "true");
        assert.equal(data.row_count, 1);
        await within(15_000, opened, "stream-open in EventSource");
    },
    { timeout: 120_000 },
);

/** Runs the README's lines for a page; done when its EventSource is open. */
function openPage(channel, ticket) {
    const [page] = blocks("## Listening from a browser", "js");
    return new Promise((resolve, reject) => {
        class Watched extends EventSource {
            constructor(...args) {
                super(...args);
                this.addEventListener("stream-open", () => resolve(this.close()));
                this.addEventListener("error", (problem) => reject(new Error(`EventSource: ${problem.message}`)));
            }
        }
        new Function("EventSource", "channel", "ticket", page)(Watched, channel, ticket);
    });
}
