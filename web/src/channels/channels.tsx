// Channels: the list, a new one, one of them.
import type { PageProps } from "../pages";
import { channels, ready } from "../live/team";
import { to } from "../router";
import { Page } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { ChannelPage } from "./channel";
import { ChannelList } from "./list";
import { NewChannel } from "./new";

function NoSuchChannel() {
    return (
        <Page title="There is no such channel" back={{ href: to("channels"), text: "Channels" }}>
            <p>It was deleted, or never was. A channel goes with the last job that it follows.</p>
        </Page>
    );
}

export function Channels({ rest: [step] }: PageProps) {
    if (!step) return <ChannelList />;
    if (step === "new") return <NewChannel />;
    const channel = channels.value.get(step);
    if (!channel) return ready.value ? <NoSuchChannel /> : <Waiting />;
    return <ChannelPage key={channel.public_identifier} channel={channel} />;
}
