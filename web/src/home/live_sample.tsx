// The sample's channel, live: what a client gets, as rows that came and went, and a button that makes something happen.
import { useEffect, useState } from "preact/hooks";
import { Stream, type StreamState } from "../api/stream";
import { tables } from "../live/team";
import { to } from "../router";
import { Button } from "../ui/button";
import { complain } from "../ui/toast";
import { Ago } from "../ui/time";
import { addOrder, TABLE } from "./sample";

interface Change {
    change: "added" | "removed";
    row: Record<string, unknown>;
}

interface Told {
    id: string;
    version: number;
    refreshed_at: string;
    changes?: Change[];
}

const SHOWN = 3;

function Rows({ told }: { told: Told }) {
    return (
        <ul class="grid grid-cols-[minmax(0,1fr)] gap-1 font-mono text-sm">
            {(told.changes ?? []).map(({ change, row }) => (
                <li
                    key={`${change} ${JSON.stringify(row)}`}
                    class={`break-words [overflow-wrap:anywhere] rounded px-2 ${change === "added" ? "bg-good/10 text-good" : "bg-bad/10 text-bad"}`}
                >
                    <span aria-hidden="true">{change === "added" ? "+" : "−"}</span>
                    <span class="sr-only">{change}</span> {JSON.stringify(row)}
                </li>
            ))}
        </ul>
    );
}

export function LiveSample({ channel }: { channel: string }) {
    const [told, tell] = useState<Told[]>([]);
    const [state, setState] = useState<StreamState>("connecting");
    const [busy, work] = useState(false);
    const rows = tables.value.get(TABLE)?.row_count ?? 0;
    useEffect(() => {
        const stream = new Stream(`/channels/${channel}/listen/`, {
            state: setState,
            message: ({ event, id = "", data }) => {
                if (event && event !== "message") return;
                const next = { id, ...(JSON.parse(data) as Omit<Told, "id">) };
                tell((before) => [next, ...before].slice(0, SHOWN));
            },
        });
        return () => stream.close();
    }, [channel]);
    const add = async () => {
        work(true);
        await addOrder(rows + 1).catch(complain);
        work(false);
    };
    return (
        <div class="grid grid-cols-[minmax(0,1fr)] gap-3 rounded-lg border border-line bg-sunken p-4 text-fg">
            <div class="flex flex-wrap items-center justify-between gap-3">
                <p>{state === "open" ? "Listening." : "Connecting …"} Add an order, and see the event that it makes.</p>
                <Button kind="main" small busy={busy} onClick={() => void add()}>
                    Add an order
                </Button>
            </div>
            <div aria-live="polite" class="grid grid-cols-[minmax(0,1fr)] gap-3">
                {told.map((one) => (
                    <article
                        key={one.id}
                        class="grid animate-flash grid-cols-[minmax(0,1fr)] gap-1 rounded-lg border border-line bg-surface p-3"
                    >
                        <p class="text-sm text-muted">
                            Version {one.version}, <Ago at={one.refreshed_at} />
                        </p>
                        <Rows told={one} />
                    </article>
                ))}
            </div>
            <p class="text-sm text-muted">
                The same in your own program:{" "}
                <a class="text-accent underline" href={to("channels", channel)}>
                    curl, JavaScript and Python for this channel
                </a>
                .
            </p>
        </div>
    );
}
