// The rows of a view as they are now; those that a new version brings are lit up.
import { RowsCard } from "../tables/rows_card";
import { useFresh } from "./fresh";
import type { TabProps } from "./view";

export function RowsTab({ view }: TabProps) {
    const fresh = useFresh(view);
    return (
        <RowsCard
            kind="views"
            name={view.view_name}
            of={view}
            none="Nothing fits the query now. When something does, it stands here, and channels tell it."
            tint={(row) => (fresh(row) ? "added" : undefined)}
        />
    );
}
