// The team's log: all that happened, as it happens, and back to the oldest that is kept.
import { useState } from "preact/hooks";
import type { PageProps } from "../pages";
import { Failed } from "../ui/failed";
import { SelectField } from "../ui/field";
import { More } from "../ui/more";
import { Empty, Page } from "../ui/page";
import { Waiting } from "../ui/waiting";
import { useEntries } from "./entries";
import { Entry } from "./entry";
import { filters } from "./types";

export function Log(_: PageProps) {
    const [filter, choose] = useState("");
    const { entries, before, ready, problem, older } = useEntries(filter);
    return (
        <Page
            title="Log"
            intro="All that happened to what your team has, numbered without a gap. New entries come on top by themselves."
        >
            <div class="max-w-xs">
                <SelectField label="Show" value={filter} options={filters} onValue={choose} />
            </div>
            <Failed problem={problem} />
            {!ready && !problem ? (
                <Waiting />
            ) : entries.length === 0 ? (
                <Empty title="Nothing of this kind">When something of it happens, it is here at once.</Empty>
            ) : (
                <div class="overflow-hidden rounded-xl border border-line bg-surface">
                    <ol class="divide-y divide-line" aria-label="Entries, the newest first">
                        {entries.map((event) => (
                            <Entry key={event.n} event={event} />
                        ))}
                    </ol>
                    {before !== null ? (
                        <More text="Older entries" onMore={older} />
                    ) : (
                        <p class="border-t border-line px-4 py-3 text-sm text-muted">
                            This is the oldest that is kept.
                        </p>
                    )}
                </div>
            )}
        </Page>
    );
}
