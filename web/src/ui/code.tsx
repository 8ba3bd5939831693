// A piece of code that can be copied.
import { useState } from "preact/hooks";
import { Check, Copy } from "lucide-preact";
import { complain } from "./toast";

/** Also where the page is not from a secure context, where navigator.clipboard is missing. */
export async function copy(text: string): Promise<void> {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const place = document.createElement("textarea");
    place.value = text;
    place.style.position = "fixed";
    place.style.opacity = "0";
    document.body.append(place);
    place.select();
    const done = document.execCommand("copy");
    place.remove();
    if (!done) throw new Error("The browser did not let the text be copied.");
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
    const [done, tell] = useState(false);
    const run = () =>
        copy(text).then(() => {
            tell(true);
            setTimeout(() => tell(false), 1_500);
        }, complain);
    return (
        <button
            type="button"
            class="inline-flex items-center gap-1 rounded border border-line bg-surface px-2 py-1 text-xs text-muted hover:text-fg"
            onClick={() => void run()}
        >
            {done ? <Check size={14} /> : <Copy size={14} />}
            <span aria-live="polite">{done ? "Copied" : label}</span>
        </button>
    );
}

export function Code({ text, label }: { text: string; label?: string }) {
    return (
        <div class="relative rounded-lg border border-line bg-sunken">
            <div class="absolute right-2 top-2">
                <CopyButton text={text} label={label} />
            </div>
            <pre class="overflow-x-auto whitespace-pre p-3 pr-24 leading-5" tabIndex={0}>
                {text}
            </pre>
        </div>
    );
}
