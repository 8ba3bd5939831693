// The place for a file: choose one, or drag it here.
import { useId } from "preact/hooks";
import { FileUp } from "lucide-preact";
import { FileInput } from "../ui/file_input";
import { dragging } from "./drop";
import type { Source } from "./preview";

interface FileChoiceProps {
    file: Source | null;
    onFile: (file: File) => void;
}

export const ACCEPTED = ".csv,.tsv,.txt,.parquet,.pq,text/csv";

export function FileChoice({ file, onFile }: FileChoiceProps) {
    const id = useId();
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
            <FileInput id={id} accept={ACCEPTED} onFile={onFile} />
            {!small && (
                <p class="text-sm text-muted">
                    or drag it here: CSV with a header row, or Parquet. Of a large file only the beginning is looked at
                    before you load it.
                </p>
            )}
        </div>
    );
}
