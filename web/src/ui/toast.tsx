// Short notes in the corner: what was done, and a way back where there is one.
import { signal } from "@preact/signals";
import { X } from "lucide-preact";
import { sentence } from "../api/problem";

interface Toast {
    id: number;
    text: string;
    kind: "good" | "bad";
    undo?: () => void;
}

const SHOWN_MS = 6_000;
const MOST = 4;
const toasts = signal<readonly Toast[]>([]);
let last = 0;

function remove(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

function add(toast: Omit<Toast, "id">): void {
    const id = ++last;
    toasts.value = [...toasts.value, { ...toast, id }].slice(-MOST);
    setTimeout(() => remove(id), toast.kind === "bad" ? 2 * SHOWN_MS : SHOWN_MS);
}

export const tell = (text: string, undo?: () => void) => add({ text, kind: "good", undo });
export const complain = (problem: unknown) => add({ text: sentence(problem), kind: "bad" });

export function Toasts() {
    return (
        <div class="fixed inset-x-3 bottom-16 z-50 grid justify-items-end gap-2 md:bottom-4" aria-live="polite">
            {toasts.value.map((toast) => (
                <div
                    key={toast.id}
                    role={toast.kind === "bad" ? "alert" : "status"}
                    class={`flex max-w-md items-start gap-3 rounded-lg border bg-surface px-4 py-3 text-sm shadow-lg ${
                        toast.kind === "bad" ? "border-bad text-bad" : "border-line"
                    }`}
                >
                    <span class="break-words">{toast.text}</span>
                    {toast.undo && (
                        <button
                            class="font-medium text-accent underline"
                            onClick={() => {
                                toast.undo?.();
                                remove(toast.id);
                            }}
                        >
                            Undo
                        </button>
                    )}
                    <button class="text-muted hover:text-fg" aria-label="Dismiss" onClick={() => remove(toast.id)}>
                        <X size={16} />
                    </button>
                </div>
            ))}
        </div>
    );
}
