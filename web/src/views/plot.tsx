// A chart of lines or bars, as wide as there is room, in the colours of the page as they are now.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { number } from "../ui/format";
import { kinds, type Chart } from "./chart";
import { plotOptions } from "./plot_options";
import type { Points } from "./points";

function told(chart: Chart, points: Points, name: string): string {
    const of = `${kinds[chart.kind]} chart of ${chart.y.join(", ")} of ${name}`;
    return `${of}, ${number(points.xs.length)} points by ${chart.x ?? "row"}. The same is in the table below.`;
}

export function Plot({ chart, points, name }: { chart: Chart; points: Points; name: string }) {
    const place = useRef<HTMLDivElement>(null);
    useEffect(() => {
        const host = place.current;
        if (!host) return;
        let plot: uPlot | undefined;
        let wide = 0;
        const draw = () => {
            plot?.destroy();
            wide = host.clientWidth;
            plot = new uPlot(plotOptions(chart, points, wide), [points.xs, ...points.ys], host);
        };
        draw();
        const watch = new ResizeObserver(() => host.clientWidth !== wide && draw());
        watch.observe(host);
        addEventListener("theme", draw);
        return () => {
            watch.disconnect();
            removeEventListener("theme", draw);
            plot?.destroy();
        };
    }, [chart, points]);
    return (
        <div
            ref={place}
            role="img"
            aria-label={told(chart, points, name)}
            class="min-h-[17rem] min-w-0 overflow-hidden"
        />
    );
}
