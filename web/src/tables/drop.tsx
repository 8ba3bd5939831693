// Files that are dragged over the page, wherever that is.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { FileUp } from "lucide-preact";

/** A file is above the page now. */
export const dragging = signal(false);

const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;

export function useFileDrop(take: (files: FileList) => void): void {
    const now = useRef(take);
    now.current = take;
    useEffect(() => {
        let depth = 0; // of the elements that were entered
        const enter = (event: DragEvent) => {
            if (!hasFiles(event)) return;
            event.preventDefault();
            depth++;
            dragging.value = true;
        };
        const over = (event: DragEvent) => {
            if (hasFiles(event)) event.preventDefault();
        };
        const leave = (event: DragEvent) => {
            if (!hasFiles(event)) return;
            depth = Math.max(depth - 1, 0);
            if (depth === 0) dragging.value = false;
        };
        const drop = (event: DragEvent) => {
            if (!hasFiles(event)) return;
            event.preventDefault();
            depth = 0;
            dragging.value = false;
            if (event.dataTransfer?.files.length) now.current(event.dataTransfer.files);
        };
        addEventListener("dragenter", enter);
        addEventListener("dragover", over);
        addEventListener("dragleave", leave);
        addEventListener("drop", drop);
        return () => {
            removeEventListener("dragenter", enter);
            removeEventListener("dragover", over);
            removeEventListener("dragleave", leave);
            removeEventListener("drop", drop);
            dragging.value = false;
        };
    }, []);
}

/** Says where it would go. */
export function DropVeil({ text }: { text: string }) {
    if (!dragging.value) return null;
    return (
        <div class="pointer-events-none fixed inset-0 z-50 grid place-items-center bg-canvas/80 p-6">
            <p class="flex items-center gap-3 rounded-xl border-2 border-dashed border-accent bg-surface px-8 py-6 text-lg font-medium">
                <FileUp size={24} class="text-accent" aria-hidden="true" />
                {text}
            </p>
        </div>
    );
}
