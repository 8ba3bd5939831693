// All teams, and what they have.
import { api, body, type SeenTeam } from "../api/client";
import { usePaged } from "../live/paged";
import { Failed } from "../ui/failed";
import { bytes, number } from "../ui/format";
import { More } from "../ui/more";
import { Card } from "../ui/page";
import { Sheet, type SheetColumn } from "../ui/sheet";
import { Ago } from "../ui/time";
import { Waiting } from "../ui/waiting";
import type { Watch } from "./watch";

const columns: readonly SheetColumn<SeenTeam>[] = [
    { title: "Team", cell: ({ id, name }) => <span title={id}>{name}</span> },
    { title: "Tables", figure: true, cell: ({ tables }) => number(tables) },
    { title: "Views", figure: true, cell: ({ views }) => number(views) },
    { title: "Jobs", figure: true, cell: ({ jobs }) => number(jobs) },
    { title: "Channels", figure: true, cell: ({ channels }) => number(channels) },
    { title: "Size", figure: true, cell: (team) => bytes(team.bytes) },
    { title: "Log entries", figure: true, cell: ({ last_event }) => number(last_event) },
    { title: "Last entry", cell: ({ last_event_at }) => <Ago at={last_event_at} /> },
    { title: "Made", cell: ({ created }) => <Ago at={created} /> },
];

export function Teams({ watch }: { watch: Watch }) {
    const { items, ready, more, problem, older, again } = usePaged<SeenTeam>(
        (after) => body(api.GET("/admin/teams", { params: { query: { after } } })),
        watch.lists.value,
    );
    if (problem) return <Failed problem={problem} again={again} />;
    if (!ready) return <Waiting />;
    return (
        <Card flush>
            <Sheet label="Teams, the newest first" columns={columns} items={items} keyOf={({ id }) => id} />
            {more && <More text="Older teams" onMore={older} />}
        </Card>
    );
}
