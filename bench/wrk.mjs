// wrk: requests a second over 64 connections that are kept open.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { quiet, run } from "./process.mjs";

/** `request`: {method, headers, body}. Fails when an answer is not a success. */
export async function wrk(url, { seconds = 5, connections = 64, folder, request } = {}) {
    const args = ["-t2", `-c${connections}`, `-d${seconds}s`];
    if (request) {
        const script = path.join(folder, "request.lua");
        const headers = Object.entries(request.headers ?? {});
        const lines = headers.map(([name, value]) => `wrk.headers["${name}"] = [[${value}]]`);
        lines.push(`wrk.method = "${request.method ?? "GET"}"`);
        if (request.body) lines.push(`wrk.body = [[${request.body}]]`);
        writeFileSync(script, `${lines.join("\n")}\n`);
        args.push("-s", script);
    }
    await quiet();
    const out = (await run("wrk", [...args, url])).join("\n");
    const wrong = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(out);
    if (wrong) throw new Error(`${url}: ${wrong[0]}`);
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(out)[1]);
}
