// When a job's channels are told, in words.
import type { Job } from "../api/client";

export type Notify = Job["notify"];

export const notifyChoices: readonly { value: Notify; title: string; text: string }[] = [
    {
        value: "always",
        title: "Of every new version",
        text: "A refresh that finds the tables unmoved makes no version, and is never told.",
    },
    {
        value: "changed",
        title: "When rows have changed",
        text: "Only when the new version has rows that were added or removed.",
    },
    {
        value: "non_empty",
        title: "While there are rows",
        text: "Only when the view has rows: for views that find what should not be.",
    },
];

export function notifyText(notify: Notify): string {
    return notifyChoices.find(({ value }) => value === notify)?.title ?? notify;
}
