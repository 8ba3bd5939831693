// What the server says when it refuses (RFC 9457), as an error that a page can show.
import type { components } from "openapi";

export type ProblemBody = components["schemas"]["Problem"];
/** An error of a line of a file. */
export interface LineError {
    line?: number | null;
    column?: string | number | null;
    value?: string | null;
    detail?: string;
}

export class Problem extends Error {
    readonly status: number;
    readonly code: string;
    readonly body: Partial<ProblemBody>;
    readonly retryAfter: number | null; // seconds

    constructor(status: number, body: Partial<ProblemBody>, retryAfter: number | null = null) {
        super(body.detail ?? body.title ?? `The server answered ${status}.`);
        this.status = status;
        this.code = body.code ?? "unknown";
        this.body = body;
        this.retryAfter = retryAfter;
    }

    /** What is wrong with a field of a form. */
    field(name: string): string | undefined {
        const { errors } = this.body;
        if (!errors || Array.isArray(errors)) return undefined;
        return errors[name]?.join(" ");
    }

    /** What depends on a thing that was to be deleted, by kind. */
    get dependents(): Record<string, (string | number)[]> {
        const { errors } = this.body;
        return errors && !Array.isArray(errors) ? errors : {};
    }

    /** The errors of a file, line by line. */
    get lines(): LineError[] {
        const { errors } = this.body;
        return Array.isArray(errors) ? errors : [];
    }
}

export async function problemOf(answer: Response): Promise<Problem> {
    const after = Number(answer.headers.get("retry-after"));
    let body: Partial<ProblemBody> = {};
    try {
        body = (await answer.json()) as Partial<ProblemBody>;
    } catch {
        // a proxy's page
    }
    return new Problem(answer.status, body, after > 0 ? after : null);
}

/** A sentence for whatever went wrong, with what to do about it where that is known. */
export function sentence(problem: unknown): string {
    if (problem instanceof Problem) {
        if (problem.retryAfter) return `${problem.message} Try again in ${problem.retryAfter} s.`;
        return problem.message;
    }
    if (problem instanceof TypeError) return "The server can't be reached. Is it running, and are you online?";
    return problem instanceof Error ? problem.message : String(problem);
}
