// All channels of the team, and who listens.
import { Plus } from "lucide-preact";
import type { Channel } from "../api/client";
import { channels, jobs, ready } from "../live/team";
import { to } from "../router";
import { Badge } from "../ui/badge";
import { LinkButton } from "../ui/button";
import { CopyButton } from "../ui/code";
import { plural } from "../ui/format";
import { KindIcon } from "../ui/kind";
import { List, ListRow } from "../ui/list";
import { Empty, Page } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { Followed, listening } from "./channel";
import { includeText } from "./include";

function Row({ channel }: { channel: Channel }) {
    const id = channel.public_identifier;
    const count = listening(channel);
    return (
        <ListRow
            icon={<KindIcon kind="channel" />}
            title={
                <a class="break-all font-mono text-sm hover:text-accent hover:underline" href={to("channels", id)}>
                    {id}
                </a>
            }
            facts={
                <>
                    <span class="inline-flex flex-wrap gap-x-1.5">
                        follows <Followed channel={channel} />
                    </span>
                    <span>{includeText(channel.include)}</span>
                </>
            }
            state={
                <Badge tone={count ? "good" : "plain"}>
                    {count ? `${plural(count, "listener")} now` : "nobody listens"}
                </Badge>
            }
            actions={<CopyButton text={location.origin + channel.listen_path} label="Copy address" />}
        />
    );
}

function NewChannelButton() {
    return (
        <LinkButton kind="main" href={to("channels", "new")}>
            <Plus size={16} aria-hidden="true" />
            New channel
        </LinkButton>
    );
}

export function ChannelList() {
    const list = [...channels.value.values()].sort((a, b) => a.created.localeCompare(b.created));
    return (
        <Page
            title="Channels"
            intro="A channel is an address where programs hear, over Server-Sent Events, what the jobs it follows bring to light."
            actions={list.length > 0 && <NewChannelButton />}
        >
            {!ready.value ? (
                <Waiting />
            ) : list.length > 0 ? (
                <List label="Channels">
                    {list.map((channel) => (
                        <Row key={channel.public_identifier} channel={channel} />
                    ))}
                </List>
            ) : jobs.value.size === 0 ? (
                <Empty
                    title="No channels yet"
                    action={
                        <LinkButton kind="main" href={to("jobs", "new")}>
                            Make a job first
                        </LinkButton>
                    }
                >
                    A channel tells what jobs bring to light, so there must be a job to follow.
                </Empty>
            ) : (
                <Empty title="No channels yet" action={<NewChannelButton />}>
                    Any EventSource can listen to a channel. Each new version of a view is one event, with the rows that
                    changed if you like; and a client that was away gets what it missed.
                </Empty>
            )}
        </Page>
    );
}
