// How a chart is drawn by uPlot: its axes, its lines or bars, and the colours of the page.
import uPlot from "uplot";
import type { Chart } from "./chart";
import type { Points } from "./points";

const HEIGHT = 340;
const NARROW = 560;
const NAME_MAX = 14;
const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const shades = ["accent", "channel", "job", "table", "bad", "view"];
const bars = uPlot.paths.bars;

function colour(name: string, alpha = 1): string {
    const parts = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
    return `rgb(${parts.trim()} / ${alpha})`;
}

const locale = navigator.language;
const amount = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });
const short = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 3 });

/** As fine as the marks of the axis are apart. */
function timeFormat(apart: number, timeZone: string | undefined): Intl.DateTimeFormat {
    const day = { month: "short", day: "numeric" } as const;
    const clock = { hour: "2-digit", minute: "2-digit" } as const;
    if (apart >= 300 * DAY_S) return new Intl.DateTimeFormat(locale, { timeZone, year: "numeric" });
    if (apart >= 25 * DAY_S) return new Intl.DateTimeFormat(locale, { timeZone, year: "numeric", month: "short" });
    if (apart >= DAY_S) return new Intl.DateTimeFormat(locale, { timeZone, ...day });
    if (apart >= HOUR_S) return new Intl.DateTimeFormat(locale, { timeZone, ...day, ...clock });
    return new Intl.DateTimeFormat(locale, { timeZone, ...clock, ...(apart < 60 ? { second: "2-digit" } : {}) });
}

const zoneOf = ({ scale }: Points) => (scale === "time" ? "UTC" : undefined);
const cut = (name: string) => (name.length > NAME_MAX ? `${name.slice(0, NAME_MAX - 1)}…` : name);

/** What the legend says of a place on X. */
function xValue(points: Points, at: number | null): string {
    if (at === null) return "–";
    if (points.scale === "words") return points.names[Math.round(at)] ?? "";
    if (points.scale === "numbers") return amount.format(at);
    const style = { dateStyle: "medium", timeStyle: "medium" } as const;
    return new Intl.DateTimeFormat(locale, { timeZone: zoneOf(points), ...style }).format(at * 1_000);
}

function xAxis(points: Points, width: number): uPlot.Axis {
    if (points.scale === "words") {
        const slanted = points.names.some((name) => name.length > 4) && points.names.length * 90 > width;
        return {
            rotate: slanted ? -45 : 0,
            size: slanted ? 96 : 40,
            space: slanted ? 22 : 70,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000],
            values: (_, splits) => splits.map((at) => cut(points.names[at] ?? "")),
        };
    }
    if (points.scale === "numbers") return { values: (_, splits) => splits.map((at) => short.format(at)) };
    return {
        space: 90,
        values: (_, splits, __, ___, apart) => {
            const format = timeFormat(apart, zoneOf(points));
            return splits.map((at) => format.format(at * 1_000));
        },
    };
}

/** Bars of several series stand beside each other. */
function barPaths(points: Points, index: number, of: number): uPlot.Series.PathBuilder | undefined {
    const width = 0.8 / of;
    return bars?.({
        disp: {
            x0: { unit: 1, values: () => points.xs.map((x) => x - 0.4 + index * width) },
            size: { unit: 1, values: () => points.xs.map(() => width) },
        },
    });
}

function seriesOf(chart: Chart, points: Points): uPlot.Series[] {
    return chart.y.map((label, i) => {
        const stroke = colour(shades[i % shades.length] ?? "accent");
        const common = { label, stroke, value: (_: uPlot, v: number | null) => (v === null ? "–" : amount.format(v)) };
        if (chart.kind === "bar") {
            const paths = barPaths(points, i, chart.y.length);
            return { ...common, fill: stroke, width: 0, paths, points: { show: false } };
        }
        return { ...common, width: 2, points: { show: points.xs.length < 60, size: 6, fill: stroke } };
    });
}

/** Words have a little room at both ends; and a chart of one point has a width, too. */
function xRange({ scale, xs }: Points): uPlot.Range.Function {
    const [first = 0, last = 0] = [xs[0], xs.at(-1)];
    const room = scale === "words" ? 0.6 : first < last ? 0 : scale === "numbers" ? 1 : HOUR_S;
    return () => [first - room, last + room];
}

/** Bars begin at zero. */
function yRange(chart: Chart): uPlot.Range.Function {
    return (_, least, most) => {
        if (least === null || most === null) return [0, 1];
        const [from, to] = chart.kind === "bar" ? [Math.min(least, 0), Math.max(most, 0)] : [least, most];
        return uPlot.rangeNum(from, from === to ? from + 1 : to, 0.08, chart.kind === "bar");
    };
}

export function plotOptions(chart: Chart, points: Points, width: number): uPlot.Options {
    const lines = {
        stroke: colour("muted"),
        grid: { stroke: colour("line"), width: 1 },
        ticks: { stroke: colour("line") },
    };
    const time = points.scale === "time" || points.scale === "local time";
    return {
        width,
        height: width < NARROW ? HEIGHT - 60 : HEIGHT,
        ...(points.scale === "time" ? { tzDate: (at: number) => uPlot.tzDate(new Date(at * 1_000), "Etc/UTC") } : {}),
        scales: { x: { time, range: xRange(points) }, y: { range: yRange(chart) } },
        axes: [
            { ...lines, ...xAxis(points, width), grid: { show: false } },
            { ...lines, size: 62, values: (_, splits) => splits.map((at) => short.format(at)) },
        ],
        series: [
            { label: chart.x ?? "Row", value: (_, at: number | null) => xValue(points, at) },
            ...seriesOf(chart, points),
        ],
        cursor: { drag: { x: false, y: false }, points: { size: 8 } },
    };
}
