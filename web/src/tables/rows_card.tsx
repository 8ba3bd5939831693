// The rows of a table, to be looked through: sorted, filtered, and saved as they are seen.
import { useState } from "preact/hooks";
import { Download } from "lucide-preact";
import type { Table } from "../api/client";
import { useRows } from "../api/rows";
import { query } from "../router";
import { Button } from "../ui/button";
import { Failed } from "../ui/failed";
import { number, plural } from "../ui/format";
import { Grid } from "../ui/grid";
import { Card } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { ExportDialog } from "./export_dialog";
import { askingOf, nextSort, rowsAsk, showAsking } from "./filter";
import { Filters } from "./filters";

export function RowsCard({ table }: { table: Table }) {
    const [exporting, ask] = useState(false);
    const { columns, table_name: name, row_count, version } = table;
    const asking = askingOf(query.value, columns);
    const path = `/tables/${encodeURIComponent(name)}/rows`;
    const rows = useRows(path, rowsAsk(asking), version);
    const filtered = asking.filters.length > 0;
    const counted = filtered && rows.count !== undefined;
    return (
        <Card
            flush
            title={
                <>
                    Rows{" "}
                    <span class="font-normal text-muted" role="status">
                        {counted ? `${number(rows.count)} of ${plural(row_count ?? 0, "row")}` : ""}
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
                    <p class="px-4 py-8 text-center text-muted">
                        {filtered ? "No row fits the filters." : "The table has no rows yet: append some."}
                    </p>
                )}
                {rows.count ? (
                    <Grid
                        columns={columns}
                        count={rows.count}
                        row={rows.row}
                        onRange={rows.onRange}
                        sort={asking.sort}
                        onSort={(column) => showAsking({ ...asking, sort: nextSort(asking.sort, column) })}
                        label={`Rows of ${name}`}
                    />
                ) : null}
            </div>
            {exporting && (
                <ExportDialog
                    path={path}
                    name={name}
                    ask={rowsAsk(asking)}
                    rows={rows.count ?? row_count ?? 0}
                    bytes={table.bytes ?? 0}
                    onClose={() => ask(false)}
                />
            )}
        </Card>
    );
}
