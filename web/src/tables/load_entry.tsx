// An entry of the list of uploads and loads.
import type { ComponentChildren } from "preact";
import { CircleCheck, CircleX, Upload } from "lucide-preact";
import type { Mode } from "./notes";

const doing: Record<Mode, string> = { create: "New table", append: "More rows for", replace: "New rows for" };

interface EntryProps {
    mode: Mode;
    table: string;
    file: string | undefined;
    mark: "busy" | "good" | "bad";
    text: ComponentChildren;
    actions: ComponentChildren;
    children?: ComponentChildren;
}

function Mark({ mark }: { mark: EntryProps["mark"] }) {
    if (mark === "good") return <CircleCheck size={20} class="text-good" aria-hidden="true" />;
    if (mark === "bad") return <CircleX size={20} class="text-bad" aria-hidden="true" />;
    return <Upload size={20} class="text-accent" aria-hidden="true" />;
}

export function Entry({ mode, table, file, mark, text, actions, children }: EntryProps) {
    return (
        <li class="grid gap-2 px-4 py-3" aria-label={`${doing[mode]} ${table}`}>
            <div class="flex flex-wrap items-center gap-x-4 gap-y-2">
                <span class="shrink-0">
                    <Mark mark={mark} />
                </span>
                <div class="min-w-0 flex-1 basis-48">
                    <p class="break-words font-medium">
                        {doing[mode]} <span class="break-all font-mono">{table}</span>
                        {file && <span class="font-normal text-muted"> from {file}</span>}
                    </p>
                    <p
                        class={`text-sm tabular-nums ${mark === "bad" ? "text-bad" : "text-muted"}`}
                        role={mark === "busy" ? undefined : "status"}
                    >
                        {text}
                    </p>
                </div>
                <div class="flex flex-wrap gap-2">{actions}</div>
            </div>
            {children}
        </li>
    );
}
