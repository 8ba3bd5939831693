// The names of tables and views with their signs, each a link to its page.
import { tables } from "../live/team";
import { to } from "../router";
import { KindIcon } from "../ui/kind";
import { viewHref } from "./address";

export function RelationLink({ name }: { name: string }) {
    const table = tables.value.has(name);
    return (
        <a
            class="inline-flex max-w-full items-center gap-1 break-all text-accent underline"
            href={table ? to("tables", name) : viewHref(name)}
        >
            <KindIcon kind={table ? "table" : "view"} size={14} />
            {name}
        </a>
    );
}

export function RelationLinks({ names, none = "nothing" }: { names: readonly string[]; none?: string }) {
    if (names.length === 0) return <span class="font-normal text-muted">{none}</span>;
    return (
        <span class="flex flex-wrap gap-x-3 gap-y-1">
            {names.map((name) => (
                <RelationLink key={name} name={name} />
            ))}
        </span>
    );
}
