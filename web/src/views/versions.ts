// The versions that a view has had, newest first: read page by page, and kept up as new ones come.
import { useEffect, useState } from "preact/hooks";
import type { paths } from "openapi";
import { api, body, type View } from "../api/client";

type Answer = paths["/views/{name}/versions"]["get"]["responses"][200]["content"]["application/json"];
export type Version = Answer["data"][number];

export interface Versions {
    list: readonly Version[] | null;
    more: boolean;
    problem: unknown;
    /** Those before. */
    further: () => void;
    again: () => void;
}

const PAGE = 50;

function merged(kept: readonly Version[], found: readonly Version[]): Version[] {
    const all = new Map([...kept, ...found].map((one) => [one.version, one]));
    return Array.from(all.values()).sort((a, b) => b.version - a.version);
}

export function useVersions({ view_name: name, version }: View): Versions {
    const [list, show] = useState<readonly Version[] | null>(null);
    const [more, setMore] = useState(false);
    const [problem, fail] = useState<unknown>(null);
    const [tries, again] = useState(0);
    const read = async (after: number | undefined, current: () => boolean) => {
        const query = { limit: PAGE, ...(after === undefined ? {} : { after: String(after) }) };
        try {
            const { data, links } = await body(
                api.GET("/views/{name}/versions", { params: { path: { name }, query } }),
            );
            if (!current()) return;
            const oldest = list?.at(-1)?.version ?? Infinity;
            // A gap between what is here and what is new: begin again.
            const apart =
                after === undefined && links.next !== null && (data.at(-1)?.version ?? 0) > (list?.[0]?.version ?? 0);
            show((kept) => merged(apart ? [] : (kept ?? []), data));
            if (apart || list === null || after !== undefined || (data.at(-1)?.version ?? 0) < oldest)
                setMore(links.next !== null);
            fail(null);
        } catch (caught) {
            if (current()) fail(caught);
        }
    };
    useEffect(() => {
        let here = true;
        void read(undefined, () => here);
        return () => {
            here = false;
        };
    }, [name, version, tries]);
    return {
        list,
        more,
        problem,
        further: () => void read(list?.at(-1)?.version, () => true),
        again: () => again((n) => n + 1),
    };
}
