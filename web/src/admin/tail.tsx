// The end of the server's log, as it is written.
import { useState } from "preact/hooks";
import { Pause, Play } from "lucide-preact";
import type { LogLine } from "../api/client";
import { Button } from "../ui/button";
import { SelectField, TextField } from "../ui/field";
import { clockTime, fullTime } from "../ui/format";
import type { Watch } from "./watch";

const levels = ["debug", "info", "warning", "error"];
const colours: Record<string, string> = { warning: "text-warn", error: "text-bad", debug: "text-muted" };
const SHOWN_MAX = 300;

function Line({ line }: { line: LogLine }) {
    const fields = Object.entries(line.fields);
    return (
        <li class="flex flex-wrap gap-x-3 px-4 py-0.5 hover:bg-sunken" data-line={line.n}>
            <time dateTime={line.at} title={fullTime(line.at)} class="tabular-nums text-muted">
                {clockTime(line.at)}
            </time>
            <span class={`w-16 ${colours[line.level] ?? ""}`}>{line.level}</span>
            <span class="w-14 text-muted">{line.area}</span>
            <span class={`min-w-0 flex-1 basis-72 break-words ${colours[line.level] ?? ""}`}>
                {line.message}{" "}
                <span class="break-all text-muted">{fields.map(([name, value]) => `${name}=${value}`).join(" ")}</span>
            </span>
        </li>
    );
}

export function Tail({ watch }: { watch: Watch }) {
    const [level, setLevel] = useState("debug");
    const [text, setText] = useState("");
    const [held, hold] = useState<readonly LogLine[] | null>(null);
    const wanted = (line: LogLine) =>
        levels.indexOf(line.level) >= levels.indexOf(level) &&
        `${line.area} ${line.message} ${Object.values(line.fields).join(" ")}`
            .toLowerCase()
            .includes(text.toLowerCase());
    const all = held ?? watch.lines.value;
    const shown = all.filter(wanted).slice(0, SHOWN_MAX);
    return (
        <>
            <div class="flex flex-wrap items-start gap-4">
                <SelectField
                    label="Level"
                    value={level}
                    options={[
                        ["debug", "All"],
                        ["info", "Info and worse"],
                        ["warning", "Warnings and errors"],
                        ["error", "Errors"],
                    ]}
                    onValue={setLevel}
                />
                <TextField label="That contain" type="search" value={text} onValue={setText} />
                <Button class="sm:mt-7" pressed={held !== null} onClick={() => hold(held ? null : watch.lines.value)}>
                    {held ? <Play size={16} aria-hidden="true" /> : <Pause size={16} aria-hidden="true" />}
                    {held ? "Go on" : "Hold"}
                </Button>
            </div>
            <div class="overflow-hidden rounded-xl border border-line bg-surface">
                {shown.length > 0 ? (
                    <ol
                        class="relative max-h-[70vh] overflow-y-auto py-2 font-mono text-xs leading-5"
                        tabIndex={0}
                        aria-label="Lines of the log, the newest first"
                    >
                        {shown.map((line) => (
                            <Line key={line.n} line={line} />
                        ))}
                    </ol>
                ) : (
                    <p class="p-4 text-muted">No line of this kind among the last {all.length}.</p>
                )}
            </div>
        </>
    );
}
