// Where a query is wrong: what the server says of it as a place in the editor's text.
import type { Diagnostic } from "@codemirror/lint";
import type { Text } from "@codemirror/state";
import { Problem, sentence } from "../api/problem";

export interface Fault {
    text: string;
    line: number; // both begin with 1, and count characters, not what JavaScript calls so
    column: number;
}

export function faultOf(problem: unknown): Fault | null {
    if (!(problem instanceof Problem)) return null;
    const { line, column } = problem.body;
    return line && column ? { text: sentence(problem), line, column } : null;
}

/** The word that begins there, or else one character, so that there is something to underline. */
export function diagnosticOf(doc: Text, { text, line, column }: Fault): Diagnostic {
    const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
    const before = Array.from(at.text)
        .slice(0, column - 1)
        .join("");
    let from = at.from + before.length;
    const word = /^("(?:[^"]|"")*"|'[^']*'|[\p{L}\p{N}_]+|\S)/u.exec(doc.sliceString(from, at.to));
    const to = from + (word?.[0].length ?? 0);
    if (to === from) from = Math.max(from - 1, 0);
    return { from, to, severity: "error", message: text };
}
