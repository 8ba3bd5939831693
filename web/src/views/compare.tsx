// What changed between two versions, as green and red rows; live while the later one is the newest.
import { useEffect, useState } from "preact/hooks";
import type { View } from "../api/client";
import { Problem } from "../api/problem";
import { Failed } from "../ui/failed";
import { SelectField } from "../ui/field";
import { number } from "../ui/format";
import { Grid } from "../ui/grid";
import { Card } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { changesHref } from "./address";
import { Change } from "./change";
import { difference, type Difference } from "./difference";
import { useFlash } from "./flash";
import type { Version } from "./versions";

interface CompareProps {
    view: View;
    versions: readonly Version[];
    after: number;
    upto: number | null; // null: the newest, as it comes
}

interface Found {
    difference: Difference | null;
    problem: unknown;
    again: () => void;
}

function useDifference(view: View, after: number, upto: number): Found {
    const [found, show] = useState<Difference | null>(null);
    const [problem, fail] = useState<unknown>(null);
    const [tries, again] = useState(0);
    const { view_name: name, columns } = view;
    useEffect(() => {
        const call = new AbortController();
        difference(name, columns, after, upto, call.signal).then(
            (changes) => {
                if (call.signal.aborted) return;
                show(changes);
                fail(null);
            },
            (caught: unknown) => {
                if (call.signal.aborted) return;
                show(null);
                fail(caught);
            },
        );
        return () => call.abort();
    }, [name, after, upto, tries]);
    return { difference: found, problem, again: () => again((n) => n + 1) };
}

function Choice({ view, versions, after, upto }: CompareProps) {
    const name = view.view_name;
    const text = (n: number) => `Version ${number(n)}`;
    const all = versions.map(({ version }) => version);
    const go = (from: number, to: number | null) => (location.hash = changesHref(name, from, to ?? undefined));
    const earlier = new Set([...all.filter((n) => n < (upto ?? view.version)), after]);
    const later = new Set([...all.filter((n) => n > after), ...(upto === null ? [] : [upto])]);
    return (
        <div class="grid gap-3 sm:grid-cols-2">
            <SelectField
                label="From"
                value={String(after)}
                options={Array.from(earlier, (n) => [String(n), text(n)] as const)}
                onValue={(value) => go(Number(value), upto)}
            />
            <SelectField
                label="To"
                value={upto === null ? "newest" : String(upto)}
                options={[
                    ["newest", `The newest, now ${number(view.version)}`],
                    ...Array.from(later, (n) => [String(n), text(n)] as const),
                ]}
                onValue={(value) => go(after, value === "newest" ? null : Number(value))}
            />
        </div>
    );
}

function Gone({ problem, again }: { problem: unknown; again: () => void }) {
    const gone = problem instanceof Problem && problem.code === "changes_gone";
    if (!gone) return <Failed problem={problem} again={again} />;
    return (
        <p role="alert" class="rounded-lg border border-warn/60 bg-warn/10 px-4 py-3 text-sm">
            These two can't be compared: the differences are no longer kept, or the query got other columns in between.
            Choose a later version to begin with.
        </p>
    );
}

function Rows({ view, found, label }: { view: View; found: Difference; label: string }) {
    if (found.rows.length === 0) return <p class="p-6 text-center text-muted">No row came or went.</p>;
    return (
        <Grid
            columns={view.columns}
            count={found.rows.length}
            row={(i) => found.rows[i]?.row}
            tint={(i) => found.rows[i]?.change}
            label={label}
        />
    );
}

export function Compare(props: CompareProps) {
    const { view, after } = props;
    const upto = props.upto ?? view.version;
    const { difference: found, problem, again } = useDifference(view, after, upto);
    const flash = useFlash<HTMLSpanElement>(view.version);
    const title = `What changed from version ${number(after)} to ${number(upto)}`;
    return (
        <Card
            title={title}
            actions={
                <span ref={flash} class="rounded px-1" role="status">
                    {found && <Change added={found.added} removed={found.removed} />}
                </span>
            }
            flush
        >
            <div class="grid gap-3 p-4">
                <Choice {...props} />
                {problem !== null && <Gone problem={problem} again={again} />}
                {found && !found.complete && (
                    <p class="text-sm text-warn">
                        There are more: these are the first {number(found.rows.length)}, version by version.
                    </p>
                )}
            </div>
            {found ? (
                <div class="border-t border-line">
                    <Rows view={view} found={found} label={title} />
                </div>
            ) : (
                problem === null && <Waiting what="Comparing" />
            )}
        </Card>
    );
}
