// A dialog above the page: the browser's own <dialog>, which keeps the focus and closes with Escape.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { X } from "lucide-preact";

interface DialogProps {
    title: string;
    onClose: () => void;
    wide?: boolean;
    children: ComponentChildren;
}

export function Dialog({ title, onClose, wide, children }: DialogProps) {
    const place = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        const before = document.activeElement;
        const dialog = place.current;
        dialog?.showModal();
        return () => {
            dialog?.close(); // while it is open nothing else takes the focus
            if (before instanceof HTMLElement) before.focus();
        };
    }, []);
    return (
        <dialog
            ref={place}
            aria-labelledby={id}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
            onMouseDown={(event) => event.target === place.current && onClose()}
            class={`m-auto max-h-[92vh] w-[calc(100vw-1.5rem)] overflow-y-auto rounded-xl border border-line bg-surface p-0 text-fg
                shadow-2xl backdrop:bg-black/50 ${wide ? "max-w-4xl" : "max-w-lg"}`}
        >
            <div class="p-5">
                <div class="mb-4 flex items-start justify-between gap-4">
                    <h2 id={id} class="min-w-0 break-words text-lg font-semibold">
                        {title}
                    </h2>
                    <button class="rounded p-1 text-muted hover:text-fg" aria-label="Close" onClick={onClose}>
                        <X size={20} />
                    </button>
                </div>
                {children}
            </div>
        </dialog>
    );
}
