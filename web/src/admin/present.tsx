// The server now: itself, what its engines are asked, and their processes.
import { Square } from "lucide-preact";
import { api, type Processes, type RunningQuery } from "../api/client";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { bytes, duration, number } from "../ui/format";
import { List, ListRow } from "../ui/list";
import { Card, Facts } from "../ui/page";
import { Sheet, type SheetColumn } from "../ui/sheet";
import { Ago, now } from "../ui/time";
import { complain, tell } from "../ui/toast";
import { Waiting } from "../ui/waiting";
import { TeamName } from "./team_name";
import type { Status, Watch } from "./watch";

type Process = Processes["processes"][number];

async function cancel({ id, kind }: RunningQuery): Promise<void> {
    try {
        await api.DELETE("/admin/queries/{id}", { params: { path: { id: String(id) } } });
        tell(`Cancelled: ${kind}. Whoever asked is told so.`);
    } catch (problem) {
        complain(problem);
    }
}

function Query({ watch, status, query }: { watch: Watch; status: Status; query: RunningQuery }) {
    const ms = query.seconds * 1_000 + Math.max(0, now.value - status.atMs);
    return (
        <ListRow
            title={
                <>
                    {query.kind} {query.subject && <span class="break-all font-mono text-sm">{query.subject}</span>}
                </>
            }
            facts={
                <>
                    <TeamName watch={watch} id={query.team} />
                    <span class="tabular-nums">for {duration(ms)}</span>
                    {query.waiting && <Badge tone="warn">waiting for its turn</Badge>}
                </>
            }
            actions={
                <Button
                    small
                    kind="danger"
                    label={`Cancel: ${query.kind} ${query.subject ?? ""}`.trim()}
                    onClick={() => void cancel(query)}
                >
                    <Square size={14} aria-hidden="true" />
                    Cancel
                </Button>
            }
        >
            {query.sql && (
                <pre
                    class="max-h-40 overflow-auto whitespace-pre-wrap break-words rounded-lg bg-sunken p-3"
                    tabIndex={0}
                >
                    {query.sql}
                </pre>
            )}
        </ListRow>
    );
}

function processColumns(watch: Watch, most: number): readonly SheetColumn<Process>[] {
    return [
        { title: "Team", cell: ({ team }) => <TeamName watch={watch} id={team} /> },
        { title: "Process", figure: true, cell: ({ pid }) => pid },
        {
            title: "Memory",
            figure: true,
            cell: ({ memory_bytes }) => (
                <span class="inline-flex items-center gap-2">
                    <span class="hidden h-2 w-24 overflow-hidden rounded bg-sunken sm:inline-block" aria-hidden="true">
                        <span class="block h-full bg-accent" style={{ width: `${(100 * memory_bytes) / most}%` }} />
                    </span>
                    {bytes(memory_bytes)}
                </span>
            ),
        },
        { title: "Works on", figure: true, cell: ({ calls }) => number(calls) },
        { title: "Started", cell: ({ started }) => <Ago at={started} /> },
    ];
}

export function Present({ watch }: { watch: Watch }) {
    const status = watch.status.value;
    if (!status) return <Waiting />;
    const { server, processes, queries } = status;
    const most = Math.max(1, ...processes.map(({ memory_bytes }) => memory_bytes));
    const total = processes.reduce((sum, { memory_bytes }) => sum + memory_bytes, server.memory_bytes);
    return (
        <>
            <Card title="Server">
                <Facts
                    facts={[
                        ["Version", server.version],
                        ["Process", String(server.pid)],
                        ["Started", <Ago at={server.started} />],
                        ["Memory", bytes(server.memory_bytes)],
                        ["With its engines", bytes(total)],
                        ["Streams", number(server.streams)],
                        ["Open files", number(server.descriptors)],
                    ]}
                />
            </Card>
            <section class="grid grid-cols-[minmax(0,1fr)] gap-3" aria-labelledby="queries">
                <h2 id="queries" class="text-lg font-semibold">
                    Running queries
                </h2>
                {queries.length > 0 ? (
                    <List label="Running queries">
                        {queries.map((query) => (
                            <Query key={query.id} watch={watch} status={status} query={query} />
                        ))}
                    </List>
                ) : (
                    <p class="text-muted">
                        None right now. One that takes longer than a moment appears here by itself.
                    </p>
                )}
            </section>
            <Card title={`Engine processes (${number(processes.length)})`} flush>
                {processes.length > 0 ? (
                    <Sheet
                        label="Engine processes"
                        columns={processColumns(watch, most)}
                        items={processes}
                        keyOf={({ pid }) => pid}
                    />
                ) : (
                    <p class="p-4 text-muted">
                        None: a team's process is started when it is first asked for something.
                    </p>
                )}
            </Card>
        </>
    );
}
