// The picture of the pipeline: tables -> views -> jobs -> channels, each where what it follows leads to it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { channels, jobs, tables, views } from "../live/team";
import { KindIcon, type Kind } from "../ui/kind";
import { layout, NODE_HEIGHT, type Edge } from "./layout";
import { Thing } from "./thing";

function line({ from, to }: Edge, nodeWidth: number): string {
    const [x1, y1] = [from.x + nodeWidth, from.y + NODE_HEIGHT / 2];
    const [x2, y2] = [to.x, to.y + NODE_HEIGHT / 2];
    const bend = Math.max(18, (x2 - x1) / 2);
    return `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
}

const titles: [Kind, string][] = [
    ["table", "Tables"],
    ["view", "Views"],
    ["job", "Jobs"],
    ["channel", "Channels"],
];

/** The whole, for screens that are wide enough. */
function Picture() {
    const place = useRef<HTMLDivElement>(null);
    const [room, measure] = useState(0);
    useEffect(() => {
        const watch = new ResizeObserver(([entry]) => entry && measure(Math.floor(entry.contentRect.width)));
        if (place.current) watch.observe(place.current);
        return () => watch.disconnect();
    }, []);
    const placed = useMemo(
        () =>
            layout(
                {
                    tables: [...tables.value.values()],
                    views: [...views.value.values()],
                    jobs: [...jobs.value.values()],
                    channels: [...channels.value.values()],
                },
                room,
            ),
        [tables.value, views.value, jobs.value, channels.value, room],
    );
    return (
        <div
            ref={place}
            class="hidden max-h-[70vh] overflow-auto p-4 md:block"
            role="region"
            aria-label="The pipeline"
            tabIndex={0}
        >
            <div class="relative" style={{ width: placed.width, height: placed.height }}>
                <svg
                    class="pointer-events-none absolute inset-0 text-edge"
                    width={placed.width}
                    height={placed.height}
                    aria-hidden="true"
                >
                    {placed.edges.map((edge) => (
                        <path
                            key={`${edge.from.id} ${edge.to.id}`}
                            d={line(edge, placed.nodeWidth)}
                            fill="none"
                            stroke="currentColor"
                            stroke-opacity="0.6"
                            stroke-width="1.5"
                        />
                    ))}
                </svg>
                {placed.nodes.map((node) => (
                    <div
                        key={node.id}
                        class="absolute"
                        style={{ left: node.x, top: node.y, width: placed.nodeWidth, height: NODE_HEIGHT }}
                    >
                        <Thing kind={node.kind} id={node.key} />
                    </div>
                ))}
            </div>
        </div>
    );
}

/** The same, kind by kind, for narrow ones. */
function Lists() {
    const keys: Record<Kind, string[]> = {
        table: [...tables.value.keys()],
        view: [...views.value.keys()],
        job: [...jobs.value.keys()].map(String),
        channel: [...channels.value.keys()],
    };
    return (
        <div class="grid gap-4 p-4 md:hidden">
            {titles.map(([kind, title]) => (
                <section key={kind} class="grid gap-2">
                    <h3 class="flex items-center gap-2 text-sm font-semibold text-muted">
                        <KindIcon kind={kind} size={16} /> {title}
                    </h3>
                    {keys[kind].length === 0 && <p class="text-sm text-muted">None yet.</p>}
                    {keys[kind].map((key) => (
                        <Thing key={key} kind={kind} id={key} />
                    ))}
                </section>
            ))}
        </div>
    );
}

export function Pipeline() {
    return (
        <>
            <Picture />
            <Lists />
        </>
    );
}
