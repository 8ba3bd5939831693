// A list of things: a row each, with its actions at the end where there is room and below it where there is none.
import type { ComponentChildren } from "preact";

export function List({ label, children }: { label: string; children: ComponentChildren }) {
    return (
        <ul aria-label={label} class="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface">
            {children}
        </ul>
    );
}

interface ListRowProps {
    icon?: ComponentChildren;
    title: ComponentChildren;
    /** Short facts below the title. */
    facts?: ComponentChildren;
    /** What is to be seen at once: a state. */
    state?: ComponentChildren;
    actions?: ComponentChildren;
    children?: ComponentChildren;
}

export function ListRow({ icon, title, facts, state, actions, children }: ListRowProps) {
    return (
        <li class="grid gap-2 px-4 py-3">
            <div class="flex flex-wrap items-center gap-x-4 gap-y-2">
                <div class="flex min-w-0 flex-1 basis-64 items-start gap-3">
                    {icon && <span class="mt-1 shrink-0">{icon}</span>}
                    <div class="min-w-0">
                        <div class="break-words font-medium">{title}</div>
                        {facts && (
                            <div class="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">{facts}</div>
                        )}
                    </div>
                </div>
                {state && <div class="flex flex-wrap items-center gap-2 text-sm">{state}</div>}
                {actions && <div class="flex flex-wrap items-center gap-2">{actions}</div>}
            </div>
            {children}
        </li>
    );
}
