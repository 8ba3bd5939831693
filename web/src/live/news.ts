// What the log tells from now on, for pages that keep more of it than the team's state.
import { effect, untracked } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { LogEvent } from "../api/client";
import { recent } from "./team";

/** Calls for each new event, oldest first, until the function that it gives is called. */
function news(take: (event: LogEvent) => void): () => void {
    let last = recent.peek()[0]?.n ?? 0;
    return effect(() => {
        const fresh = recent.value.filter(({ n }) => n > last).reverse();
        last = fresh.at(-1)?.n ?? last;
        untracked(() => fresh.forEach(take));
    });
}

/** While the component is shown. */
export function useNews(take: (event: LogEvent) => void): void {
    const now = useRef(take);
    now.current = take;
    useEffect(() => news((event) => now.current(event)), []);
}
