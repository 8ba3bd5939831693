// How a run went: a word, a colour and a sign.
import { Check, LoaderCircle, Minus, X } from "lucide-preact";
import type { Run } from "../api/client";
import { Badge, type Tone } from "../ui/badge";
import { plural } from "../ui/format";

export type Outcome = Run["outcome"];

const outcomes: Record<Outcome, { tone: Tone; word: string; icon: typeof Check }> = {
    running: { tone: "accent", word: "Running", icon: LoaderCircle },
    succeeded: { tone: "good", word: "Succeeded", icon: Check },
    skipped: { tone: "plain", word: "Skipped", icon: Minus },
    failed: { tone: "bad", word: "Failed", icon: X },
};

const known = (outcome: string): outcome is Outcome => outcome in outcomes;
export const outcomeWord = (outcome: Outcome) => outcomes[outcome].word;

export function OutcomeBadge({ outcome }: { outcome: string | null | undefined }) {
    if (!outcome || !known(outcome)) return <Badge>Never run</Badge>;
    const { tone, word, icon: Icon } = outcomes[outcome];
    const title = outcome === "skipped" ? "What the view reads had not moved" : undefined;
    return (
        <Badge tone={tone} title={title}>
            <Icon size={12} aria-hidden="true" />
            {word}
        </Badge>
    );
}

export const triggerWords: Record<Run["trigger"], string> = {
    schedule: "its schedule",
    hand: "hand",
    reader: "a view that reads it",
};

/** "version 7, 1 row added, 2 rows removed" */
export function changeText({ outcome, version, added, removed }: Run): string {
    if (outcome === "skipped") return "nothing it reads had moved";
    if (outcome === "failed") return "the rows are as before";
    if (outcome === "running") return "under way";
    if (!added && !removed) return `version ${version}, the same rows`;
    const parts = [added && `${plural(added, "row")} added`, removed && `${plural(removed, "row")} removed`];
    return [`version ${version}`, ...parts].filter(Boolean).join(", ");
}
