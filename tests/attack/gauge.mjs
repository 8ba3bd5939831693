// What an attack costs: memory, sockets and processor time of the server, and how others fare meanwhile.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import http from "node:http";
import { slow, until } from "../api/harness.mjs";

const field = (pid, name) =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;

/** Resident memory in MB, now. */
export const resident = (pid) => field(pid, "VmRSS");

/** Sockets that it has open: connections, listeners, engine processes. */
export const sockets = (pid) =>
    readdirSync(`/proc/${pid}/fd`).filter((fd) => {
        try {
            return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:");
        } catch {
            return false; // it was closed meanwhile
        }
    }).length;

/** Whether the server's end of a connection over IPv4 is open still. */
export function connected(serverPort, clientPort) {
    const port = (n) => n.toString(16).toUpperCase().padStart(4, "0");
    const ends = new RegExp(`: [0-9A-F]{8}:${port(serverPort)} [0-9A-F]{8}:${port(clientPort)} 01 `);
    return ends.test(readFileSync("/proc/net/tcp", "utf8"));
}

/** Seconds of processor time so far. */
export function busy(pid) {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [user, system] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13);
    return (Number(user) + Number(system)) / 100;
}

/** Watches the server from its making to end(): the most memory, and the answers that another client gets. */
export class Gauge {
    constructor(t, server, { path = "/health", token } = {}) {
        t.after(() => (this.over = true));
        this.server = server;
        this.path = path;
        this.headers = token ? { authorization: `JWT ${token}` } : {};
        this.before = this.most = resident(server.pid);
        this.cpu = busy(server.pid);
        this.began = Date.now();
        this.waits = [];
        this.wrong = [];
        this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        this.running = this.run();
    }

    ask() {
        return new Promise((resolve) => {
            const began = performance.now();
            const done = (status) => {
                this.waits.push(performance.now() - began);
                if (status !== 200) this.wrong.push(status);
                resolve();
            };
            http.get(this.server.url + this.path, { agent: this.agent, headers: this.headers }, (answer) =>
                answer.resume().once("end", () => done(answer.statusCode)),
            ).once("error", (problem) => done(problem.message));
        });
    }

    async run() {
        while (!this.over) {
            await this.ask();
            if (this.over) return;
            this.most = Math.max(this.most, resident(this.server.pid));
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }

    /** Others were answered all the time, the slowest within `wait` ms, and memory grew by no more than `grown` MB. */
    async end(what, { wait = 3_000, grown = 64 } = {}) {
        this.over = true;
        await this.running;
        this.agent.destroy();
        const slowest = Math.max(...this.waits);
        const told = {
            others: this.waits.length,
            wrong: this.wrong.length,
            "slowest ms": Math.round(slowest),
            "MB more": Math.round(this.most - this.before),
            "cpu s": Number((busy(this.server.pid) - this.cpu).toFixed(1)),
            seconds: Number(((Date.now() - this.began) / 1_000).toFixed(1)),
        };
        tell(what, told);
        assert.deepEqual(this.wrong, [], `${what}: others were not answered`);
        assert.ok(slowest < wait * slow, `${what}: another client waited ${slowest} ms`);
        // a sanitizer keeps what was freed for a while
        if (slow === 1) assert.ok(this.most - this.before < grown, `${what}: from ${this.before} to ${this.most} MB`);
        return told;
    }
}

/** A line for a table of counts. */
export function tell(what, counts) {
    const cells = Object.entries(counts).map(([name, n]) => `${name} ${n.toLocaleString?.("en") ?? n}`);
    process.stdout.write(`attack: ${what} | ${cells.join(" | ")}\n`);
}

/** Waits until memory is back to at most `most` MB; gives what it is. */
export async function settled(pid, most, what = "the memory to come back") {
    await until(() => resident(pid) < most || slow > 1, `${what}: at most ${Math.round(most)} MB`, 30_000);
    return resident(pid);
}
