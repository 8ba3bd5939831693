// The rows that a query gave, and how long it took.
import { Empty } from "../ui/page";
import { duration, number, plural } from "../ui/format";
import { Grid } from "../ui/grid";
import { type Answer, ROWS_MAX } from "./run";

export function AnswerRows({ answer }: { answer: Answer }) {
    const { columns, rows, more, tookMs } = answer;
    return (
        <div class="grid min-w-0 gap-2">
            <p class="text-sm text-muted" role="status">
                {more ? `The first ${number(ROWS_MAX)} rows` : plural(rows.length, "row")} in {duration(tookMs)}
                {more && ". A view keeps all of them."}
            </p>
            {rows.length > 0 ? (
                <div class="overflow-hidden rounded-xl border border-line bg-surface">
                    <Grid columns={columns} count={rows.length} row={(i) => rows[i]} label="Rows of the query" />
                </div>
            ) : (
                <Empty title="No rows">
                    The query is right, and nothing fits it now. Saved as a view, it tells when something does.
                </Empty>
            )}
        </div>
    );
}
