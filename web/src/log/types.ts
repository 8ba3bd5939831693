// What can happen, in words, and in groups that one looks at together.
const words = {
    "table.created": "Table made",
    "table.loaded": "Table loaded",
    "table.deleted": "Table deleted",
    "load.succeeded": "Load succeeded",
    "load.failed": "Load failed",
    "view.created": "View made",
    "view.updated": "View changed",
    "view.refreshed": "New version",
    "view.deleted": "View deleted",
    "run.succeeded": "Run succeeded",
    "run.skipped": "Run skipped",
    "run.failed": "Run failed",
    "job.created": "Job made",
    "job.updated": "Job changed",
    "job.deleted": "Job deleted",
    "channel.created": "Channel made",
    "channel.deleted": "Channel deleted",
    "session.started": "Signed in",
    "session.ended": "Signed out",
    "account.registered": "Account made",
    "account.password_changed": "Password changed",
    "account.activated": "Account switched on",
    "account.deactivated": "Account switched off",
} as const;

export const types: readonly string[] = Object.keys(words);

export function typeText(type: string): string {
    return type in words ? words[type as keyof typeof words] : type;
}

const groups: readonly (readonly [text: string, ...kinds: string[]])[] = [
    ["Tables and loads", "table", "load"],
    ["Views", "view"],
    ["Jobs and runs", "job", "run"],
    ["Channels", "channel"],
    ["Accounts and sessions", "account", "session"],
];

/** What changes something, or went wrong: without the runs and loads that did what was expected of them. */
export const news = "table+load.failed+view+run.failed+job+channel";

/** For a choice: everything, the news, the groups, each type. */
export const filters: readonly (readonly [value: string, text: string])[] = [
    ["", "Everything"],
    [news, "What changed, or went wrong"],
    ...groups.map(([text, ...kinds]) => [kinds.join("+"), text] as const),
    ...types.map((type) => [type, `Only: ${typeText(type).toLowerCase()}`] as const),
];

/** The types of such a value; none: all. */
export function typesOf(filter: string): string[] {
    if (!filter) return [];
    if (types.includes(filter)) return [filter];
    const kinds = filter.split("+");
    return types.filter((type) => kinds.includes(type) || kinds.includes(type.split(".")[0] ?? ""));
}
