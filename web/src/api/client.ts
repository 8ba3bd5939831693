// The API as the page calls it: paths, parameters and answers are typed by the server's own document.
import createClient from "openapi-fetch";
import type { paths } from "openapi";
import { problemOf } from "./problem";
import { authorized } from "./session";

export const api = createClient<paths>({
    fetch: async (request) => {
        const answer = await authorized(request);
        if (!answer.ok) throw await problemOf(answer);
        return answer;
    },
});

/** The answer's body; a refusal has been thrown already. */
export async function body<T>(call: Promise<{ data?: T }>): Promise<T> {
    return (await call).data as T;
}

type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Item<T> = Json<T> extends { data: (infer One)[] } ? One : never;

export interface Column {
    column_name: string;
    column_type: string;
}
/** What the document calls "any JSON" is known better here. */
type Known<T, K> = Omit<T, keyof K> & K;

export type Account = Json<paths["/auth/users/me"]["get"]["responses"][200]>;
export type Table = Known<Item<paths["/tables"]["get"]["responses"][200]>, { columns: Column[]; dependents: string[] }>;
export type View = Known<
    Item<paths["/views"]["get"]["responses"][200]>,
    { columns: Column[]; depends_on: string[]; dependents: string[] }
>;
export type Job = Item<paths["/jobs"]["get"]["responses"][200]>;
export type Run = Item<paths["/jobs/{id}/runs"]["get"]["responses"][200]>;
export type Channel = Item<paths["/channels"]["get"]["responses"][200]>;
export type Load = Item<paths["/loads"]["get"]["responses"][200]>;
export type Session = Item<paths["/auth/sessions"]["get"]["responses"][200]>;
export type LogEvent = Item<paths["/events"]["get"]["responses"][200]>;
export type SeenAccount = Item<paths["/admin/accounts"]["get"]["responses"][200]>;
export type SeenTeam = Item<paths["/admin/teams"]["get"]["responses"][200]>;
export type FailingJob = Item<paths["/admin/jobs/failing"]["get"]["responses"][200]>;
export type Processes = Json<paths["/admin/processes"]["get"]["responses"][200]>;
export type RunningQuery = Item<paths["/admin/queries"]["get"]["responses"][200]>;
export type LogLine = Item<paths["/admin/log"]["get"]["responses"][200]>;
/** A row of a table or a view: what stands in it is the team's own. */
export type Row = Record<string, unknown>;

/** All of a list, page by page. */
export async function all<T>(
    page: (after?: string) => Promise<{ data: T[]; links: { next: string | null } }>,
): Promise<T[]> {
    const found: T[] = [];
    for (let after: string | undefined; ;) {
        const { data, links } = await page(after);
        found.push(...data);
        if (!links.next) return found;
        after = new URLSearchParams(links.next.split("?")[1]).get("after") ?? undefined;
    }
}
