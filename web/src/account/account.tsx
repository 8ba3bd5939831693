// The account of who is signed in: who that is, the password, the sessions, the looks.
import type { PageProps } from "../pages";
import { fullTime, zone } from "../ui/format";
import { Card, Facts, Page } from "../ui/page";
import { Moment, now } from "../ui/time";
import { Waiting } from "../ui/waiting";
import { Looks } from "./looks";
import { Password } from "./password";
import { Sessions } from "./sessions";
import { account } from "./who";

function Clock() {
    return <span class="tabular-nums">{fullTime(new Date(now.value).toISOString())}</span>;
}

export function AccountPage(_: PageProps) {
    const me = account.value;
    return (
        <Page title="Account">
            {me ? (
                <Card>
                    <Facts
                        facts={[
                            ["Name", me.full_name || <span class="font-normal text-muted">none given</span>],
                            ["E-mail", me.primary_email],
                            ["Since", <Moment at={me.created} />],
                            ["Role", me.is_superuser ? "superuser" : "member"],
                        ]}
                    />
                </Card>
            ) : (
                <Waiting />
            )}
            <Sessions />
            <Password />
            <Looks />
            <Card title="Time">
                <p>
                    Times are shown in <span class="font-medium">{zone}</span>, the zone of this browser, where it is{" "}
                    <Clock />. Jobs have zones of their own.
                </p>
            </Card>
        </Page>
    );
}
