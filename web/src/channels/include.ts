// What a channel's events carry, in words.
import type { Channel } from "../api/client";

export type Include = NonNullable<Channel["include"]> | "none";

export const includeChoices: readonly { value: Include; title: string; text: string }[] = [
    { value: "changes", title: "What changed", text: "The rows that were added and removed, up to 1,000." },
    { value: "rows", title: "All rows", text: "The whole view as it is now, up to 1,000 rows." },
    { value: "none", title: "No rows", text: "That there is a new version, and how many rows changed." },
];

export function includeText(include: Channel["include"]): string {
    const found = includeChoices.find(({ value }) => value === (include ?? "none"));
    return found?.title ?? "No rows";
}
