// A list that is read page by page, and read anew as far as it was when it is old.
import { useEffect, useRef, useState } from "preact/hooks";

interface Page<T> {
    data: T[];
    links: { next: string | null };
}

export interface Paged<T> {
    items: readonly T[];
    ready: boolean;
    more: boolean;
    problem: unknown;
    older: () => Promise<void>;
    again: () => void;
    change: (change: (items: readonly T[]) => T[]) => void;
}

const afterOf = (link: string) => new URLSearchParams(link.split("?")[1]).get("after") ?? undefined;

async function pages<T>(read: (after?: string) => Promise<Page<T>>, count: number): Promise<Page<T>> {
    const all: T[] = [];
    let next: string | null = null;
    for (let i = 0; i < count && (i === 0 || next); i++) {
        const page: Page<T> = await read(next ? afterOf(next) : undefined);
        all.push(...page.data);
        next = page.links.next;
    }
    return { data: all, links: { next } };
}

const GATHER_MS = 100; // a burst of events makes it old once

/** Read when the component is shown, and when `version` is another. */
export function usePaged<T>(read: (after?: string) => Promise<Page<T>>, version?: unknown): Paged<T> {
    const [page, keep] = useState<Page<T>>();
    const [problem, fail] = useState<unknown>(null);
    const shown = useRef(1);
    const turn = useRef(0);
    const load = async (count: number) => {
        const mine = ++turn.current; // the last question has the last word
        try {
            const found = await pages(read, count);
            if (mine !== turn.current) return;
            shown.current = count;
            keep(found);
            fail(null);
        } catch (caught) {
            if (mine === turn.current) fail(caught);
        }
    };
    const soon = useRef(0);
    const latest = useRef(load);
    latest.current = load;
    useEffect(() => {
        void load(shown.current);
        return () => void turn.current++;
    }, [version]);
    useEffect(() => () => clearTimeout(soon.current), []);
    const again = () => {
        soon.current ||= window.setTimeout(() => {
            soon.current = 0;
            void latest.current(shown.current);
        }, GATHER_MS);
    };
    return {
        items: page?.data ?? [],
        ready: page !== undefined,
        more: Boolean(page?.links.next),
        problem,
        older: () => load(shown.current + 1),
        again,
        change: (change) => keep((before) => before && { ...before, data: change(before.data) }),
    };
}
