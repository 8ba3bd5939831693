// An account of the program and the calls it makes: each names the status it expects and gives the answer's body.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { root, runProgram } from "./harness.mjs";
import { listen } from "./sse.mjs";

let counter = 0;

export const PASSWORD = "correct horse battery staple";
export const sampleCsv = readFileSync(path.join(root, "samples/sample.csv"));
export const sampleParquet = readFileSync(path.join(root, "samples/sample.parquet"));
export const WORDS = "Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett".split(" ");
export const SAMPLE_COLUMNS = [
    { column_name: "SomeNumber", column_type: "int" },
    { column_name: "SomeString", column_type: "varchar(256)" },
];

/** Every refusal is a problem (RFC 9457) with a code for programs and a sentence for people. */
export function checkProblem(reply) {
    const { status, headers, body } = reply;
    assert.match(headers.get("content-type") ?? "", /^application\/problem\+json\b/, `${status} without a problem`);
    assert.equal(body.status, status);
    for (const name of ["title", "code", "detail"]) {
        assert.equal(typeof body[name], "string", `${name} of ${JSON.stringify(body)}`);
        assert.notEqual(body[name], "");
    }
    assert.match(body.code, /^[a-z0-9_]+$/);
}

/** One call: {status, headers, body, bytes}. */
export async function call(server, method, target, { token, json, form, body, headers = {} } = {}) {
    const init = { method, headers: { ...headers }, redirect: "manual" };
    if (token) init.headers.authorization ??= `JWT ${token}`;
    if (json !== undefined) {
        init.headers["content-type"] ??= "application/json";
        init.body = JSON.stringify(json);
    } else if (form) {
        init.body = form;
    } else if (body !== undefined) {
        init.body = body;
    }
    const answer = await fetch(new URL(target, server.url), init);
    const bytes = Buffer.from(await answer.arrayBuffer());
    const reply = { status: answer.status, headers: answer.headers, bytes, body: undefined };
    if (/json/.test(answer.headers.get("content-type") ?? "") && bytes.length)
        reply.body = JSON.parse(bytes.toString());
    if (reply.status >= 400 && method !== "HEAD") checkProblem(reply);
    return reply;
}

export function expect(reply, status, what) {
    const told = reply.body === undefined ? reply.bytes.subarray(0, 500).toString() : JSON.stringify(reply.body);
    assert.equal(reply.status, status, `${what} answered ${reply.status}: ${told.slice(0, 2_000)}`);
    return reply.body;
}

/** A form with a file and its fields, as `columns` an array or left out. */
export function uploadForm({ file, filename = "file.csv", columns, ...fields }) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    if (columns !== undefined) form.append("columns", typeof columns === "string" ? columns : JSON.stringify(columns));
    if (file !== undefined) form.append("file", new Blob([file]), filename);
    return form;
}

export class Account {
    constructor(server, email) {
        this.server = server;
        this.email = email;
    }

    async signIn() {
        const reply = await call(this.server, "POST", "/auth/tokens/obtain/", {
            json: { primary_email: this.email, password: PASSWORD },
        });
        const { access, refresh } = expect(reply, 200, "obtain");
        Object.assign(this, { access, refresh });
        return this;
    }

    call(method, target, options = {}) {
        return call(this.server, method, target, { token: this.access, ...options });
    }

    async get(target, status = 200) {
        return expect(await this.call("GET", target), status, `GET ${target}`);
    }

    async post(target, json, status = 201) {
        return expect(await this.call("POST", target, { json }), status, `POST ${target}`);
    }

    async patch(target, json, status = 200) {
        return expect(await this.call("PATCH", target, { json }), status, `PATCH ${target}`);
    }

    async del(target, status = 204) {
        return expect(await this.call("DELETE", target), status, `DELETE ${target}`);
    }

    async upload(target, fields, status = 201) {
        return expect(await this.call("POST", target, { form: uploadForm(fields) }), status, `POST ${target}`);
    }

    /** A table from CSV text, its columns declared or inferred. */
    table(table_name, file = sampleCsv, columns = undefined) {
        return this.upload("/tables/", { table_name, file, columns });
    }

    view(view_name, sql_query) {
        return this.post("/views/", { view_name, sql_query });
    }

    refresh_view(name) {
        return this.post(`/views/${name}/refresh/`, undefined, 200);
    }

    job(view_name, crontab_def = "0 0 1 1 *", more = {}) {
        return this.post("/jobs/", { view_name, crontab_def, ...more });
    }

    channel(fields) {
        return this.post("/channels/", typeof fields === "object" ? fields : { job_id: fields });
    }

    /** All items of a list, page after page. */
    async all(target) {
        const items = [];
        for (let next = target; next; ) {
            const page = await this.get(next);
            items.push(...page.data);
            next = page.links.next;
        }
        return items;
    }

    rows(name, kind = "tables") {
        return this.all(`/${kind}/${name}/rows/`);
    }

    listen(t, channel, { base = this.server.url, query = "", token = this.access, ...options } = {}) {
        return listen(t, `${base}/channels/${channel}/listen/${query}`, { token, ...options });
    }

    listenLog(t, { base = this.server.url, query = "", token = this.access, ...options } = {}) {
        return listen(t, `${base}/events/listen/${query}`, { token, ...options });
    }
}

/** Registers a fresh account and signs it in. */
export async function account(server, { email = `user${process.pid}.${++counter}@example.com`, ...fields } = {}) {
    const reply = await call(server, "POST", "/auth/users/register/", {
        json: { primary_email: email, password: PASSWORD, ...fields },
    });
    expect(reply, 201, "register");
    return new Account(server, email).signIn();
}

/** Makes a superuser by the command line, beside the server that runs, and signs in. */
export async function superuser(server, email = `root${process.pid}.${++counter}@example.com`) {
    const env = { ...server.env, DATA_DIR: server.dataDir };
    const { code, stderr } = await runProgram(["superuser", email], { env, input: `${PASSWORD}\n` });
    assert.equal(code, 0, stderr);
    return new Account(server, email).signIn();
}

/** The usual stage: an account with the sample table, a view over it, a job that is not due soon, and a channel. */
export async function stage(
    server,
    { sql = 'SELECT * FROM sample WHERE "SomeNumber" < 3', job = {}, ...channel } = {},
) {
    const me = await account(server);
    await me.table("sample", sampleCsv, SAMPLE_COLUMNS);
    await me.view("small", sql);
    const { id } = await me.job("small", job.crontab_def, job);
    const { public_identifier } = await me.channel({ job_id: id, ...channel });
    return { me, job: id, channel: public_identifier };
}
