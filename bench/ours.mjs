// Our own server, with an account that is signed in.
import path from "node:path";
import { build, folderNew, folderRemove, portFree, run, serverStart, until } from "./process.mjs";

const account = { primary_email: "bench@example.com", password: "a rather long password" };

/** What every measured server gets: no log line a request (the peers write none either), no limit of requests. */
export function settings(folder, port, extra = {}) {
    return {
        PATH: process.env.PATH,
        LISTEN: "127.0.0.1",
        PORT: String(port),
        STREAM_PORT: "",
        DATA_DIR: path.join(folder, "data"),
        RATE_LIMIT: "off",
        ACCESS_TOKEN_SECONDS: "86400",
        QUERY_SECONDS: "300",
        LOG_LEVEL: "warning",
        ...extra,
    };
}

export const program = path.join(build, "tinydevcrm");

export class Ours {
    static async start(extra) {
        const ours = new Ours();
        ours.folder = folderNew();
        ours.port = await portFree();
        ours.server = serverStart(program, ["serve"], {
            cwd: ours.folder,
            env: settings(ours.folder, ours.port, extra),
            file: path.join(ours.folder, "log"),
        });
        await until(() => ours.healthy(), "the server's first answer");
        await ours.post("/auth/users/register/", account);
        const { access } = await ours.post("/auth/tokens/obtain/", account);
        ours.access = access;
        return ours;
    }

    get pid() {
        return this.server.pid;
    }

    url(where) {
        return `http://127.0.0.1:${this.port}${where}`;
    }

    get authorization() {
        return `Bearer ${this.access}`;
    }

    async healthy() {
        if (this.server.code !== undefined) throw this.server.failed();
        try {
            const answer = await fetch(this.url("/health"));
            await answer.arrayBuffer();
            return answer.ok;
        } catch {
            return false;
        }
    }

    async ask(method, where, body) {
        const headers = this.access ? { Authorization: this.authorization } : {};
        if (body) headers["Content-Type"] = "application/json";
        const answer = await fetch(this.url(where), { method, headers, body: body && JSON.stringify(body) });
        const text = await answer.text();
        if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${text}`);
        return text ? JSON.parse(text) : undefined;
    }

    get(where) {
        return this.ask("GET", where);
    }

    post(where, body) {
        return this.ask("POST", where, body);
    }

    /** Sends a file as a form does; gives the seconds until its rows are there. */
    async upload(name, file, columns) {
        const form = ["-F", `table_name=${name}`, "-F", `file=@${file}`];
        if (columns) form.push("-F", `columns=${JSON.stringify(columns)}`);
        const lines = await run("curl", [
            "-s", "-S", "-H", `Authorization: ${this.authorization}`, "-w", "\n%{http_code} %{time_total}\n",
            ...form, this.url("/tables/create/"),
        ]);
        const [status, seconds] = lines.at(-1).split(" ");
        if (status !== "201") throw new Error(`the upload of ${name}: ${lines.join(" ")}`);
        return Number(seconds);
    }

    /** A raw request, as the load generators send it. */
    request(method, where, body = "") {
        const length = method === "GET" ? "" : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
        return (
            `${method} ${where} HTTP/1.1\r\nHost: 127.0.0.1:${this.port}\r\n` +
            `Authorization: ${this.authorization}\r\n${length}\r\n${body}`
        );
    }

    async stop() {
        await this.server.stop();
        folderRemove(this.folder);
    }
}

/** A view of one row that is new at each refresh, a job that hardly ever fires, and a channel that follows it. */
export async function channelNew(ours) {
    await ours.post("/views/create/", { view_name: "pulse", sql_query: "SELECT NOW() AS \"At\"" });
    const job = await ours.post("/jobs/create/", { view_name: "pulse", crontab_def: "0 0 1 1 *" });
    const channel = await ours.post("/channels/create/", { job_id: job.id });
    return { job: job.id, channel: channel.public_identifier };
}
