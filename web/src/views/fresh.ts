// Which rows a new version has just brought: they are lit up for a moment where they are shown.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, body, type Row, type View } from "../api/client";

const LIT_MS = 4_000;
const MOST = 1_000;

const keyOf = (row: Row) => JSON.stringify(row);

async function added(name: string, after: number, upto: number, signal: AbortSignal): Promise<Set<string>> {
    const query = { after, upto, limit: MOST };
    const { data } = await body(api.GET("/views/{name}/changes", { params: { path: { name }, query }, signal }));
    const changes = data as { change: string; row: Row }[];
    return new Set(changes.filter(({ change }) => change === "added").map(({ row }) => keyOf(row)));
}

/** Says whether a row is new. What was there when the page was opened is not. */
export function useFresh({ view_name: name, version }: View): (row: Row) => boolean {
    const [lit, light] = useState<ReadonlySet<string>>(new Set());
    const before = useRef(version);
    useEffect(() => {
        const after = before.current;
        before.current = version;
        if (version <= after) return;
        const call = new AbortController();
        added(name, after, version, call.signal).then(light, () => undefined); // without it the rows are there all the same
        const timer = setTimeout(() => light(new Set()), LIT_MS);
        return () => {
            call.abort();
            clearTimeout(timer);
        };
    }, [name, version]);
    return (row) => lit.size > 0 && lit.has(keyOf(row));
}
