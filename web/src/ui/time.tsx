// A moment: how long ago or ahead, kept up as time goes by; in full, in the person's zone, where one points.
import { signal } from "@preact/signals";
import { ago, fullTime, zone } from "./format";

/** Kept up second by second. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 1_000);

export function Ago({ at, none = "never" }: { at: string | null | undefined; none?: string }) {
    if (!at) return <span class="text-muted">{none}</span>;
    return (
        <time dateTime={at} title={`${fullTime(at)} (${zone})`}>
            {/* What has just happened is not ahead of us because the last second was counted before. */}
            {ago(at, Math.max(now.value, Date.now()))}
        </time>
    );
}

export function Moment({ at, none = "–" }: { at: string | null | undefined; none?: string }) {
    if (!at) return <span class="text-muted">{none}</span>;
    return (
        <time dateTime={at} title={zone} class="tabular-nums">
            {fullTime(at)}
        </time>
    );
}
