// The place for a file: choose one, or drag it here.
import { useId, useRef } from "preact/hooks";
import { FileUp } from "lucide-preact";
import { dragging } from "./drop";

interface FileChoiceProps {
    file: File | null;
    onFile: (file: File) => void;
}

export function FileChoice({ file, onFile }: FileChoiceProps) {
    const id = useId();
    const input = useRef<HTMLInputElement>(null);
    const small = file !== null;
    return (
        <div
            class={`relative grid justify-items-center rounded-xl border border-dashed text-center focus-within:border-accent ${
                dragging.value ? "border-accent bg-accent/10" : "border-edge/60"
            } ${small ? "px-3 py-2" : "gap-2 px-6 py-10"}`}
        >
            {!small && <FileUp size={28} class="text-accent" aria-hidden="true" />}
            <label for={id} class={`cursor-pointer text-accent underline ${small ? "text-sm" : "font-medium"}`}>
                {small ? "Choose another file" : "Choose a file"}
            </label>
            <input
                ref={input}
                id={id}
                type="file"
                accept=".csv,.tsv,.txt,.parquet,.pq,text/csv"
                class="absolute inset-0 h-full w-full cursor-pointer opacity-0"
                onChange={() => {
                    const chosen = input.current?.files?.[0];
                    if (chosen) onFile(chosen);
                    if (input.current) input.current.value = ""; // the same one may be chosen again
                }}
            />
            {!small && (
                <p class="text-sm text-muted">
                    or drag it here: CSV with a header row, or Parquet. Of a large file only the beginning is looked at
                    before you load it.
                </p>
            )}
        </div>
    );
}
