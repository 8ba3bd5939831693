// What a schedule means, in words, and when it would be due next: in its zone, and in one's own where that is another time.
import { useEffect, useState } from "preact/hooks";
import { api, body } from "../api/client";
import { Ago, now } from "../ui/time";
import { scheduleText } from "./words";
import { own, timeIn } from "./zones";

const DELAY_MS = 250;
const AGAIN_MS = 2_000; // at least
const SHOWN = 5;
const COUNT = 2 * SHOWN; // so that there are enough for a while

export interface Preview {
    of: string; // the line and zone it was asked for
    zone: string;
    next: string[];
    problem: unknown;
}

const keyOf = (line: string, zone: string) => `${line}\n${zone}`;

/** Asked for a moment after the last change; again when too few of its times are still to come. */
export function usePreview(line: string, zone: string): Preview | undefined {
    const [found, keep] = useState<Preview>();
    const enough = found?.of === keyOf(line, zone) ? found.next.at(-SHOWN) : undefined;
    useEffect(() => {
        if (!line.trim() || !zone) return;
        let over = false;
        const ask = async () => {
            const of = keyOf(line, zone);
            const asked = { crontab_def: line, timezone: zone, count: COUNT };
            try {
                const { next } = await body(api.GET("/jobs/preview", { params: { query: asked } }));
                if (!over) keep({ of, zone, next, problem: null });
            } catch (problem) {
                if (!over) keep({ of, zone, next: [], problem });
            }
        };
        const wait = enough ? Math.max(new Date(enough).getTime() - Date.now(), AGAIN_MS) : DELAY_MS;
        const timer = setTimeout(() => void ask(), Math.min(wait, 2 ** 31 - 1));
        return () => {
            over = true;
            clearTimeout(timer);
        };
    }, [line, zone, enough]);
    return found;
}

export const isOf = (preview: Preview | undefined, line: string, zone: string) => preview?.of === keyOf(line, zone);

function Times({ next, zone }: { next: string[]; zone: string }) {
    const future = next.filter((at) => new Date(at).getTime() > now.value);
    const coming = (future.length ? future : next).slice(0, SHOWN); // the clock here may be wrong
    const differ = coming.some((at) => timeIn(at, zone) !== timeIn(at, own));
    return (
        <ol class="grid gap-2" aria-label="The next runs">
            {coming.map((at) => (
                <li key={at} class="grid border-l-2 border-job/60 pl-3">
                    <span class="flex flex-wrap justify-between gap-x-4">
                        <time dateTime={at} class="font-medium tabular-nums">
                            {timeIn(at, zone) ?? timeIn(at, "UTC")}
                        </time>
                        <span class="text-sm text-muted">
                            <Ago at={at} />
                        </span>
                    </span>
                    {differ && <span class="text-sm text-muted tabular-nums">{timeIn(at, own)} for you</span>}
                </li>
            ))}
        </ol>
    );
}

export function PreviewCard({ line, zone, preview }: { line: string; zone: string; preview: Preview | undefined }) {
    const current = isOf(preview, line, zone);
    const wrong = current && Boolean(preview?.problem);
    const differ = zone !== own;
    return (
        <section class="grid gap-4 rounded-xl border border-line bg-surface p-4" aria-label="What this means">
            <p class="text-lg font-semibold" aria-live="polite">
                {wrong ? "This is no schedule yet" : (scheduleText(line) ?? "…")}
            </p>
            <p class="text-sm text-muted">
                Times are in <span class="font-medium text-fg">{zone}</span>
                {differ ? `, and in ${own}, where you are.` : ", where you are."}
            </p>
            <div class={current ? "" : "opacity-50"} aria-busy={!current}>
                {wrong ? (
                    <p class="text-sm text-muted">The next runs are shown when it is one.</p>
                ) : (
                    <Times next={preview?.next ?? []} zone={preview?.zone ?? zone} />
                )}
            </div>
        </section>
    );
}
