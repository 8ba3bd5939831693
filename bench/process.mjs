// Child processes, free ports, temporary folders, and what /proc says of a process; all of it is gone when we end.
import { spawn } from "node:child_process";
import { chownSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
export const build = path.resolve(root, process.env.BUILD || "build");
export const tool = (name) => path.join(build, "bench", name);

const running = new Set();
const folders = new Set();

process.once("exit", () => {
    for (const child of running) child.kill("SIGKILL");
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(130));

/** A new folder on the disk that TMPDIR names; `owner` is {uid, gid}. */
export function folderNew(owner) {
    const folder = mkdtempSync(path.join(tmpdir(), "tinydevcrm-bench-"));
    folders.add(folder);
    if (owner) chownSync(folder, owner.uid, owner.gid);
    return folder;
}

export function folderRemove(folder) {
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
}

export function portFree() {
    return new Promise((resolve, reject) => {
        const probe = net.createServer();
        probe.once("error", reject);
        probe.listen(0, "127.0.0.1", () => {
            const { port } = probe.address();
            probe.close(() => resolve(port));
        });
    });
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(condition, what, ms = 20_000) {
    const end = Date.now() + ms;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
        await pause(10);
    }
}

/** A process that stays: stdin and stdout are pipes, what it says on stderr is kept for `failed`. */
export class Process {
    constructor(program, args, options = {}) {
        this.name = path.basename(program);
        this.said = "";
        this.lines = [];
        this.waiting = [];
        this.child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
        running.add(this.child);
        this.child.stdin?.on("error", () => {}); // it has ended: `ended` tells
        this.child.stderr?.setEncoding("utf8").on("data", (text) => (this.said = (this.said + text).slice(-4_000)));
        let rest = "";
        this.child.stdout?.setEncoding("utf8").on("data", (text) => {
            const parts = (rest + text).split("\n");
            rest = parts.pop();
            for (const line of parts) this.line(line);
        });
        this.ended = new Promise((resolve) => {
            this.child.once("error", (problem) => {
                this.said += problem.message;
                resolve("error");
            });
            this.child.once("close", (code, signal) => resolve(code ?? signal));
        }).then((code) => {
            running.delete(this.child);
            this.code = code;
            for (const { reject } of this.waiting.splice(0)) reject(this.failed());
            return code;
        });
    }

    get pid() {
        return this.child.pid;
    }

    failed() {
        return new Error(`${this.name} ended with ${this.code}: ${this.said.trim()}`);
    }

    line(line) {
        const waiting = this.waiting.shift();
        if (waiting) waiting.resolve(line);
        else this.lines.push(line);
    }

    /** The next line it prints. */
    next() {
        if (this.lines.length > 0) return Promise.resolve(this.lines.shift());
        if (this.code !== undefined) return Promise.reject(this.failed());
        return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
    }

    async stop(signal = "SIGTERM") {
        this.child.kill(signal);
        const late = setTimeout(() => this.child.kill("SIGKILL"), 15_000);
        await this.ended;
        clearTimeout(late);
    }
}

/** Runs a program to its end; gives its lines. */
export async function run(program, args, options = {}) {
    const running = new Process(program, args, options);
    running.child.stdin.end(options.input);
    if ((await running.ended) !== 0) throw running.failed();
    return running.lines;
}

/** A server that writes no pipe: its messages go into `file`, which is shown when it fails. */
export function serverStart(program, args, { file, ...options }) {
    const log = openSync(file, "a");
    const server = new Process(program, args, { ...options, stdio: ["ignore", log, log] });
    server.failed = () => new Error(`${server.name} ended: ${readFileSync(file, "utf8").slice(-2_000)}`);
    return server;
}

/** {rss, pss, peak} in bytes; peak counts from the last `peakReset`. */
export function memory(pid) {
    const number = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return { rss: number(rollup, "Rss"), pss: number(rollup, "Pss"), peak: number(status, "VmHWM") };
}

export function peakReset(pid) {
    writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

export function childrenOf(pid) {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}

/** The process and all below it. */
export function family(pid) {
    return [pid, ...childrenOf(pid).flatMap(family)];
}

/** How much of the processors' time is not used by anyone, from 0 to 1, during `ms`. */
async function idleShare(ms) {
    const times = () => readFileSync("/proc/stat", "utf8").split("\n")[0].trim().split(/\s+/).slice(1, 9).map(Number);
    const before = times();
    await pause(ms);
    const spent = times().map((ticks, i) => ticks - before[i]);
    return spent[3] / spent.reduce((a, b) => a + b, 0);
}

/** Waits until nobody else works on this machine, but no longer than BENCH_QUIET seconds. */
export async function quiet() {
    const end = Date.now() + Number(process.env.BENCH_QUIET || 10) * 1_000;
    let still = 0; // half seconds in a row
    while (still < 3 && Date.now() < end) still = (await idleShare(500)) >= 0.9 ? still + 1 : 0;
}

export function progress(text) {
    if (process.stderr.isTTY || process.env.BENCH_PROGRESS) process.stderr.write(`${text}\n`);
}
