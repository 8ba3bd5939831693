// What is wrong with a file, at its lines.
import { sentence, type LineError, Problem } from "../api/problem";
import { plural } from "../ui/format";

interface LineErrorsProps {
    problem: unknown;
    /** What a line is called: rows that were typed have none. */
    line?: string;
}

function Lines({ errors, line }: { errors: LineError[]; line: string }) {
    const columns = errors.some(({ column }) => column != null);
    const values = errors.some(({ value }) => value != null);
    const head = "px-3 py-1.5 text-left font-medium";
    const cell = "px-3 py-1.5 align-top";
    return (
        <div class="max-h-64 overflow-auto border-t border-bad/30" tabIndex={0} role="region" aria-label="Errors">
            <table class="w-full text-sm">
                <thead class="text-muted">
                    <tr>
                        <th class={head}>{line}</th>
                        {columns && <th class={head}>Column</th>}
                        {values && <th class={head}>Value</th>}
                        <th class={head}>What is wrong</th>
                    </tr>
                </thead>
                <tbody>
                    {errors.map((error, i) => (
                        <tr key={i} class="border-t border-line">
                            <td class={`${cell} tabular-nums`}>{error.line ?? "–"}</td>
                            {columns && <td class={`${cell} break-words font-medium`}>{error.column}</td>}
                            {values && (
                                <td class={cell}>
                                    {error.value != null && <code class="break-words">{error.value}</code>}
                                </td>
                            )}
                            <td class={`${cell} break-words`}>{error.detail}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

/** Rows that were typed are no file. */
const typedText = (errors: readonly LineError[]) =>
    `${plural(errors.length, "value")} ${errors.length === 1 ? "does" : "do"} not fit. Nothing was appended.`;

export function LineErrors({ problem, line = "Line" }: LineErrorsProps) {
    if (!problem) return null;
    const errors = problem instanceof Problem ? problem.lines : [];
    const typed = line === "Row" && errors.length > 0;
    const fields =
        problem instanceof Problem && problem.body.errors && !Array.isArray(problem.body.errors)
            ? Object.entries(problem.body.errors)
            : [];
    return (
        <div role="alert" class="overflow-hidden rounded-lg border border-bad/50 bg-bad/5 text-sm">
            <p class="whitespace-pre-wrap break-words px-4 py-3 text-bad">
                {typed ? typedText(errors) : sentence(problem)}
            </p>
            {fields.length > 0 && (
                <ul class="list-disc px-4 pb-3 pl-8">
                    {fields.map(([field, texts]) => (
                        <li key={field}>
                            <span class="font-medium">{field}</span>: {texts.join(" ")}
                        </li>
                    ))}
                </ul>
            )}
            {errors.length > 0 && <Lines errors={errors} line={line} />}
        </div>
    );
}
