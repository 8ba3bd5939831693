// Starts the program with the fault library in front of it, and tells the library what is to fail.
import assert from "node:assert/strict";
import { chmodSync, closeSync, copyFileSync, mkdirSync, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { build, program, Server, tempFolder } from "../api/harness.mjs";

export const MEMORY = 1;
export const STORE_READ = 2;
export const STORE_WRITE = 4;
export const STORE_SYNC = 8;
export const STORE_OPEN = 16;
export const SPOOL = 32;
export const TEAM_READ = 64;
export const TEAM_WRITE = 128;
export const DESCRIPTOR = 256;
export const SOCKET = 512;
export const THREAD = 1024;

export const EIO = 5;
export const ENOMEM = 12;
export const EMFILE = 24;
export const ENOSPC = 28;
export const DIE = -1;
export const HANG = -2;
export const STOP = -3;
export const EAT = -4;

/** From the n-th call on for ever. */
export const ALL = 2 ** 40;

export const short = process.env.CRASH === "short";

const library = path.join(build, "faults/faults.so");
const FIELDS = ["kinds", "nth", "times", "action", "count", "hits", "clock_us", "clock_set", "where"];

const OBJECT = 64;

/** The file that the library maps: eight bytes a number. */
export class Control {
    constructor(file) {
        this.file = file;
        writeFileSync(file, Buffer.alloc(FIELDS.length * 8 + OBJECT));
        this.fd = openSync(file, "r+");
        this.sets = 0;
    }

    set(field, value) {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(BigInt(value));
        writeSync(this.fd, bytes, 0, 8, FIELDS.indexOf(field) * 8);
    }

    get(field) {
        const bytes = Buffer.alloc(8);
        readSync(this.fd, bytes, 0, 8, FIELDS.indexOf(field) * 8);
        return Number(bytes.readBigInt64LE());
    }

    /** The n-th call of these kinds from now on fails, and so many more. */
    arm(kinds, nth, { times = 1, action = ENOMEM } = {}) {
        this.disarm();
        for (const [field, value] of Object.entries({ nth, times, action, count: 0, hits: 0, where: 0 }))
            this.set(field, value);
        this.set("kinds", kinds);
    }

    /** What came of it: {count, hits, where}. */
    disarm() {
        this.set("kinds", 0);
        return { count: this.get("count"), hits: this.get("hits"), where: this.where() };
    }

    /** The object and the address in it (for addr2line) that the last failing call came from. */
    where() {
        const bytes = Buffer.alloc(OBJECT);
        readSync(this.fd, bytes, 0, OBJECT, FIELDS.length * 8);
        return `${bytes.toString().replace(/\0.*$/s, "")}+0x${this.get("where").toString(16)}`;
    }

    /** Sets the program's wall clock so many seconds from the true one. */
    clock(seconds) {
        this.set("clock_us", seconds * 1_000_000);
        this.set("clock_set", ++this.sets);
    }

    close() {
        closeSync(this.fd);
    }
}

/** A server that can be hurt by `server.faults`, and its engine processes by `server.engineFaults`. */
export class HurtServer extends Server {
    constructor({ env = {}, ...options } = {}) {
        super(options);
        const folder = tempFolder();
        this.faults = new Control(path.join(folder, "server"));
        this.engineFaults = new Control(path.join(folder, "engine"));
        this.env = {
            LD_PRELOAD: library,
            FAULTS_FILE: this.faults.file,
            ACCESS_TOKEN_SECONDS: "86400", // a sweep may take long
            ...env,
        };
        // The program looks for the engine's beside itself, and gives it an environment of its own.
        const own = path.join(folder, "bin/tinydevcrm");
        mkdirSync(path.dirname(own));
        copyFileSync(program, own);
        writeFileSync(
            `${own}-engine`,
            `#!/bin/sh\nLD_PRELOAD='${library}' FAULTS_FILE='${this.engineFaults.file}' FAULTS_CHILDREN=1 ` +
                `exec '${program}-engine' "$@"\n`,
        );
        chmodSync(`${own}-engine`, 0o755);
        this.wrap = (args) => [own, args];
    }

    calm() {
        this.faults.disarm();
        this.engineFaults.disarm();
    }

    /** The process that was started is the one that still runs. */
    stillUp(pid) {
        assert.equal(this.ended, undefined, `the server ended with ${this.ended}`);
        assert.equal(this.pid, pid);
    }
}
