// Several panels in one place, one of them shown: moved through with the arrow keys.
import type { ComponentChildren } from "preact";
import { useId, useRef, useState } from "preact/hooks";

export interface Tab {
    name: string;
    content: () => ComponentChildren;
}

export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
    const [at, choose] = useState(0);
    const id = useId();
    const list = useRef<HTMLDivElement>(null);
    const keys = (event: KeyboardEvent) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const next = (at + step + tabs.length) % tabs.length;
        choose(next);
        list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[next]?.focus();
    };
    return (
        <div class="grid grid-cols-[minmax(0,1fr)] gap-3">
            <div ref={list} role="tablist" aria-label={label} class="flex gap-1 overflow-x-auto p-1" onKeyDown={keys}>
                {tabs.map(({ name }, i) => (
                    <button
                        key={name}
                        role="tab"
                        id={`${id}-tab-${i}`}
                        aria-selected={i === at}
                        aria-controls={`${id}-panel`}
                        tabIndex={i === at ? 0 : -1}
                        class={`min-h-8 whitespace-nowrap rounded-lg px-3 py-1 text-sm font-medium ${
                            i === at ? "bg-accent/10 text-accent" : "text-muted hover:bg-sunken hover:text-fg"
                        }`}
                        onClick={() => choose(i)}
                    >
                        {name}
                    </button>
                ))}
            </div>
            <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-tab-${at}`}>
                {tabs[at]?.content()}
            </div>
        </div>
    );
}
