// One event of a channel, as a person reads it, and as a client gets it.
import { Badge } from "../ui/badge";
import { clockTime, fullTime, number, plural, zone } from "../ui/format";
import { changesHref } from "../views/address";
import { Change } from "../views/change";
import { ChangedRows } from "./changed_rows";
import type { Heard } from "./feed";
import type { Told } from "./told";

const link = "text-accent underline";

function Rows({ told }: { told: Told }) {
    const { view_name, version, changes, rows } = told;
    if (changes) return <ChangedRows label={`Rows that changed in version ${version}`} rows={changes} />;
    if (rows) return <ChangedRows label={`Rows of version ${version}`} rows={rows.map((row) => ({ row }))} />;
    const url = told.changes_url ?? told.rows_url;
    if (!url) return null;
    return (
        <p class="text-sm">
            There were more rows than an event may carry. A client reads them at <code class="break-all">{url}</code>,
            you{" "}
            <a class={link} href={changesHref(view_name, version - 1, version)}>
                in the view's history
            </a>
            .
        </p>
    );
}

function Raw({ one }: { one: Heard }) {
    return (
        <details class="text-sm">
            <summary class="cursor-pointer text-muted hover:text-fg">As it was sent</summary>
            <pre class="mt-1 overflow-x-auto rounded-lg bg-sunken p-3" tabIndex={0}>
                {`event: message\nid: ${one.id}\ndata: ${one.raw}`}
            </pre>
        </details>
    );
}

interface EventProps {
    one: Heard;
    mark: "caught up" | "earlier" | null;
}

export function ChannelEvent({ one, mark }: EventProps) {
    const { told } = one;
    return (
        <li class={`grid gap-2 px-4 py-3 ${mark === null ? "animate-flash" : ""}`} data-event={one.n}>
            <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <time
                    dateTime={told.refreshed_at}
                    title={`${fullTime(told.refreshed_at)} (${zone})`}
                    class="tabular-nums text-muted"
                >
                    {mark === "earlier" ? fullTime(told.refreshed_at) : clockTime(told.refreshed_at)}
                </time>
                <a
                    class="break-all font-medium hover:text-accent hover:underline"
                    href={changesHref(told.view_name, told.version - 1, told.version)}
                >
                    {told.view_name}
                </a>
                <span>version {number(told.version)}</span>
                <Change added={told.added} removed={told.removed} />
                <span class="text-muted">{plural(told.row_count, "row")}</span>
                {mark === "caught up" && <Badge tone="accent">caught up</Badge>}
                {mark === "earlier" && <Badge>before you came</Badge>}
                {told.columns_changed && <Badge tone="warn">other columns</Badge>}
            </div>
            <Rows told={told} />
            <Raw one={one} />
        </li>
    );
}
