// Entries of the log, newest first: read from its end backwards, and kept up by the stream.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, body, type LogEvent } from "../api/client";
import { useNews } from "../live/news";
import { reads } from "../live/team";
import { typesOf } from "./types";

const LIMIT = 50;
const SHOWN_MAX = 5_000;

interface Kept {
    entries: readonly LogEvent[];
    before: number | null; // where reading goes on; null: it is all
    ready: boolean;
}

export interface Entries extends Kept {
    problem: unknown;
    older: () => Promise<void>;
}

function beforeOf(link: string | null): number | null {
    const before = Number(new URLSearchParams(link?.split("?")[1]).get("before"));
    return before > 0 ? before : null;
}

/** A page of a filter that fits little may be empty and not the last: then the next one is asked for. */
async function backwards(before: number, type: string[]): Promise<{ found: LogEvent[]; before: number | null }> {
    for (let from: number | null = before; from !== null;) {
        const asked: { query: { before: number; limit: number; type: string[] } } = {
            query: { before: from, limit: LIMIT, type },
        };
        const { data, links } = await body(api.GET("/events", { params: asked }));
        from = beforeOf(links.prev);
        if (data.length > 0) return { found: data.reverse(), before: from };
    }
    return { found: [], before: null };
}

const joined = (newer: readonly LogEvent[], older: readonly LogEvent[]) => {
    const last = newer.at(-1)?.n ?? Infinity;
    return [...newer, ...older.filter(({ n }) => n < last)];
};

export function useEntries(filter: string): Entries {
    const [kept, keep] = useState<Kept>({ entries: [], before: null, ready: false });
    const [problem, fail] = useState<unknown>(null);
    const turn = useRef(0);
    const read = reads.value;
    const types = typesOf(filter);
    useEffect(() => {
        const mine = ++turn.current;
        keep({ entries: [], before: null, ready: false });
        if (!read) return; // the stream is joined first, so that nothing falls between it and the answer
        backwards(Number.MAX_SAFE_INTEGER, types).then(
            ({ found, before }) => {
                if (mine === turn.current)
                    keep(({ entries }) => ({ entries: joined(entries, found), before, ready: true }));
            },
            (caught: unknown) => mine === turn.current && fail(caught),
        );
    }, [filter, read]);
    useNews((event) => {
        if (types.length && !types.includes(event.type)) return;
        keep((now) => {
            const entries = [event, ...now.entries];
            if (entries.length <= SHOWN_MAX) return { ...now, entries };
            return { ...now, entries: entries.slice(0, SHOWN_MAX), before: entries[SHOWN_MAX - 1]?.n ?? null };
        });
    });
    const older = async () => {
        const mine = turn.current;
        try {
            if (kept.before === null) return;
            const { found, before } = await backwards(kept.before, types);
            if (mine === turn.current) keep((now) => ({ ...now, entries: joined(now.entries, found), before }));
        } catch (caught) {
            fail(caught);
        }
    };
    return { ...kept, problem, older };
}
