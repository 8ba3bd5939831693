// Rows of a table or a view, page by page around what is seen: few are kept, and all are read anew when the data changes.
import { useEffect, useReducer, useRef } from "preact/hooks";
import type { Row } from "./client";
import { Problem, problemOf } from "./problem";
import { authorized } from "./session";

export interface RowsAsk {
    sort?: { column: string; descending: boolean } | null;
    filter?: readonly string[]; // "column:op:value", all of which must hold
}

interface Answer {
    data: Row[];
    version: number;
    row_count?: number;
    links: { next: string | null };
}

const PAGE = 200;
const KEPT_MAX = 40; // pages
const AROUND = 60; // rows read ahead, both ways
const PAUSE_MS = 60; // what flies by is not asked for
const AGAIN_MS = 3_000;

/** The query of what is asked for, of a page or of a file. */
export function rowsQuery({ sort, filter = [] }: RowsAsk): URLSearchParams {
    const query = new URLSearchParams();
    if (sort) query.append("sort", `${sort.descending ? "-" : ""}${sort.column}`);
    for (const one of filter) query.append("filter", one);
    return query;
}

class Pages {
    count: number | undefined;
    version: number | undefined;
    problem: unknown = null;
    private kept = new Map<number, Row[]>();
    private asked = new Map<number, AbortController>();
    private seen = { first: 0, last: 0 };
    private counted = false; // the count is of this version
    private expected = 0; // a version that is known to be there
    private timer = 0;

    constructor(
        private readonly path: string,
        private readonly ask: RowsAsk,
        private readonly changed: () => void,
    ) {
        this.read();
    }

    row(i: number): Row | undefined {
        return this.kept.get(Math.floor(i / PAGE))?.[i % PAGE];
    }

    see(first: number, last: number): void {
        this.seen = { first, last };
        this.later(PAUSE_MS);
    }

    /** There is such a version. */
    expect(version: number): void {
        this.expected = version;
        if (this.version !== undefined && version !== this.version) this.renew();
    }

    /** The data has changed: what is shown stays until the new rows are here. */
    renew(): void {
        this.stop();
        this.counted = false;
        this.problem = null;
        this.read(true);
    }

    stop(): void {
        clearTimeout(this.timer);
        this.timer = 0;
        for (const call of this.asked.values()) call.abort();
        this.asked.clear();
    }

    private later(ms: number): void {
        clearTimeout(this.timer);
        this.timer = window.setTimeout(() => {
            this.timer = 0;
            this.read();
        }, ms);
    }

    private wanted(): Set<number> {
        const end = this.count === undefined ? 0 : Math.max(this.count - 1, 0);
        const from = Math.floor(Math.max(this.seen.first - AROUND, 0) / PAGE);
        const to = Math.floor(Math.min(this.seen.last + AROUND, end) / PAGE);
        const pages = new Set<number>([Math.floor(Math.min(this.seen.first, end) / PAGE)]);
        for (let page = from; page <= to; page++) pages.add(page);
        return pages;
    }

    private read(anew = false): void {
        const wanted = this.wanted();
        for (const [page, call] of this.asked) {
            if (wanted.has(page)) continue;
            call.abort();
            this.asked.delete(page);
        }
        for (const page of wanted) if ((anew || !this.kept.has(page)) && !this.asked.has(page)) void this.fetch(page);
    }

    private async fetch(page: number): Promise<void> {
        const call = new AbortController();
        this.asked.set(page, call);
        const counting = !this.counted;
        try {
            this.take(page, await this.whole(page, counting, call.signal), counting);
        } catch (problem) {
            if (!call.signal.aborted) this.fail(problem);
        } finally {
            if (this.asked.get(page) === call) this.asked.delete(page);
        }
    }

    /** The server ends an answer early when its rows are very long: then it is asked for the others. */
    private async whole(page: number, counting: boolean, signal: AbortSignal): Promise<Answer> {
        const found = await this.part(page * PAGE, PAGE, counting, signal);
        while (found.links.next && found.data.length < PAGE) {
            const left = PAGE - found.data.length;
            const part = await this.part(page * PAGE + found.data.length, left, false, signal);
            if (part.version !== found.version || part.data.length === 0) break;
            found.data.push(...part.data);
        }
        return found;
    }

    private async part(offset: number, limit: number, counting: boolean, signal: AbortSignal): Promise<Answer> {
        const query = rowsQuery(this.ask);
        query.set("offset", String(offset));
        query.set("limit", String(limit));
        if (counting) query.set("count", "true");
        const answer = await authorized(new Request(`${this.path}?${query.toString()}`, { signal }));
        if (!answer.ok) throw await problemOf(answer);
        return (await answer.json()) as Answer;
    }

    private take(page: number, { data, version, row_count }: Answer, counting: boolean): void {
        const late = version < this.expected; // it was read just before
        this.expected = 0;
        if (version !== this.version) {
            this.kept.clear();
            this.counted = false;
        }
        this.version = version;
        this.problem = null;
        if (counting) {
            this.count = row_count ?? page * PAGE + data.length;
            this.counted = true;
        }
        this.kept.delete(page);
        this.kept.set(page, data);
        this.forget();
        if (late) this.renew();
        else if (!this.counted) void this.fetch(page);
        else this.later(0);
        this.changed();
    }

    private forget(): void {
        const wanted = this.wanted();
        for (const page of this.kept.keys()) if (this.kept.size > KEPT_MAX && !wanted.has(page)) this.kept.delete(page);
    }

    private fail(problem: unknown): void {
        this.problem = problem;
        const after = problem instanceof Problem ? problem.retryAfter : AGAIN_MS / 1_000;
        if (after) this.later(after * 1_000);
        this.changed();
    }
}

export interface RowsSeen {
    /** Undefined until the first answer. */
    count: number | undefined;
    version: number | undefined;
    problem: unknown;
    row: (i: number) => Row | undefined;
    onRange: (first: number, last: number) => void;
    again: () => void;
}

/**
 * `version` is the one that the page knows of: another than that of the rows makes them be read anew. When something else
 * is asked of the same table, its rows stay until the new ones are here.
 */
export function useRows(path: string, ask: RowsAsk, version?: number | null): RowsSeen {
    const [, changed] = useReducer((n: number) => n + 1, 0);
    const held = useRef<{ path: string; key: string; pages: Pages; before?: Pages }>();
    const key = `${path}?${rowsQuery(ask).toString()}`;
    if (held.current?.key !== key) {
        const last = held.current;
        last?.pages.stop();
        const before = last?.path === path ? (last.pages.count === undefined ? last.before : last.pages) : undefined;
        held.current = { path, key, pages: new Pages(path, ask, () => changed(0)), before };
    }
    const { pages, before } = held.current;
    const shown = pages.count === undefined && before ? before : pages;
    useEffect(() => () => held.current?.pages.stop(), []);
    useEffect(() => {
        if (version != null) pages.expect(version);
    }, [version, pages]);
    return {
        count: shown.count,
        version: shown.version,
        problem: pages.problem,
        row: (i) => shown.row(i),
        onRange: (first, last) => pages.see(first, last),
        again: () => pages.renew(),
    };
}
