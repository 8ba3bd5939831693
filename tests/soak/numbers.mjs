// Numbers of a long run: percentiles, and the straight line through samples.

/** The value that `part` percent of the numbers don't exceed; NaN when there are none. */
export function percentile(numbers, part) {
    const sorted = Float64Array.from(numbers).sort();
    return sorted.length ? sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * part) / 100) - 1)] : NaN;
}

export const median = (numbers) => percentile(numbers, 50);
export const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
export const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);
export const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity);

/** The line of least squares through [x, y]: how much y rises from the first x to the last. */
export function rise(points) {
    if (points.length < 2) return 0;
    const x0 = sum(points.map(([x]) => x)) / points.length;
    const y0 = sum(points.map(([, y]) => y)) / points.length;
    const slope = sum(points.map(([x, y]) => (x - x0) * (y - y0))) / sum(points.map(([x]) => (x - x0) ** 2));
    return slope * (points.at(-1)[0] - points[0][0]);
}

const MIB = 1 << 20;
export const mib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;
export const count = (n) => n.toLocaleString("en");
export const seconds = (ms) => `${(ms / 1_000).toFixed(3)} s`;
