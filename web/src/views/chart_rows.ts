// The rows that a chart is drawn of, read anew with each version of the view.
import { useEffect, useState } from "preact/hooks";
import { api, body, type Row, type View } from "../api/client";
import { sortOf, type Chart } from "./chart";

export interface ChartRows {
    rows: readonly Row[] | null; // those before, until others are here
    problem: unknown;
    again: () => void;
}

async function read(name: string, chart: Chart, signal: AbortSignal): Promise<Row[]> {
    const columns = [...new Set([...(chart.x === null ? [] : [chart.x]), ...chart.y])];
    const query = { columns, sort: sortOf(chart), limit: chart.kind === "number" ? 1 : chart.limit };
    const answer = await body(api.GET("/views/{name}/rows", { params: { path: { name }, query }, signal }));
    return (answer as { data: Row[] }).data;
}

export function useChartRows({ view_name, version }: View, chart: Chart): ChartRows {
    const [rows, show] = useState<readonly Row[] | null>(null);
    const [problem, fail] = useState<unknown>(null);
    const [tries, again] = useState(0);
    useEffect(() => {
        if (chart.y.length === 0) return;
        const call = new AbortController();
        read(view_name, chart, call.signal).then(
            (found) => {
                if (call.signal.aborted) return;
                show(found);
                fail(null);
            },
            (caught: unknown) => {
                if (!call.signal.aborted) fail(caught);
            },
        );
        return () => call.abort();
    }, [view_name, version, JSON.stringify(chart), tries]);
    return { rows, problem, again: () => again((n) => n + 1) };
}
