// A small table: a line for each thing, scrolled sideways inside itself where it is too wide.
import type { ComponentChildren } from "preact";
import { Fragment } from "preact";

export interface SheetColumn<T> {
    title: string;
    cell: (item: T) => ComponentChildren;
    figure?: boolean; // to the right, its digits below each other
}

interface SheetProps<T> {
    label: string;
    columns: readonly SheetColumn<T>[];
    items: readonly T[];
    keyOf: (item: T) => string | number;
    /** More to say of one, below its line. */
    below?: (item: T) => ComponentChildren;
    bad?: (item: T) => boolean;
}

export function Sheet<T>({ label, columns, items, keyOf, below, bad }: SheetProps<T>) {
    return (
        <div class="relative overflow-x-auto" tabIndex={0} role="region" aria-label={label}>
            <table class="w-full text-sm">
                <thead class="text-muted">
                    <tr>
                        {columns.map(({ title, figure }) => (
                            <th
                                key={title}
                                scope="col"
                                class={`whitespace-nowrap px-3 py-2 font-medium ${figure ? "text-right" : "text-left"}`}
                            >
                                {title}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {items.map((item) => {
                        const more = below?.(item);
                        const ground = bad?.(item) ? "bg-bad/5" : "";
                        return (
                            <Fragment key={keyOf(item)}>
                                <tr class={`border-t border-line ${ground}`}>
                                    {columns.map(({ title, figure, cell }) => (
                                        <td
                                            key={title}
                                            class={`whitespace-nowrap px-3 py-1.5 ${figure ? "text-right tabular-nums" : ""}`}
                                        >
                                            {cell(item)}
                                        </td>
                                    ))}
                                </tr>
                                {more && (
                                    <tr class={ground}>
                                        <td colSpan={columns.length} class="break-words px-3 pb-2">
                                            {more}
                                        </td>
                                    </tr>
                                )}
                            </Fragment>
                        );
                    })}
                </tbody>
            </table>
        </div>
    );
}
