// Listeners of channels and of team logs. Each checks that it hears everything once and in order, across reconnections.
import http from "node:http";

const RETRY_MS = 200;

/** What all listeners together have heard, and what was wrong with it. */
export class Heard {
    events = 0;
    lost = 0;
    repeated = 0;
    disordered = 0;
    dropped = 0;
    open = 0;
    came = 0;
    runs = [];
    faults = [];

    wrong(kind, n, text) {
        this[kind] += n;
        if (this.faults.length < 20) this.faults.push(`${kind}: ${text}`);
    }
}

/** One stream. `position` counts up by one from event to event: the view's version, or the log's number. */
class Stream {
    constructor(heard, team, target) {
        Object.assign(this, { heard, team, target, rest: "", wanted: false });
    }

    /** Opens it, from behind the last event that it has heard; resolves when it is open. */
    async come() {
        this.wanted = true;
        const headers = { accept: "text/event-stream", authorization: `JWT ${await this.access()}` };
        if (this.id) headers["last-event-id"] = this.id;
        const { port } = this.team.server;
        this.rest = "";
        await new Promise((resolve) => {
            this.opened = resolve;
            const options = { host: "127.0.0.1", port, path: this.target, headers, agent: false };
            const request = http.get(options, (answer) => this.read(request, answer));
            this.request = request;
            request.on("error", (problem) => this.ended(request, problem.message));
        });
    }

    access() {
        return this.session?.access ?? this.team.token();
    }

    read(request, answer) {
        const { tally } = this.team;
        tally.answers++;
        tally.statuses.set(answer.statusCode, (tally.statuses.get(answer.statusCode) ?? 0) + 1);
        if (answer.statusCode === 503 && answer.headers["retry-after"]) tally.busy++;
        if (answer.statusCode === 200) {
            this.isOpen = true;
            this.heard.open++;
            this.heard.came++;
        }
        answer.setEncoding("utf8");
        answer.on("data", (text) => this.take(text));
        answer.on("close", () => this.ended(request, `it was closed after status ${answer.statusCode}`));
    }

    take(text) {
        const blocks = (this.rest + text).split("\n\n");
        this.rest = blocks.pop();
        for (const block of blocks) this.block(block);
    }

    block(block) {
        const event = {};
        for (const line of block.split("\n")) {
            const colon = line.indexOf(": ");
            if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
        }
        if (event.event === "stream-open") this.opened();
        if (event.event === "stream-reset" || event.event === "stream-error")
            this.heard.wrong("lost", 1, `${this.target} ${block}`);
        if (!event.data || (event.event ?? "message") !== "message") return;
        this.check(event.id, JSON.parse(event.data));
    }

    check(id, data) {
        const n = Number(id.slice(id.lastIndexOf(":") + 1));
        const position = this.positionOf(n, data);
        const text = `${this.target}: ${position} (${id}) after ${this.position} (${this.id})`;
        this.heard.events++;
        if (this.position !== undefined && position > this.position + 1)
            this.heard.wrong("lost", position - this.position - 1, text);
        if (position === this.position) this.heard.wrong("repeated", 1, text);
        else if (position < this.position || n <= this.n) this.heard.wrong("disordered", 1, text);
        Object.assign(this, { position, n, id });
    }

    /** It comes again by itself, as an EventSource would, unless it was told to go. */
    ended(request, why) {
        if (this.request !== request) return;
        this.request = undefined;
        if (this.isOpen) this.heard.open--;
        this.isOpen = false;
        this.left?.(why);
        this.left = undefined;
        if (!this.wanted) return;
        this.heard.wrong("dropped", 1, `${this.target}: ${why}`);
        setTimeout(() => this.wanted && this.come().then(this.opened), RETRY_MS);
    }

    /** Told to go by the server: resolves with why when that has happened. */
    leaving() {
        this.wanted = false;
        return new Promise((resolve) => (this.left = resolve));
    }

    /** Goes; comes back later from where it was. */
    go() {
        this.wanted = false;
        const { request } = this;
        if (!request) return;
        this.ended(request, "it went");
        request.destroy();
    }

    /** Someone else in its place, who knows nothing of what was. */
    forget() {
        Object.assign(this, { position: undefined, n: undefined, id: undefined });
    }
}

/** Hears each version of the view. */
export class ChannelStream extends Stream {
    constructor(heard, team, channel = team.channel) {
        super(heard, team, `/channels/${channel}/listen/`);
    }

    positionOf(n, data) {
        return data.version;
    }
}

/** Hears each entry of the team's log, and so each run. */
export class LogStream extends Stream {
    constructor(heard, team) {
        super(heard, team, "/events/listen/");
    }

    positionOf(n, entry) {
        if (/^run\.(succeeded|skipped|failed)$/.test(entry.type) && entry.data.job_id === this.team.job)
            this.heard.runs.push(runOf(this.team, entry));
        return n;
    }
}

/** Times in milliseconds; `told` when the log's listener had it. */
function runOf(team, { type, data }) {
    const due = Date.parse(data.due);
    const started = Date.parse(data.started);
    return {
        team,
        due,
        outcome: type.slice("run.".length),
        error: data.error,
        late: started - due,
        ended: started + data.duration_ms - due,
        told: Date.now() - due,
    };
}
