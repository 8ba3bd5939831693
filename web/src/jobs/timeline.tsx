// The last runs of a job as a picture: one after another, as high as they took long; failures stand out.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Run } from "../api/client";
import { duration } from "../ui/format";
import { changeText, outcomeWord, type Outcome } from "./outcome";
import { RunFacts } from "./run_facts";

const STEP = 16;
const HEIGHT = 120;
const BASE = 104; // where the bars stand
const TALLEST = 84;
const LEAST = 6;

const fills: Record<Outcome, string> = {
    succeeded: "fill-good",
    skipped: "fill-surface stroke-edge",
    failed: "fill-bad",
    running: "fill-accent",
};

/** How many fit beside each other. */
function useRoom(): [(place: HTMLElement | null) => void, number] {
    const [width, set] = useState(0);
    const watch = useRef<ResizeObserver>();
    const join = (place: HTMLElement | null) => {
        watch.current?.disconnect();
        if (!place) return;
        watch.current = new ResizeObserver(([entry]) => set(Math.floor((entry?.contentRect.width ?? 0) / STEP)));
        watch.current.observe(place);
    };
    const [stable] = useState(() => join);
    return [stable, width];
}

/** The root makes the short ones of a mixed lot visible. */
const heightOf = (ms: number, longest: number) => LEAST + (TALLEST - LEAST) * Math.sqrt(ms / Math.max(longest, 1));

function Bar({ run, height }: { run: Run; height: number }) {
    const fill = fills[run.outcome];
    const top = BASE - height;
    switch (run.outcome) {
        case "skipped":
            return <circle class={fill} cx={STEP / 2} cy={BASE - 5} r={4} stroke-width={1.5} />;
        case "failed":
            return (
                <>
                    <rect class={fill} x={3} y={top} width={STEP - 6} height={height} />
                    <path
                        class="stroke-bad"
                        stroke-width={2}
                        d={`M4 ${top - 12} l8 8 m0 -8 l-8 8`}
                        stroke-linecap="round"
                    />
                </>
            );
        case "running":
            return (
                <rect class={`${fill} animate-pulse`} x={3} y={BASE - 24} width={STEP - 6} height={24} rx={5} ry={5} />
            );
        case "succeeded":
            return <rect class={fill} x={3} y={top} width={STEP - 6} height={height} rx={3} ry={3} />;
    }
}

function told(run: Run): string {
    const took = run.outcome === "running" ? "" : `, took ${duration(run.duration_ms)}`;
    return `${outcomeWord(run.outcome)}${took}, ${changeText(run)}`;
}

export function Timeline({ runs }: { runs: readonly Run[] }) {
    const [join, room] = useRoom();
    const [chosen, choose] = useState<string | null>(null);
    const [looked, look] = useState<string | null>(null); // pointed at
    const place = useRef<SVGSVGElement>(null);
    const shown = runs.slice(0, Math.max(room, 1)).reverse(); // oldest first
    const longest = Math.max(...shown.map((run) => run.duration_ms ?? 0));
    const focus = shown.find(({ id }) => id === chosen) ?? shown.at(-1);
    const facts = shown.find(({ id }) => id === looked) ?? focus;
    const at = focus ? shown.indexOf(focus) : -1;
    const moved = useRef(false);
    useEffect(() => {
        if (moved.current) place.current?.querySelector<SVGGElement>('[tabindex="0"]')?.focus();
        moved.current = false;
    }, [chosen]);
    const keys = (event: KeyboardEvent) => {
        const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: shown.length - 1 }[event.key];
        const next = to === undefined ? undefined : shown[to];
        if (to === undefined) return;
        event.preventDefault();
        moved.current = Boolean(next);
        if (next) choose(next.id);
    };
    return (
        <div class="grid gap-3">
            <div ref={join} class="overflow-hidden">
                <svg
                    ref={place}
                    role="listbox"
                    aria-label="Runs, the oldest first"
                    aria-orientation="horizontal"
                    width={shown.length * STEP}
                    height={HEIGHT}
                    class="max-w-full fill-none"
                    onKeyDown={keys}
                    onMouseLeave={() => look(null)}
                >
                    <line class="stroke-line" x1={0} x2={shown.length * STEP} y1={BASE + 0.5} y2={BASE + 0.5} />
                    {shown.map((run, i) => (
                        <g
                            key={run.id}
                            role="option"
                            aria-label={told(run)}
                            aria-selected={run === focus}
                            tabIndex={run === focus ? 0 : -1}
                            transform={`translate(${i * STEP} 0)`}
                            class="cursor-pointer outline-none [&:focus-visible>.ground]:stroke-accent"
                            onMouseEnter={() => look(run.id)}
                            onFocus={() => choose(run.id)}
                            onClick={() => choose(run.id)}
                        >
                            <rect
                                class={`ground ${run === facts ? "fill-sunken" : "fill-transparent"}`}
                                x={1}
                                y={1}
                                width={STEP - 2}
                                height={HEIGHT - 2}
                                rx={4}
                                stroke-width={2}
                            />
                            <Bar run={run} height={heightOf(run.duration_ms ?? 0, longest)} />
                        </g>
                    ))}
                </svg>
            </div>
            {facts && <RunFacts run={facts} />}
        </div>
    );
}
