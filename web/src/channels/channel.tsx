// One channel: what it tells as it tells it, how programs listen to it, and that a lost connection loses nothing.
import { useEffect, useState } from "preact/hooks";
import { Trash2 } from "lucide-preact";
import { api, type Channel } from "../api/client";
import { dropChannel, jobs, listeners } from "../live/team";
import { go, to } from "../router";
import { Button } from "../ui/button";
import { CopyButton } from "../ui/code";
import { DeleteDialog } from "../ui/confirm";
import { number } from "../ui/format";
import { KindIcon } from "../ui/kind";
import { Card, Facts, Page } from "../ui/page";
import { Ago } from "../ui/time";
import { tell } from "../ui/toast";
import { viewHref } from "../views/address";
import { Clients } from "./clients";
import { Feed } from "./feed";
import { includeText } from "./include";
import { LiveEvents } from "./live";
import { Resume } from "./resume";

const link = "text-accent underline";

export const listening = (channel: Channel) => listeners.value.get(channel.public_identifier) ?? channel.listeners;

export function Followed({ channel }: { channel: Channel }) {
    return (
        <ul class="flex flex-wrap gap-x-3">
            {channel.job_ids.map((id) => {
                const view = jobs.value.get(id)?.view_name;
                return (
                    <li key={id} class="min-w-0 break-all">
                        <a class={link} href={to("jobs", id)}>
                            job {id}
                        </a>
                        {view && (
                            <>
                                {" of "}
                                <a class={link} href={viewHref(view)}>
                                    {view}
                                </a>
                            </>
                        )}
                    </li>
                );
            })}
        </ul>
    );
}

function About({ channel, feed }: { channel: Channel; feed: Feed }) {
    const url = location.origin + channel.listen_path;
    const count = listening(channel);
    return (
        <Card>
            <div class="grid gap-4">
                <Facts
                    facts={[
                        [
                            "Listening now",
                            <span data-listeners={count}>
                                {number(count)}
                                {feed.state.value === "open" && (
                                    <span class="font-normal text-muted"> with this page</span>
                                )}
                            </span>,
                        ],
                        ["Follows", <Followed channel={channel} />],
                        ["Events carry", includeText(channel.include)],
                        ["Made", <Ago at={channel.created} />],
                    ]}
                />
                <div class="flex flex-wrap items-center gap-2 text-sm">
                    <span class="text-muted">Address</span>
                    <code class="min-w-0 break-all">{url}</code>
                    <CopyButton text={url} />
                </div>
            </div>
        </Card>
    );
}

function DeleteChannel({ channel, onClose }: { channel: Channel; onClose: () => void }) {
    const id = channel.public_identifier;
    return (
        <DeleteDialog
            what="this channel"
            note="Whoever listens to it is shown out, and its address is never given again. The jobs and views stay."
            onDelete={async () => {
                await api.DELETE("/channels/{id}", { params: { path: { id } } });
                go("channels");
                dropChannel(id);
                tell("The channel is deleted.");
            }}
            onClose={onClose}
        />
    );
}

export function ChannelPage({ channel }: { channel: Channel }) {
    const [feed] = useState(() => new Feed(channel));
    const [asking, ask] = useState(false);
    useEffect(() => () => feed.close(), []);
    const short = channel.public_identifier.slice(0, 8);
    return (
        <Page
            title={`Channel ${short}`}
            back={{ href: to("channels"), text: "Channels" }}
            heading={
                <>
                    <KindIcon kind="channel" size={24} />
                    Channel {short}
                </>
            }
            actions={
                <Button kind="danger" onClick={() => ask(true)}>
                    <Trash2 size={16} aria-hidden="true" />
                    Delete
                </Button>
            }
        >
            <About channel={channel} feed={feed} />
            <Resume feed={feed} />
            <LiveEvents channel={channel} feed={feed} />
            <Clients channel={channel} />
            {asking && <DeleteChannel channel={channel} onClose={() => ask(false)} />}
        </Page>
    );
}
