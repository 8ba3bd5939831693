// What is drawn, and how: the kind of the chart, its X, its series, and which rows.
import type { Column } from "../api/client";
import { Checkbox, SelectField, TextField } from "../ui/field";
import { kinds, numbers, orders, POINTS_MAX, SERIES_MAX, type Chart, type Kind, type Order } from "./chart";

interface ChartFormProps {
    chart: Chart;
    columns: readonly Column[];
    set: (chart: Chart) => void;
}

function Series({ chart, columns, set }: ChartFormProps) {
    const toggle = (name: string, on: boolean) => {
        const y = on ? [...chart.y, name] : chart.y.filter((one) => one !== name);
        if (y.length) set({ ...chart, y });
    };
    return (
        <fieldset class="grid content-start gap-1">
            <legend class="text-sm font-medium">Values (Y)</legend>
            <div class="flex flex-wrap gap-x-4 pt-1">
                {numbers(columns).map(({ column_name: name }) => {
                    const on = chart.y.includes(name);
                    const held = on ? chart.y.length === 1 : chart.y.length >= SERIES_MAX;
                    return (
                        <Checkbox
                            key={name}
                            label={name}
                            checked={on}
                            disabled={held}
                            onValue={(checked) => toggle(name, checked)}
                        />
                    );
                })}
            </div>
        </fieldset>
    );
}

export function ChartForm({ chart, columns, set }: ChartFormProps) {
    const names = columns.map(
        ({ column_name, column_type }) => [column_name, `${column_name} (${column_type})`] as const,
    );
    return (
        <div class="grid gap-4 sm:grid-cols-2 lg:grid-cols-4">
            <SelectField
                label="Kind"
                value={chart.kind}
                options={Object.entries(kinds)}
                onValue={(kind) => set({ ...chart, kind: kind as Kind })}
            />
            <SelectField
                label={chart.kind === "number" ? "Label" : "Along X"}
                value={chart.x === null ? "" : `.${chart.x}`}
                options={[
                    ["", chart.kind === "number" ? "(none)" : "(number of the row)"],
                    ...names.map(([name, text]) => [`.${name}`, text] as const),
                ]}
                onValue={(value) => set({ ...chart, x: value === "" ? null : value.slice(1) })}
            />
            <SelectField
                label="Rows are taken"
                value={chart.order}
                options={Object.entries(orders)}
                onValue={(order) => set({ ...chart, order: order as Order })}
            />
            {chart.kind !== "number" && (
                <TextField
                    label="At most"
                    type="number"
                    min={1}
                    max={POINTS_MAX}
                    value={String(chart.limit)}
                    onValue={(text) => {
                        const limit = Math.min(Math.max(Math.floor(Number(text)), 1), POINTS_MAX);
                        if (text && limit) set({ ...chart, limit });
                    }}
                />
            )}
            <div class="sm:col-span-2 lg:col-span-4">
                <Series chart={chart} columns={columns} set={set} />
            </div>
        </div>
    );
}
