// Shows that a lost connection loses nothing: cuts the stream, and says what happened when it is back.
import { useEffect, useState } from "preact/hooks";
import { Plug, Unplug } from "lucide-preact";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/code";
import { duration, plural } from "../ui/format";
import { Card } from "../ui/page";
import type { Feed, Gap } from "./feed";

const AWAY_S = 15;

function report(gap: Gap, numbers: readonly number[]): string {
    const away = `The stream was away for ${duration((gap.endedMs ?? 0) - gap.beganMs)}`;
    if (!gap.expected || gap.upto === undefined) return `${away}.`;
    if (gap.expected.length === 0) return `${away}. Nothing happened meanwhile, so there was nothing to catch up on.`;
    const upto = gap.upto;
    const came = numbers.filter((n) => n > gap.from && n <= upto);
    const missing = gap.expected.filter((n) => !came.includes(n)).length;
    const twice = came.length - new Set(came).size;
    const happened = `${away}, and missed ${plural(gap.expected.length, "event")}.`;
    if (missing) return `${happened} ${plural(came.length, "event")} of them came so far.`;
    const ordered = came.every((n, i) => i === 0 || n > (came[i - 1] ?? 0));
    const counts = `none missing, ${twice ? `${twice} twice` : "none twice"}${ordered ? ", in order" : ""}`;
    return `${happened} ${came.length === 1 ? "It" : `All ${came.length}`} came when it was back: ${counts}.`;
}

/** Counts down while the stream is cut, and then joins it again. */
function useAway(feed: Feed): [number | null, (seconds: number | null) => void] {
    const [left, leave] = useState<number | null>(null);
    useEffect(() => {
        if (left === null) return;
        if (left <= 0) {
            feed.connect();
            leave(null);
            return;
        }
        const timer = setTimeout(() => leave(left - 1), 1_000);
        return () => clearTimeout(timer);
    }, [left]);
    return [left, leave];
}

const INTRO =
    "A client that loses its connection sends the last id it has, and gets what it missed: each once, in order. " +
    "Disconnect, run a job, and see.";

function words(feed: Feed, left: number | null): string {
    const [gap] = feed.gaps.value;
    if (left !== null)
        return `Disconnected. What happens now is missed; the stream comes back in ${left} s, or when you connect.`;
    if (!gap) return INTRO;
    if (!gap.endedMs) return "The connection is gone. The page tries again by itself, and then gets what it missed.";
    return report(gap, feed.numbers.value);
}

export function Resume({ feed }: { feed: Feed }) {
    const [left, leave] = useAway(feed);
    const away = left !== null;
    const turn = () => {
        if (away) feed.connect();
        else feed.disconnect();
        leave(away ? null : AWAY_S);
    };
    return (
        <Card
            title="Lose the connection"
            actions={
                <Button small onClick={turn} disabled={!away && feed.state.value !== "open"}>
                    {away ? <Plug size={16} aria-hidden="true" /> : <Unplug size={16} aria-hidden="true" />}
                    {away ? "Connect" : "Disconnect"}
                </Button>
            }
        >
            <div class="grid gap-3 text-sm">
                <p role="status">{words(feed, left)}</p>
                <div class="flex flex-wrap items-center gap-2">
                    <span class="text-muted">Last id</span>
                    <code class="break-all" data-last-id>
                        {feed.lastId.value || "–"}
                    </code>
                    {feed.lastId.value && <CopyButton text={feed.lastId.value} />}
                </div>
                {feed.lost.value && (
                    <p class="text-warn">
                        The position was older than the log keeps: some events may be missing. Clients are told so by a
                        stream-reset, and read the rows again.
                    </p>
                )}
            </div>
        </Card>
    );
}
