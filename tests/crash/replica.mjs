// A copy of a view that lives on the changes: version N plus the changes since must be its rows.
import { expect } from "../api/client.mjs";

const PAGE = 10_000;

export class Replica {
    constructor(me, view) {
        Object.assign(this, { me, view, version: undefined, rows: new Map(), changes: 0 });
    }

    async pages(target) {
        const items = [];
        let version;
        for (let next = target; next;) {
            const reply = await this.me.call("GET", next);
            if (reply.status === 410) return undefined; // the rows have moved on between two pages
            const page = expect(reply, 200, next);
            version = page.version;
            items.push(...page.data);
            next = page.links.next;
        }
        return { items, version };
    }

    /** All rows as they are now; undefined when they move meanwhile. */
    async read() {
        const found = await this.pages(`/views/${this.view}/rows/?limit=${PAGE}`);
        if (!found) return undefined;
        const rows = new Map();
        for (const row of found.items) add(rows, JSON.stringify(row), 1);
        return { rows, version: found.version };
    }

    /** Brings the copy to the newest version, and says which rows the changes contradict. */
    async follow() {
        if (this.version === undefined) {
            const now = await this.read();
            if (now) Object.assign(this, now);
            return [];
        }
        const found = await this.pages(`/views/${this.view}/changes/?after=${this.version}&limit=${PAGE}`);
        if (!found) return [];
        this.version = found.version;
        return this.apply(found.items);
    }

    apply(changes) {
        const wrong = [];
        for (const { change, row } of changes) {
            const text = JSON.stringify(row);
            this.changes++;
            if (change === "removed" && !this.rows.has(text)) wrong.push(text);
            else add(this.rows, text, change === "added" ? 1 : -1);
        }
        return wrong;
    }
}

function add(rows, text, n) {
    const left = (rows.get(text) ?? 0) + n;
    if (left) rows.set(text, left);
    else rows.delete(text);
}

export function sameRows(a, b) {
    return a.size === b.size && [...a].every(([text, n]) => b.get(text) === n);
}
