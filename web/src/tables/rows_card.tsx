// The rows of a table or a view, to be looked through: sorted, filtered, and saved as they are seen.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Download } from "lucide-preact";
import type { Column, Row } from "../api/client";
import { useRows } from "../api/rows";
import { query } from "../router";
import { Button } from "../ui/button";
import { Failed } from "../ui/failed";
import { number, plural } from "../ui/format";
import { Grid, type Tint } from "../ui/grid";
import { Card } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { ExportDialog } from "./export_dialog";
import { askingOf, nextSort, rowsAsk, showAsking } from "./filter";
import { Filters } from "./filters";

interface RowsCardProps {
    kind: "tables" | "views";
    name: string;
    of: { columns: readonly Column[]; row_count: number; bytes: number; version: number };
    /** Where there are no rows. */
    none: ComponentChildren;
    tint?: (row: Row) => Tint | undefined;
}

export function RowsCard({ kind, name, of, none, tint }: RowsCardProps) {
    const [exporting, ask] = useState(false);
    const { columns, row_count, bytes, version } = of;
    const asking = askingOf(query.value, columns);
    const path = `/${kind}/${encodeURIComponent(name)}/rows`;
    const rows = useRows(path, rowsAsk(asking), version);
    const filtered = asking.filters.length > 0;
    const counted = filtered && !rows.problem && rows.count !== undefined;
    return (
        <Card
            flush
            title={
                <>
                    Rows{" "}
                    <span class="font-normal text-muted" role="status">
                        {counted ? `${number(rows.count)} of ${plural(row_count, "row")}` : ""}
                    </span>
                </>
            }
            actions={
                <Button small onClick={() => ask(true)}>
                    <Download size={16} aria-hidden="true" />
                    Export
                </Button>
            }
        >
            <div class="grid min-w-0 gap-3 px-4 py-3">
                <Filters
                    columns={columns}
                    filters={asking.filters}
                    onFilters={(filters) => showAsking({ ...asking, filters })}
                />
                <Failed problem={rows.problem} again={rows.again} />
            </div>
            <div class="border-t border-line">
                {rows.count === undefined && !rows.problem && <Waiting what="Reading rows" />}
                {rows.count === 0 && (
                    <p class="px-4 py-8 text-center text-muted">{filtered ? "No row fits the filters." : none}</p>
                )}
                {rows.count ? (
                    <Grid
                        columns={columns}
                        count={rows.count}
                        row={rows.row}
                        onRange={rows.onRange}
                        sort={asking.sort}
                        onSort={(column) => showAsking({ ...asking, sort: nextSort(asking.sort, column) })}
                        tint={
                            tint &&
                            ((i) => {
                                const row = rows.row(i);
                                return row && tint(row);
                            })
                        }
                        label={`Rows of ${name}`}
                    />
                ) : null}
            </div>
            {exporting && (
                <ExportDialog
                    path={path}
                    name={name}
                    ask={rowsAsk(asking)}
                    rows={rows.count ?? row_count}
                    bytes={bytes}
                    onClose={() => ask(false)}
                />
            )}
        </Card>
    );
}
