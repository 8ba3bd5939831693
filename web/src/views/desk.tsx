// Where a query is written and tried: the editor, what runs it, and its rows or what is wrong with it.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { Play, Square } from "lucide-preact";
import { Button } from "../ui/button";
import { Failed } from "../ui/failed";
import { Waiting } from "../ui/waiting";
import { AnswerRows } from "./answer_rows";
import type { Draft } from "./draft";
import { Editor } from "./editor";
import { faultOf } from "./fault";
import type { Trial } from "./run";

interface DeskProps {
    draft: Draft;
    label: string;
    hint?: string;
    trial: Trial;
    /** Of saving: it is about the same text, until that is changed. */
    refusal: unknown;
    forgive: () => void;
    children?: ComponentChildren; // further buttons
    aside?: ComponentChildren; // below the editor
}

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

export function Desk({ draft, label, hint, trial, refusal, forgive, children, aside }: DeskProps) {
    const { text, turn } = draft;
    const problem = refusal ?? trial.problem;
    const fault = useMemo(() => faultOf(problem), [problem]);
    return (
        <div class="grid min-w-0 gap-4">
            <div class="min-w-0 rounded-xl border border-line bg-surface">
                <Editor
                    value={text}
                    turn={turn}
                    label={label}
                    hint={hint}
                    fault={fault}
                    onValue={(sql) => {
                        forgive();
                        draft.set(sql);
                    }}
                    onRun={() => trial.run(text)}
                />
                <div class="flex flex-wrap items-center gap-2 border-t border-line px-3 py-2">
                    {trial.busy ? (
                        <Button small onClick={trial.stop}>
                            <Square size={14} aria-hidden="true" /> Stop
                        </Button>
                    ) : (
                        <Button small disabled={!text.trim()} onClick={() => trial.run(text)}>
                            <Play size={14} aria-hidden="true" /> Run
                        </Button>
                    )}
                    <span class="hidden text-sm text-muted sm:inline">
                        <kbd>{MAC ? "⌘" : "Ctrl"}</kbd> + <kbd>Enter</kbd>
                    </span>
                    {children}
                </div>
            </div>
            {trial.busy && <Waiting what="Running the query" />}
            <Failed problem={problem} />
            {aside}
            {trial.answer && <AnswerRows answer={trial.answer} />}
        </div>
    );
}
