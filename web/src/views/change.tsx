// How many rows came and went.
import { number } from "../ui/format";

interface ChangeProps {
    added: number | null | undefined;
    removed: number | null | undefined;
}

export function Change({ added, removed }: ChangeProps) {
    if (added === null || added === undefined || removed === null || removed === undefined) return null;
    if (added === 0 && removed === 0) return <span class="whitespace-nowrap text-muted">no change</span>;
    return (
        <span class="whitespace-nowrap font-medium tabular-nums">
            <span class="sr-only">{`${number(added)} added, ${number(removed)} removed`}</span>
            <span aria-hidden="true">
                {added > 0 && <span class="text-good">+{number(added)}</span>}
                {added > 0 && removed > 0 && " "}
                {removed > 0 && <span class="text-bad">−{number(removed)}</span>}
            </span>
        </span>
    );
}
