// Where the pages of views are.
import { to } from "../router";

export const tabs = { rows: "Rows", query: "Query", chart: "Chart", history: "History" } as const;
export type Tab = keyof typeof tabs;

/** "#/views/new" is where one is made: a view of that name is reached by its rows. */
export function viewHref(name: string, tab: Tab = "rows"): string {
    return tab === "rows" && name !== "new" ? to("views", name) : to("views", name, tab);
}

/** The history with what changed between two versions; without `upto`, up to the newest as it comes. */
export function changesHref(name: string, after: number, upto?: number): string {
    const query = new URLSearchParams({ after: String(after), ...(upto === undefined ? {} : { upto: String(upto) }) });
    return `${viewHref(name, "history")}?${query.toString()}`;
}
