// The four kinds of things, each with its colour and sign wherever it is shown.
import { CalendarClock, Radio, ScanEye, Table2 } from "lucide-preact";

export type Kind = "table" | "view" | "job" | "channel";

const kinds = {
    table: { icon: Table2, colour: "text-table" },
    view: { icon: ScanEye, colour: "text-view" },
    job: { icon: CalendarClock, colour: "text-job" },
    channel: { icon: Radio, colour: "text-channel" },
};

export function KindIcon({ kind, size = 18 }: { kind: Kind; size?: number }) {
    const { icon: Icon, colour } = kinds[kind];
    return (
        <span class={colour} aria-hidden="true">
            <Icon size={size} />
        </span>
    );
}
