// A team by its name where that is known, else by the beginning of its id.
import { useEffect } from "preact/hooks";
import type { Watch } from "./watch";

export function TeamName({ watch, id }: { watch: Watch; id: string }) {
    const name = watch.names.value.get(id);
    useEffect(() => watch.seek(id), [id]);
    return <span title={id}>{name ?? <code>{id.slice(0, 8)}</code>}</span>;
}
