// How a program listens to the channel.
import { account } from "../account/who";
import type { Channel } from "../api/client";
import { Code } from "../ui/code";
import { Card } from "../ui/page";
import { Tabs } from "../ui/tabs";
import { curl, javascript, python, type Place } from "./snippets";

export function Clients({ channel }: { channel: Channel }) {
    const place: Place = {
        origin: location.origin,
        channel: channel.public_identifier,
        email: account.value?.primary_email ?? "you@example.com",
    };
    return (
        <Card title="Listen from a program">
            <div class="grid grid-cols-[minmax(0,1fr)] gap-3">
                <p class="text-sm text-muted">
                    Each of these prints the events of this channel. JavaScript and Python come back after a break, and
                    go on behind the last event they had. A page of another origin must be named in{" "}
                    <code>CORS_ORIGINS</code>.
                </p>
                <Tabs
                    label="Languages"
                    tabs={[
                        { name: "curl", content: () => <Code text={curl(place)} /> },
                        { name: "JavaScript", content: () => <Code text={javascript(place)} /> },
                        { name: "Python", content: () => <Code text={python(place)} /> },
                    ]}
                />
            </div>
        </Card>
    );
}
