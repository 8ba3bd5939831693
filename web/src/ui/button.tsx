// A button, or a link or a choice of a file that looks like one.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { FileInput } from "./file_input";

interface Looks {
    kind?: "main" | "plain" | "danger" | "quiet";
    small?: boolean;
    children: ComponentChildren;
    class?: string;
    title?: string;
    label?: string; // for those who hear the page, where the text does not say it
}

interface ButtonProps extends Looks {
    onClick?: (event: MouseEvent) => void;
    type?: "button" | "submit";
    disabled?: boolean;
    busy?: boolean;
    pressed?: boolean;
    expanded?: boolean;
}

const kinds = {
    main: "bg-solid text-onsolid border-transparent hover:brightness-110",
    plain: "bg-surface text-fg border-edge/60 hover:border-edge hover:bg-sunken",
    danger: "bg-surface text-bad border-bad/60 hover:bg-bad/10",
    quiet: "bg-transparent text-muted border-transparent hover:text-fg hover:bg-sunken",
};

function looks({ kind = "plain", small, class: more = "" }: Looks): string {
    const size = small ? "px-2.5 py-1 text-sm min-h-8" : "px-3.5 py-1.5 min-h-10";
    return (
        `inline-flex items-center justify-center gap-2 rounded-lg border font-medium leading-5 transition-colors ` +
        `disabled:cursor-not-allowed disabled:opacity-60 ${size} ${kinds[kind]} ${more}`
    );
}

export function Button({ onClick, type = "button", disabled, busy, pressed, expanded, ...rest }: ButtonProps) {
    return (
        <button
            type={type}
            class={looks(rest)}
            onClick={onClick}
            disabled={disabled || busy}
            aria-busy={busy || undefined}
            aria-pressed={pressed}
            aria-expanded={expanded}
            aria-label={rest.label}
            title={rest.title ?? rest.label}
        >
            {busy && <span class="h-4 w-4 animate-spin rounded-full border-2 border-current border-t-transparent" />}
            {rest.children}
        </button>
    );
}

export function LinkButton({ href, download, ...rest }: Looks & { href: string; download?: string }) {
    return (
        <a href={href} class={looks(rest)} aria-label={rest.label} title={rest.title ?? rest.label} download={download}>
            {rest.children}
        </a>
    );
}

export function FileButton({ accept, onFile, ...rest }: Looks & { accept: string; onFile: (file: File) => void }) {
    const id = useId();
    return (
        <span class="relative rounded-lg focus-within:outline focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-accent">
            <label for={id} class={looks(rest)}>
                {rest.children}
            </label>
            <FileInput id={id} accept={accept} onFile={onFile} />
        </span>
    );
}
