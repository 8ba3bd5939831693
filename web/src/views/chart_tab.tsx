// The chart of a view: drawn anew with each version, changed here, and remembered by the server for the whole team.
import { useMemo, useState } from "preact/hooks";
import { api, body, type Row, type View } from "../api/client";
import { putView } from "../live/team";
import { Badge } from "../ui/badge";
import { Button, LinkButton } from "../ui/button";
import { Failed } from "../ui/failed";
import { number, plural } from "../ui/format";
import { Grid } from "../ui/grid";
import { Card, Empty } from "../ui/page";
import { complain, tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import { viewHref } from "./address";
import { chartOf, numbers, type Chart } from "./chart";
import { ChartForm } from "./chart_form";
import { useChartRows } from "./chart_rows";
import { Figures } from "./figures";
import { Plot } from "./plot";
import { pointsOf } from "./points";
import type { TabProps } from "./view";

/** For who can't see it, or wants the figures. */
function AsTable({ view, chart, rows }: { view: View; chart: Chart; rows: readonly Row[] }) {
    const [open, show] = useState(false);
    const shown = view.columns.filter(({ column_name: name }) => name === chart.x || chart.y.includes(name));
    return (
        <div class="grid min-w-0 gap-3">
            <div>
                <Button small expanded={open} onClick={() => show(!open)}>
                    {open ? "Hide the table" : "Show as a table"}
                </Button>
            </div>
            {open && (
                <div class="overflow-hidden rounded-xl border border-line bg-surface">
                    <Grid columns={shown} count={rows.length} row={(i) => rows[i]} label="The chart as a table" />
                </div>
            )}
        </div>
    );
}

function Drawing({ view, chart }: { view: View; chart: Chart }) {
    const { rows, problem, again } = useChartRows(view, chart);
    const points = useMemo(() => pointsOf(chart, view.columns, rows ?? []), [rows, JSON.stringify(chart)]);
    const drawn = useMemo(() => chart, [JSON.stringify(chart)]);
    if (!rows) return problem ? <Failed problem={problem} again={again} /> : <Waiting what="Drawing" />;
    const [first] = rows;
    if (!first) return <Empty title="No rows">There is nothing to draw until the view has some.</Empty>;
    const well = "min-w-0 rounded-xl border border-line bg-surface p-3 sm:p-4";
    if (chart.kind === "number")
        return (
            <div class={well}>
                <Failed problem={problem} again={again} />
                <Figures chart={chart} row={first} />
            </div>
        );
    const left = rows.length - points.xs.length;
    return (
        <>
            <Failed problem={problem} again={again} />
            <div class={well}>
                <Plot chart={drawn} points={points} name={view.view_name} />
                <p class="text-sm text-muted">
                    {view.row_count > rows.length && `${plural(rows.length, "row")} of ${number(view.row_count)}. `}
                    {left > 0 && `${plural(left, "row")} without a place on X.`}
                </p>
            </div>
            <AsTable view={view} chart={chart} rows={points.rows} />
        </>
    );
}

function useRemembered(view: View, done: () => void) {
    const [busy, work] = useState(false);
    const name = view.view_name;
    const remember = async (chart: Chart | null) => {
        work(true);
        try {
            const kept = chart && { ...chart };
            putView(await body(api.PATCH("/views/{name}", { params: { path: { name } }, body: { chart: kept } })));
            done();
            tell(chart ? "The chart is remembered." : "The chart is forgotten.");
        } catch (problem) {
            complain(problem);
        }
        work(false);
    };
    return { busy, remember };
}

export function ChartTab({ view }: TabProps) {
    const [edited, edit] = useState<Chart | null>(null);
    const kept = chartOf(view.chart, view.columns, view.row_count);
    const chart = edited ? chartOf(edited, view.columns, view.row_count) : kept;
    const { busy, remember } = useRemembered(view, () => edit(null));
    if (numbers(view.columns).length === 0) {
        return (
            <Empty
                title="Nothing to draw"
                action={<LinkButton href={viewHref(view.view_name, "query")}>Change the query</LinkButton>}
            >
                A chart needs a column of numbers, and this view has none. Count something:{" "}
                <code>SELECT name, count(*) AS n … GROUP BY name</code>
            </Empty>
        );
    }
    const changed = view.chart === null || JSON.stringify(chart) !== JSON.stringify(kept);
    return (
        <div class="grid min-w-0 gap-4">
            <Drawing view={view} chart={chart} />
            <Card
                title="How it is drawn"
                actions={
                    <>
                        {view.chart !== null && !changed && <Badge tone="good">remembered</Badge>}
                        {view.chart !== null && (
                            <Button small kind="quiet" disabled={busy} onClick={() => void remember(null)}>
                                Forget it
                            </Button>
                        )}
                        <Button small kind="main" busy={busy} disabled={!changed} onClick={() => void remember(chart)}>
                            Remember this chart
                        </Button>
                    </>
                }
            >
                <ChartForm chart={chart} columns={view.columns} set={edit} />
            </Card>
        </div>
    );
}
