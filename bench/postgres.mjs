// PostgreSQL 15 in a folder of its own, on a socket in that folder, as a user that is not root.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { folderNew, folderRemove, run, serverStart, until } from "./process.mjs";

const binaries = "/usr/lib/postgresql/15/bin";
const configuration = {
    listen_addresses: "",
    shared_buffers: "1GB",
    work_mem: "64MB",
    maintenance_work_mem: "256MB",
    max_wal_size: "4GB",
    autovacuum: "off",
};

/** PostgreSQL refuses to run as root. */
function owner() {
    if (process.getuid() !== 0) return undefined;
    const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
    return { uid: id("-u"), gid: id("-g") };
}

export class Postgres {
    static async start() {
        const postgres = new Postgres();
        if (!existsSync(path.join(binaries, "postgres"))) throw new Error("PostgreSQL 15 is not installed");
        postgres.owner = owner();
        postgres.folder = folderNew(postgres.owner);
        const data = path.join(postgres.folder, "data");
        const options = { cwd: postgres.folder, ...postgres.owner };
        await run(path.join(binaries, "initdb"), ["-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8"], options);
        const settings = Object.entries(configuration).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
        postgres.server = serverStart(
            path.join(binaries, "postgres"),
            ["-D", data, "-k", postgres.folder, ...settings],
            { ...options, file: path.join(postgres.folder, "log") },
        );
        await until(() => postgres.ready(), "PostgreSQL");
        return postgres;
    }

    async ready() {
        if (this.server.code !== undefined) throw this.server.failed();
        return this.sql("SELECT 1").then(
            () => true,
            () => false,
        );
    }

    /** Runs statements in one session; gives the milliseconds of each, as psql times them. */
    async sql(...statements) {
        const lines = ["\\timing on", ...statements.map((sql) => (sql.startsWith("\\") ? sql : `${sql};`)), ""];
        const args = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", this.folder, "-U", "bench", "postgres"];
        const out = await run("psql", args, { input: lines.join("\n") });
        return out.map((line) => /^Time: ([\d.]+) ms/.exec(line)?.[1]).filter(Boolean).map(Number);
    }

    async stop() {
        await this.server.stop("SIGINT"); // its fast way
        folderRemove(this.folder);
    }
}
