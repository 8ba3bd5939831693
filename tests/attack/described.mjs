// The routes as the program describes them, and a good request of each. What it doesn't know fails: a new route, parameter or
// field is to be taught here, and is then attacked like the others.
import assert from "node:assert/strict";
import { PASSWORD, uploadForm } from "../api/client.mjs";

const METHODS = ["options", "get", "put", "post", "patch", "delete"];
const PIECE = "application/offset+octet-stream";

/** What the {parameter} of a folder's paths is called in a stage. */
const PARAMETERS = {
    tables: "table",
    views: "view",
    jobs: "job",
    loads: "load",
    uploads: "upload",
    channels: "channel",
    sessions: "session",
    accounts: "account",
    queries: "query",
};

/** An id of the same shape that nobody has. */
export const UNKNOWN = {
    table: "no_such_thing",
    view: "no_such_thing",
    job: 987654,
    load: "01900000-0000-7000-8000-000000000000",
    upload: "01900000-0000-7000-8000-000000000000",
    channel: "00000000-0000-4000-8000-000000000000",
    session: "01900000-0000-7000-8000-000000000000",
    account: "01900000-0000-7000-8000-000000000000",
    query: 1,
};

let made = 0;
const fresh = (what) => `${what}_${++made}`;

/** By route: the JSON body that does what the route is for, on the things of a stage. */
const BODIES = {
    "POST /auth/users/register": () => ({ primary_email: `${fresh("new")}@example.com`, password: PASSWORD }),
    "POST /auth/users/me/password": () => ({ current_password: PASSWORD, new_password: `${PASSWORD} again` }),
    "POST /auth/tokens/obtain": (stage) => ({ primary_email: stage.email, password: PASSWORD }),
    "POST /auth/tokens/refresh": (stage) => ({ refresh: stage.refresh }),
    "POST /auth/tokens/blacklist": (stage) => ({ refresh: stage.refresh }),
    "POST /tables": () => ({ table_name: fresh("made"), rows: [{ n: 1 }] }),
    "POST /tables/preview": () => ({ rows: [{ n: 1 }] }),
    "POST /tables/{name}/rows": () => ({ rows: [{ id: 9_000, secret: "added" }] }),
    "POST /tables/{name}/replace": () => ({ rows: [{ id: 1, secret: "replaced" }] }),
    "POST /tables/{name}/fork": () => ({ table_name: fresh("copy") }),
    "POST /views": () => ({ view_name: fresh("view"), sql_query: "SELECT 1 AS one" }),
    "PATCH /views/{name}": (stage) => ({ sql_query: `SELECT id, secret FROM ${stage.table} WHERE id < 4` }),
    "POST /views/{name}/refresh": () => undefined,
    "POST /queries": () => ({ sql: "SELECT 1 AS one" }),
    "POST /jobs": (stage) => ({ view_name: stage.view, crontab_def: "0 0 1 1 *" }),
    "PATCH /jobs/{id}": () => ({ notify: "changed" }),
    "POST /jobs/{id}/run": () => undefined,
    "POST /channels": (stage) => ({ job_id: stage.job }),
    "POST /channels/{id}/tickets": () => undefined,
    "POST /events/tickets": () => undefined,
    "PATCH /admin/accounts/{id}": () => ({ is_active: true }),
    "POST /admin/tickets": () => undefined,
};

/** By route: headers that must be there. */
const HEADERS = {
    "POST /uploads": { "upload-length": "100" },
    "PATCH /uploads/{id}": { "upload-offset": "10", "content-type": PIECE },
};

/** By route: parameters of the query that must be there. */
const QUERIES = { "GET /views/{name}/changes": "?after=0", "GET /jobs/preview": "?crontab_def=%40daily" };

class Operation {
    constructor(template, method, description) {
        this.template = template;
        this.method = method.toUpperCase();
        this.description = description;
        this.right = description["x-right"];
        this.name = `${this.method} ${template}`;
        // "create" is another name of the same
        this.kind = this.name.replace(/\/create$/, "");
        this.content = description.requestBody?.content ?? {};
        this.upload = "multipart/form-data" in this.content;
        this.stream = "text/event-stream" in (description.responses["200"]?.content ?? {});
        this.list = Boolean(this.answer?.properties?.links);
        this.parameters = [...template.matchAll(/\{(\w+)\}/g)].map((found) => found[1]);
        this.query = (description.parameters ?? []).filter(({ in: place }) => place === "query");
    }

    /** The schema of a successful answer's JSON. */
    get answer() {
        const [, success] = Object.entries(this.description.responses).find(([status]) => /^2/.test(status)) ?? [];
        return success?.content?.["application/json"]?.schema;
    }

    /** Names of the body's fields, in all its forms. */
    get fields() {
        return [...new Set(Object.values(this.content).flatMap(({ schema }) => Object.keys(schema?.properties ?? {})))];
    }

    /** Which thing of a stage its {parameter} names. */
    get thing() {
        if (!this.parameters.length) return undefined;
        const thing = PARAMETERS[this.template.split("/{")[0].split("/").at(-1)];
        assert.ok(thing && this.parameters.length === 1, `${this.name}: describe its parameter in described.mjs`);
        return thing;
    }

    path(stage) {
        const path = this.template.replace(/\{\w+\}/, () => encodeURIComponent(stage[this.thing]));
        return path + (QUERIES[this.kind] ?? "");
    }

    /** {json}, {body} or nothing, and headers. */
    body(stage) {
        const headers = HEADERS[this.kind];
        if (PIECE in this.content) return { headers, body: "ten bytes." };
        if (!Object.keys(this.content).length) return headers ? { headers } : {};
        assert.ok(this.kind in BODIES, `${this.name}: give it a body in described.mjs`);
        return { json: BODIES[this.kind](stage) };
    }

    /** All the forms that a good request of it may have. */
    bodies(stage) {
        if (!this.upload) return [this.body(stage)];
        const file = "id,secret\n9001,uploaded\n";
        const fields = this.fields.includes("table_name") ? { table_name: fresh("file") } : {};
        return [this.body(stage), { form: uploadForm({ file, ...fields }) }];
    }
}

/** Every operation that the program has. */
export async function operations(server) {
    const document = await (await fetch(`${server.url}/openapi.json`)).json();
    return Object.entries(document.paths).flatMap(([template, item]) => {
        const unknown = Object.keys(item).filter((method) => !METHODS.includes(method));
        assert.deepEqual(unknown, [], `methods of ${template}`);
        return METHODS.filter((method) => item[method]).map((method) => new Operation(template, method, item[method]));
    });
}

const SUPERUSER = ["superuser", "superuser_listener"];

export const guarded = (all) => all.filter(({ right }) => right !== "anyone");
/** What every member may ask for, and what only a superuser may. */
export const common = (all) => guarded(all).filter(({ right }) => !SUPERUSER.includes(right));
export const reserved = (all) => all.filter(({ right }) => SUPERUSER.includes(right));
export const open = (all) => all.filter(({ right }) => right === "anyone");
