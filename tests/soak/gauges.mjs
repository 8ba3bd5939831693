// What the system says of the server and its engine processes: memory, descriptors, threads, and the data folder.
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import path from "node:path";
import { descendants, temporaryFiles } from "../api/harness.mjs";
import { sum } from "./numbers.mjs";

/** {rss, pss} in bytes; nothing of a process that has just ended. */
function memory(pid) {
    try {
        const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
        const bytes = (name) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(text)[1]) * 1_024;
        return { rss: bytes("Rss"), pss: bytes("Pss") };
    } catch {
        return { rss: 0, pss: 0 };
    }
}

function threads(pid) {
    return Number(/^Threads:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
}

function tcpInodes(pid) {
    const lines = ["tcp", "tcp6"].flatMap((name) => readFileSync(`/proc/${pid}/net/${name}`, "utf8").split("\n"));
    return new Set(lines.map((line) => line.trim().split(/\s+/)[9]).filter(Boolean));
}

/** How many descriptors the process has: connections and listening sockets, sockets to the engine, all others. */
export function descriptors(pid) {
    const tcp = tcpInodes(pid);
    const found = { tcp: 0, unix: 0, other: 0 };
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        let target;
        try {
            target = readlinkSync(`/proc/${pid}/fd/${fd}`);
        } catch {
            continue;
        }
        const socket = /^socket:\[(\d+)\]$/.exec(target);
        if (!socket) found.other++;
        else if (tcp.has(socket[1])) found.tcp++;
        else found.unix++;
    }
    return found;
}

function size(file) {
    try {
        return statSync(file).size;
    } catch {
        return 0;
    }
}

function bytesBelow(folder) {
    let bytes = 0;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const at = path.join(folder, entry.name);
        bytes += entry.isDirectory() ? bytesBelow(at) : size(at);
    }
    return bytes;
}

/** The engine's processes: the nursery is the server's child, a team's process is a child of the nursery's. */
export function engineProcesses(pid) {
    const [nursery, ...teams] = descendants(pid);
    return { nursery, teams };
}

/** The quick part: what changes from second to second. */
export function sample(server) {
    const { nursery, teams } = engineProcesses(server.pid);
    const own = memory(server.pid);
    return {
        at: Date.now(),
        rss: own.rss,
        pss: own.pss,
        nursery: memory(nursery).rss,
        each: sum(teams.map((pid) => memory(pid).pss)) / teams.length,
        engine: teams.length,
        threads: threads(server.pid),
        wal: size(path.join(server.dataDir, "store.db-wal")),
    };
}

/** Like `sample`, with what takes longer to count. */
export function survey(server) {
    return {
        ...sample(server),
        fds: descriptors(server.pid),
        store: size(path.join(server.dataDir, "store.db")),
        teams: bytesBelow(path.join(server.dataDir, "teams")),
        temporary: temporaryFiles(server.dataDir).length,
    };
}
