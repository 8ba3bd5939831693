// Where the account is signed in, and ending that: one session, all others, or all.
import { LogOut, MonitorSmartphone } from "lucide-preact";
import { api, body, type Session } from "../api/client";
import { keep } from "../api/session";
import { useNews } from "../live/news";
import { usePaged } from "../live/paged";
import { reads } from "../live/team";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Failed } from "../ui/failed";
import { List, ListRow } from "../ui/list";
import { More } from "../ui/more";
import { Ago } from "../ui/time";
import { complain, tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import { agentText } from "./agent";

async function end(session: Session): Promise<void> {
    try {
        await api.DELETE("/auth/sessions/{id}", { params: { path: { id: session.id ?? "" } } });
        tell("That session is ended.");
    } catch (problem) {
        complain(problem);
    }
}

async function endOthers(): Promise<void> {
    try {
        await api.DELETE("/auth/sessions", { params: { query: { others: true } } });
        tell("All other sessions are ended.");
    } catch (problem) {
        complain(problem);
    }
}

async function endAll(): Promise<void> {
    try {
        await api.DELETE("/auth/sessions");
        keep(null);
        tell("You are signed out everywhere.");
    } catch (problem) {
        complain(problem);
    }
}

function Row({ session }: { session: Session }) {
    const name = agentText(session.user_agent);
    return (
        <ListRow
            icon={<MonitorSmartphone size={18} class="text-muted" aria-hidden="true" />}
            title={
                <span title={session.user_agent ?? undefined}>
                    {name} {session.current && <Badge tone="good">this one</Badge>}
                </span>
            }
            facts={
                <>
                    <span>from {session.from ?? "an unknown address"}</span>
                    <span>
                        signed in <Ago at={session.created} />
                    </span>
                    <span>
                        last renewed <Ago at={session.last_used} />
                    </span>
                </>
            }
            actions={
                !session.current && (
                    <Button small label={`End: ${name}`} onClick={() => void end(session)}>
                        End
                    </Button>
                )
            }
        />
    );
}

export function Sessions() {
    const { items, ready, more, problem, older, again } = usePaged<Session>(
        (after) => body(api.GET("/auth/sessions", { params: { query: { after } } })),
        reads.value,
    );
    useNews(({ type }) => type.startsWith("session.") && again());
    return (
        <section class="grid grid-cols-[minmax(0,1fr)] gap-3" aria-labelledby="sessions">
            <div class="flex flex-wrap items-center justify-between gap-2">
                <h2 id="sessions" class="text-lg font-semibold">
                    Signed in
                </h2>
                <div class="flex flex-wrap gap-2">
                    {items.length > 1 && (
                        <Button small onClick={() => void endOthers()}>
                            End all others
                        </Button>
                    )}
                    <Button small kind="danger" onClick={() => void endAll()}>
                        <LogOut size={16} aria-hidden="true" />
                        Sign out everywhere
                    </Button>
                </div>
            </div>
            <Failed problem={problem} again={again} />
            {!ready && !problem && <Waiting />}
            {ready && (
                <List label="Sessions">
                    {items.map((session) => (
                        <Row key={session.id} session={session} />
                    ))}
                </List>
            )}
            {more && <More text="Older sessions" onMore={older} />}
        </section>
    );
}
