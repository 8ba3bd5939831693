// A channel's events as they come.
import type { Channel } from "../api/client";
import { jobs } from "../live/team";
import { Badge, type Tone } from "../ui/badge";
import { Failed } from "../ui/failed";
import { Card } from "../ui/page";
import type { StreamState } from "../api/stream";
import { RunButton } from "../jobs/actions";
import { ChannelEvent } from "./event";
import { isCaughtUp, type Feed, type Heard } from "./feed";

const BUTTONS = 3;

const states: Record<StreamState, [Tone, string]> = {
    open: ["good", "Listening"],
    connecting: ["warn", "Connecting …"],
    waiting: ["bad", "Cut off: trying again"],
    closed: ["bad", "Disconnected"],
};

function RunJobs({ channel }: { channel: Channel }) {
    const followed = channel.job_ids.flatMap((id) => jobs.value.get(id) ?? []);
    return (
        <>
            {followed.slice(0, BUTTONS).map((job) => (
                <RunButton key={job.id} job={job} small text={`Run job ${job.id}`} />
            ))}
        </>
    );
}

export function LiveEvents({ channel, feed }: { channel: Channel; feed: Feed }) {
    const [tone, text] = states[feed.state.value];
    const heard = feed.heard.value;
    const gaps = feed.gaps.value;
    const mark = ({ n }: Heard) => (isCaughtUp(n, gaps) ? "caught up" : n <= feed.before ? "earlier" : null);
    return (
        <Card
            title={
                <span class="flex items-center gap-2">
                    Events
                    <span role="status" data-feed={feed.state.value}>
                        <Badge tone={tone}>{text}</Badge>
                    </span>
                </span>
            }
            actions={<RunJobs channel={channel} />}
            flush
        >
            {feed.problem.value ? (
                <div class="p-4">
                    <Failed problem={feed.problem.value} />
                </div>
            ) : null}
            {heard.length === 0 ? (
                <p class="p-4 text-muted">
                    Nothing has come yet. An event comes with each new version of what this channel follows: change a
                    table, and run a job or wait for its time. A refresh that finds nothing moved makes no version.
                </p>
            ) : (
                <ol
                    class="relative max-h-[48rem] divide-y divide-line overflow-y-auto"
                    tabIndex={0}
                    aria-label="Events, the newest first"
                >
                    {heard.map((one) => (
                        <ChannelEvent key={one.key} one={one} mark={mark(one)} />
                    ))}
                </ol>
            )}
        </Card>
    );
}
