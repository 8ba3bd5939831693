// The versions of a view, and what changed between any two of them.
import { useState } from "preact/hooks";
import { number, duration, plural } from "../ui/format";
import { query } from "../router";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Failed } from "../ui/failed";
import { Card } from "../ui/page";
import { Moment } from "../ui/time";
import { Waiting } from "../ui/waiting";
import { changesHref } from "./address";
import { Change } from "./change";
import { Compare } from "./compare";
import { useFlash } from "./flash";
import { useVersions, type Version, type Versions } from "./versions";
import type { TabProps } from "./view";

function whole(text: string | null): number | null {
    const n = Number(text);
    return text !== null && Number.isInteger(n) && n > 0 ? n : null;
}

interface LineProps {
    name: string;
    one: Version;
    here: boolean;
    newest: boolean;
    fresh: boolean; // it came while the page was open
}

function Line({ name, one, here, newest, fresh }: LineProps) {
    const flash = useFlash<HTMLLIElement>(one.version, fresh);
    const { version, refreshed_at, row_count, added, removed, duration_ms, reset } = one;
    const first = version === 1 || reset;
    const title = (
        <>
            Version {number(version)}
            {newest && <Badge tone="accent">newest</Badge>}
            {reset && version > 1 && <Badge title="The query got other columns">new columns</Badge>}
        </>
    );
    const looks = "flex flex-wrap items-center gap-x-2 gap-y-1 font-medium";
    return (
        <li ref={flash} class={`relative grid gap-0.5 px-4 py-2.5 ${here ? "bg-accent/10" : "hover:bg-sunken/70"}`}>
            <div class="flex flex-wrap items-center justify-between gap-x-3">
                {first ? (
                    <span class={looks}>{title}</span>
                ) : (
                    <a
                        href={changesHref(name, version - 1, version)}
                        aria-current={here ? "true" : undefined}
                        title={`What changed with version ${version}`}
                        class={`${looks} text-accent after:absolute after:inset-0`}
                    >
                        {title}
                    </a>
                )}
                {first ? (
                    <span class="text-sm text-muted">{version === 1 ? "first" : "begins anew"}</span>
                ) : (
                    <Change added={added} removed={removed} />
                )}
            </div>
            <div class="flex flex-wrap gap-x-3 text-sm text-muted">
                <Moment at={refreshed_at} />
                <span>{plural(row_count, "row")}</span>
                <span>took {duration(duration_ms)}</span>
            </div>
        </li>
    );
}

interface ListProps {
    name: string;
    versions: Versions;
    list: readonly Version[];
    chosen: number | null;
}

function List({ name, versions, list, chosen }: ListProps) {
    const [opened] = useState(list[0]?.version ?? 0);
    return (
        <Card title="Versions" flush>
            <ol aria-label="Versions, newest first" class="max-h-[26rem] divide-y divide-line overflow-y-auto">
                {list.map((one, i) => (
                    <Line
                        key={one.version}
                        name={name}
                        one={one}
                        here={one.version === chosen}
                        newest={i === 0}
                        fresh={one.version > opened}
                    />
                ))}
                {versions.more && (
                    <li class="grid justify-items-center p-3">
                        <Button small onClick={versions.further}>
                            Older ones
                        </Button>
                    </li>
                )}
            </ol>
        </Card>
    );
}

function Anew({ version }: { version: number }) {
    return (
        <Card title="What changed">
            <p class="text-muted">
                {version === 1
                    ? "This is its first version."
                    : "With this version the query got other columns: its rows can't be compared with those before."}{" "}
                When a refresh finds other rows, the next version stands beside it, with the rows that came in green and
                those that went in red.
            </p>
        </Card>
    );
}

export function HistoryTab({ view }: TabProps) {
    const versions = useVersions(view);
    const { list, problem, again } = versions;
    if (!list) return problem ? <Failed problem={problem} again={again} /> : <Waiting />;
    const upto = whole(query.value.get("upto"));
    const asked = whole(query.value.get("after"));
    const shown = upto ?? view.version;
    const after = asked ?? shown - 1;
    const began = Math.max(list.find(({ reset }) => reset)?.version ?? 1, 1);
    return (
        <div class="grid min-w-0 items-start gap-4 lg:grid-cols-[20rem_minmax(0,1fr)]">
            <div class="grid min-w-0 gap-3">
                <Failed problem={problem} again={again} />
                <List
                    name={view.view_name}
                    versions={versions}
                    list={list}
                    chosen={after === shown - 1 ? shown : null}
                />
            </div>
            {asked === null && shown <= began ? (
                <Anew version={shown} />
            ) : (
                <Compare
                    view={view}
                    versions={list.filter(({ version }) => version >= began)}
                    after={after}
                    upto={upto}
                />
            )}
        </div>
    );
}
