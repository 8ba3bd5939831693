// Runs a query for trying: its rows and how long it took, or what is wrong with it; it can be stopped.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, body, type Column, type Row } from "../api/client";

export interface Answer {
    columns: readonly Column[];
    rows: readonly Row[];
    more: boolean; // there were more rows than are shown
    tookMs: number; // as it was seen from here
}

export const ROWS_MAX = 1_000;

async function runQuery(sql: string, signal: AbortSignal): Promise<Answer> {
    const begun = performance.now();
    const { columns, data, more } = await body(api.POST("/queries", { body: { sql, limit: ROWS_MAX }, signal }));
    return { columns, rows: data as Row[], more, tookMs: performance.now() - begun };
}

export interface Trial {
    answer: Answer | null;
    problem: unknown;
    busy: boolean;
    run: (sql: string) => void;
    stop: () => void;
    /** What is wrong with a text is no longer wrong with another one. */
    forgive: () => void;
}

export function useTrial(): Trial {
    const [answer, show] = useState<Answer | null>(null);
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const under = useRef<AbortController>();
    const stop = () => {
        under.current?.abort();
        under.current = undefined;
        work(false);
    };
    const run = (sql: string) => {
        if (!sql.trim()) return;
        stop();
        const call = (under.current = new AbortController());
        work(true);
        runQuery(sql, call.signal)
            .then(
                (found) => {
                    if (call.signal.aborted) return;
                    show(found);
                    fail(null);
                },
                (caught: unknown) => {
                    if (!call.signal.aborted) fail(caught);
                },
            )
            .finally(() => under.current === call && stop());
    };
    useEffect(() => stop, []);
    return { answer, problem, busy, run, stop, forgive: () => fail(null) };
}
