// What went wrong, and what can be done about it.
import type { ComponentChildren } from "preact";
import { sentence } from "../api/problem";
import { Button } from "./button";

interface FailedProps {
    problem: unknown;
    again?: () => void;
    children?: ComponentChildren;
}

export function Failed({ problem, again, children }: FailedProps) {
    if (!problem) return null;
    return (
        <div role="alert" class="rounded-lg border border-bad/50 bg-bad/10 px-4 py-3 text-sm">
            <p class="whitespace-pre-wrap break-words text-bad">{sentence(problem)}</p>
            {children}
            {again && (
                <div class="mt-2">
                    <Button small onClick={again}>
                        Try again
                    </Button>
                </div>
            )}
        </div>
    );
}
