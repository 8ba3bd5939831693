// Asks before something is deleted, and names what goes with it.
import { useState } from "preact/hooks";
import { Problem } from "../api/problem";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Failed } from "./failed";

interface DeleteDialogProps {
    what: string; // "the table sample"
    note?: string;
    /** What is known to go with it, by kind. */
    dependents?: Record<string, readonly (string | number)[]>;
    /** With `cascade` set what depends on it goes as well. */
    onDelete: (cascade: boolean) => Promise<void>;
    onClose: () => void;
}

export function DeleteDialog({ what, note, dependents = {}, onDelete, onClose }: DeleteDialogProps) {
    const [problem, fail] = useState<unknown>(null);
    const [busy, work] = useState(false);
    const named = problem instanceof Problem && problem.status === 409 ? problem.dependents : dependents;
    const others = Object.entries(named).filter(([, names]) => names.length > 0);
    const run = async () => {
        work(true);
        try {
            await onDelete(others.length > 0);
            onClose();
        } catch (caught) {
            fail(caught);
            work(false);
        }
    };
    return (
        <Dialog title={`Delete ${what}?`} onClose={onClose}>
            <div class="grid gap-4">
                <p>{note ?? "This can't be undone."}</p>
                {others.length > 0 && (
                    <div class="rounded-lg border border-warn/60 bg-warn/10 px-4 py-3 text-sm">
                        <p class="font-medium">These go with it:</p>
                        <ul class="mt-1 list-disc pl-5">
                            {others.map(([kind, names]) => (
                                <li key={kind}>
                                    {kind}: <span class="break-all font-mono">{names.join(", ")}</span>
                                </li>
                            ))}
                        </ul>
                    </div>
                )}
                {!(problem instanceof Problem && problem.status === 409) && <Failed problem={problem} />}
                <div class="flex justify-end gap-2">
                    <Button onClick={onClose}>Keep</Button>
                    <Button kind="danger" busy={busy} onClick={() => void run()}>
                        {others.length > 0 ? "Delete all of it" : "Delete"}
                    </Button>
                </div>
            </div>
        </Dialog>
    );
}
