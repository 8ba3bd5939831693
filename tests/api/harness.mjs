// Starts the real program on free ports in a folder of its own, stops or kills it, and shows its log when a test fails.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test as nodeTest } from "node:test";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const build = path.resolve(root, process.env.BUILD || "build");
export const program = path.join(build, "tinydevcrm");
/** How much slower than usual the program is (a sanitizer's build): stretches every limit. */
export const slow = Number(process.env.TEST_SLOW || 1);

const SANITIZER = /ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:/;
const STOP_MS = 10_000;
const servers = new Set();

/** Polls until `condition` gives something true, and returns that. */
export async function until(condition, what, ms = 15_000) {
    const end = Date.now() + ms * slow;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) throw new Error(`waited ${ms * slow} ms in vain for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

/** A promise that fails when `promise` takes too long. */
export function within(ms, promise, what) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`waited ${ms * slow} ms in vain for ${what}`)), ms * slow);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Below the range from which the kernel takes the ports of clients, in a slice of this process's own.
const slice = 11_000 + (process.pid % 1_000) * 20;
let taken = 0;

export async function freePort() {
    for (let tries = 0; tries < 20; tries++) {
        const port = slice + (taken++ % 20);
        if (await portFree(port)) return port;
    }
    throw new Error(`no free port from ${slice} on`);
}

export function portFree(port) {
    return new Promise((resolve) => {
        const probe = net.createServer();
        probe.once("error", () => resolve(false));
        probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
}

const folders = [];
process.once("exit", () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A fresh folder, gone when this process ends. */
export function tempFolder() {
    folders.push(mkdtempSync(path.join(tmpdir(), "tinydevcrm-test-")));
    return folders.at(-1);
}

/** What the program gets of this process's environment: nothing that would configure it. */
export function cleanEnv(extra = {}) {
    const env = {};
    for (const name of [
        "PATH",
        "HOME",
        "LANG",
        "TZ",
        "ASAN_OPTIONS",
        "UBSAN_OPTIONS",
        "TSAN_OPTIONS",
        "LSAN_OPTIONS",
    ]) {
        if (process.env[name] !== undefined) env[name] = process.env[name];
    }
    return { ...env, ...extra };
}

/** Runs the program to its end: {code, stdout, stderr}. */
export function runProgram(args, { env = {}, cwd = root, input } = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { cwd, env: cleanEnv(env) });
        let stdout = "";
        let stderr = "";
        child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
        child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
        child.once("error", reject);
        const limit = setTimeout(() => child.kill("SIGKILL"), 20_000 * slow);
        child.once("close", (code, signal) => {
            clearTimeout(limit);
            resolve({ code: code ?? signal, stdout, stderr });
        });
        child.stdin.end(input);
    });
}

/** All processes below `pid`, from /proc. */
export function descendants(pid) {
    const parents = new Map();
    for (const entry of readdirSync("/proc")) {
        if (!/^\d+$/.test(entry)) continue;
        try {
            const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
            parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
        } catch {
            // it has ended meanwhile
        }
    }
    const found = [pid];
    for (let i = 0; i < found.length; i++) {
        for (const [child, parent] of parents) if (parent === found[i]) found.push(child);
    }
    return found.slice(1);
}

export function alive(pid) {
    try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
    } catch {
        return false;
    }
}

/** What is in the data folder's places for temporary files, and whatever is named like one. */
export function temporaryFiles(folder) {
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const at = path.join(folder, entry.name);
        if (!entry.isDirectory()) return /\.(tmp|part|upload)$/.test(entry.name) ? [at] : [];
        if (/^(tmp|temp|uploads?)$/.test(entry.name)) return readdirSync(at).map((name) => path.join(at, name));
        return temporaryFiles(at);
    });
}

export class Server {
    /** `wrap` turns the program's arguments into another command: [file, arguments]. */
    constructor({ env = {}, tls = false, wrap } = {}) {
        this.wrap = wrap;
        this.env = env;
        this.tls = tls;
        this.folder = tempFolder();
        this.dataDir = path.join(this.folder, "data");
        this.log = "";
        this.shown = 0;
    }

    get url() {
        return `${this.tls ? "https" : "http"}://127.0.0.1:${this.port}`;
    }

    get streamUrl() {
        return `${this.tls ? "https" : "http"}://127.0.0.1:${this.streamPort}`;
    }

    get pid() {
        return this.child.pid;
    }

    async start() {
        this.port ??= await freePort();
        this.streamPort ??= await freePort();
        const env = cleanEnv({
            LISTEN: "127.0.0.1",
            PORT: String(this.port),
            STREAM_PORT: String(this.streamPort),
            DATA_DIR: this.dataDir,
            RATE_LIMIT: "off",
            ...this.env,
        });
        const [command, args] = this.wrap?.(["serve"]) ?? [program, ["serve"]];
        this.child = spawn(command, args, { cwd: this.folder, env, stdio: ["ignore", "pipe", "pipe"] });
        for (const pipe of [this.child.stdout, this.child.stderr]) {
            pipe.setEncoding("utf8").on("data", (text) => (this.log += text));
        }
        this.ended = undefined;
        this.exited = new Promise((resolve) => {
            this.child.once("error", (problem) => resolve(problem.message));
            this.child.once("exit", (code, signal) => resolve(code ?? signal));
        });
        this.exited.then((code) => (this.ended = code));
        servers.add(this);
        await until(() => this.ready(), "the server to be ready", 20_000);
        return this;
    }

    ready() {
        if (this.ended !== undefined) throw new Error(`the server ended with ${this.ended}:\n${this.log}`);
        return new Promise((resolve) => {
            const { request } = this.tls ? https : http;
            const asked = request(`${this.url}/ready`, { rejectUnauthorized: false, agent: false }, (answer) => {
                answer.resume();
                resolve(answer.statusCode === 200);
            });
            asked.once("error", () => resolve(false));
            asked.end();
        });
    }

    /** In order, as an operator would: exit code 0 within 10 seconds. */
    async stop() {
        if (!this.child || this.ended !== undefined) return;
        this.child.kill("SIGTERM");
        try {
            const code = await within(STOP_MS, this.exited, "the server to stop");
            assert.equal(code, 0, `the server ended with ${code}`);
        } finally {
            await this.kill();
        }
    }

    /** As a crash would. */
    async kill() {
        if (!this.child || this.ended !== undefined) return;
        this.child.kill("SIGKILL");
        await this.exited;
    }

    async restart() {
        await this.kill();
        return this.start();
    }

    /** The end of every test file: nothing may be wrong in the log. */
    async end() {
        try {
            await this.stop();
            const report = SANITIZER.exec(this.log);
            assert.ok(
                !report,
                `a sanitizer has spoken:\n${report && this.log.slice(report.index, report.index + 6_000)}`,
            );
        } catch (problem) {
            this.show();
            throw problem;
        } finally {
            await this.kill();
            servers.delete(this);
        }
    }

    /** Prints what the log has got since it was last shown; of lines that differ in numbers only, the first and last. */
    show() {
        const kind = (line) => line.replace(/\S*\d\S*/g, "#");
        const lines = this.log.slice(this.shown).split("\n");
        const told = lines.filter(
            (line, i) => kind(line) !== kind(lines[i - 1] ?? "") || kind(line) !== kind(lines[i + 1] ?? ""),
        );
        this.shown = this.log.length;
        process.stderr.write(`--- log of the server on port ${this.port}\n${told.slice(-200).join("\n")}\n---\n`);
    }
}

/** A server for all tests of a file. */
export function useServer(options) {
    const server = new Server(options);
    before(() => server.start(), { timeout: 60_000 * slow });
    after(() => server.end(), { timeout: 60_000 * slow });
    return server;
}

/** Node's test, with a time limit, and the servers' logs when it fails. */
export function test(name, run, { timeout = 60_000, ...options } = {}) {
    nodeTest(name, { timeout: timeout * slow, ...options }, async (t) => {
        for (const server of servers) server.shown = server.log.length;
        try {
            await run(t);
        } catch (problem) {
            process.stderr.write(`failed: ${name}\n`);
            for (const server of servers) server.show();
            throw problem;
        }
    });
}
