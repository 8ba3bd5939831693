// A word in a coloured pill: a state.
import type { ComponentChildren } from "preact";

const tones = {
    plain: "border-line text-muted",
    good: "border-good/50 text-good bg-good/10",
    bad: "border-bad/50 text-bad bg-bad/10",
    warn: "border-warn/50 text-warn bg-warn/10",
    accent: "border-accent/50 text-accent bg-accent/10",
};

export type Tone = keyof typeof tones;

export function Badge({
    tone = "plain",
    children,
    title,
}: {
    tone?: Tone;
    children: ComponentChildren;
    title?: string;
}) {
    return (
        <span
            title={title}
            class={`inline-flex items-center gap-1 whitespace-nowrap rounded-full border px-2 text-xs font-medium leading-5 ${tones[tone]}`}
        >
            {children}
        </span>
    );
}
