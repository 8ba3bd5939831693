// What every page is made of: a heading with its actions, cards, and what stands there when there is nothing yet.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { ChevronLeft } from "lucide-preact";

interface PageProps {
    title: string;
    heading?: ComponentChildren; // in the place of the title, where there is more to show
    back?: { href: string; text: string };
    actions?: ComponentChildren;
    intro?: ComponentChildren;
    wide?: boolean; // as wide as the window
    children: ComponentChildren;
}

export function Page({ title, heading, back, actions, intro, wide, children }: PageProps) {
    useEffect(() => {
        document.title = `${title} · TinyDevCRM`;
    }, [title]);
    return (
        <div class={`mx-auto grid w-full grid-cols-[minmax(0,1fr)] gap-5 p-4 pb-24 md:p-8 ${wide ? "" : "max-w-6xl"}`}>
            <header class="grid gap-2">
                {back && (
                    <a
                        href={back.href}
                        class="inline-flex items-center gap-1 justify-self-start text-sm text-muted hover:text-fg"
                    >
                        <ChevronLeft size={16} />
                        {back.text}
                    </a>
                )}
                <div class="flex flex-wrap items-center justify-between gap-3">
                    <h1 class="flex min-w-0 items-center gap-2 break-all text-2xl font-semibold tracking-tight">
                        {heading ?? title}
                    </h1>
                    {actions && <div class="flex flex-wrap items-center gap-2">{actions}</div>}
                </div>
                {intro && <div class="max-w-3xl text-muted">{intro}</div>}
            </header>
            {children}
        </div>
    );
}

export function Card({
    title,
    actions,
    children,
    flush,
}: {
    title?: ComponentChildren;
    actions?: ComponentChildren;
    children: ComponentChildren;
    flush?: boolean; // its content reaches the edges
}) {
    return (
        <section class="min-w-0 rounded-xl border border-line bg-surface">
            {title && (
                <div class="flex flex-wrap items-center justify-between gap-2 border-b border-line px-4 py-2.5">
                    <h2 class="font-semibold">{title}</h2>
                    {actions && <div class="flex flex-wrap items-center gap-2">{actions}</div>}
                </div>
            )}
            <div class={flush ? "" : "p-4"}>{children}</div>
        </section>
    );
}

/** Nothing here yet: what it is for, and the first step. */
export function Empty({
    title,
    children,
    action,
}: {
    title: string;
    children: ComponentChildren;
    action?: ComponentChildren;
}) {
    return (
        <div class="grid justify-items-center gap-3 rounded-xl border border-dashed border-edge/50 px-6 py-12 text-center">
            <p class="text-lg font-medium">{title}</p>
            <div class="max-w-xl text-muted">{children}</div>
            {action}
        </div>
    );
}

/** Facts with their names. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
    return (
        <dl class="grid grid-cols-[repeat(auto-fit,minmax(8rem,1fr))] gap-x-6 gap-y-3">
            {facts.map(([name, value]) => (
                <div key={name} class="min-w-0">
                    <dt class="text-sm text-muted">{name}</dt>
                    <dd class="break-words font-medium tabular-nums">{value}</dd>
                </div>
            ))}
        </dl>
    );
}
