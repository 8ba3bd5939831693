// A chart that is one number, or a few: those of the first row.
import type { Row } from "../api/client";
import { number } from "../ui/format";
import { valueShort } from "../ui/value";
import type { Chart } from "./chart";
import { useFlash } from "./flash";

/** To as many digits as a sum of doubles is right. */
const rounded = new Intl.NumberFormat(navigator.language, { maximumSignificantDigits: 12 });
const figure = (value: number) => (Number.isInteger(value) ? number(value) : rounded.format(value));

export function Figures({ chart, row }: { chart: Chart; row: Row }) {
    const flash = useFlash<HTMLDListElement>(chart.y.map((name) => row[name]).join());
    return (
        <dl ref={flash} class="flex flex-wrap justify-center gap-x-12 gap-y-6 rounded-lg p-6 text-center">
            {chart.y.map((name) => (
                <div key={name} class="grid min-w-0 gap-2">
                    <dt class="text-muted">
                        {name}
                        {chart.x !== null && ` · ${valueShort(row[chart.x])}`}
                    </dt>
                    <dd class="order-first break-all text-5xl font-semibold tabular-nums tracking-tight md:text-6xl">
                        {row[name] === null ? "–" : figure(Number(row[name]))}
                    </dd>
                </div>
            ))}
        </dl>
    );
}
