// The cells of a grid: the head that sorts, the rows, and the number before each.
import type { ComponentChildren } from "preact";
import { ArrowDown, ArrowUp, ChevronsUpDown } from "lucide-preact";
import type { Column, Row } from "../api/client";
import { number } from "./format";
import { HEAD_PX, ROW_PX } from "./grid_scroll";
import { isNumber, valueShort } from "./value";

export interface Sort {
    column: string;
    descending: boolean;
}
export type Tint = "added" | "removed";

/** A column that is seen: which, and where. */
export interface Placed {
    column: Column;
    index: number;
    left: number;
    width: number;
}

interface CommonProps {
    id: string; // of the grid: the cells' are made of it
    placed: readonly Placed[];
    gutter: number;
    active: number | null; // the column, where the cell is in this row
    choose: (column: number) => void;
}

export const cellId = (id: string, row: number, column: number) => `${id}-${row}-${column}`;
const ring = "outline outline-2 -outline-offset-2 outline-accent";

interface HeadProps extends CommonProps {
    sort?: Sort | null;
    onSort?: (column: string) => void;
}

function Direction({ sort, name }: { sort?: Sort | null; name: string }) {
    if (sort?.column !== name) return <ChevronsUpDown size={14} class="shrink-0 opacity-60" aria-hidden="true" />;
    const Icon = sort.descending ? ArrowDown : ArrowUp;
    return <Icon size={14} class="shrink-0 text-accent" aria-hidden="true" />;
}

function HeadText({ column, children }: { column: Column; children?: ComponentChildren }) {
    const end = isNumber(column.column_type);
    return (
        <span class={`grid min-w-0 leading-5 ${end ? "text-right" : ""}`}>
            <span class={`flex min-w-0 items-center gap-1 font-semibold ${end ? "justify-end" : ""}`}>
                <span class="truncate">{column.column_name}</span>
                {children}
            </span>
            <span class="truncate font-mono text-xs font-normal text-muted">{column.column_type}</span>
        </span>
    );
}

export function GridHead({ id, placed, gutter, active, choose, sort, onSort }: HeadProps) {
    return (
        <div role="rowgroup">
            <div
                role="row"
                aria-rowindex={1}
                class="relative border-b border-edge/50 bg-sunken"
                style={{ height: HEAD_PX }}
            >
                {placed.map(({ column, index, left, width }) => {
                    const name = column.column_name;
                    const state = sort?.column === name ? (sort.descending ? "descending" : "ascending") : "none";
                    const looks = `h-full w-full px-3 text-left ${isNumber(column.column_type) ? "justify-end" : ""}`;
                    return (
                        <div
                            key={index}
                            id={cellId(id, -1, index)}
                            role="columnheader"
                            aria-colindex={index + 2}
                            aria-sort={onSort && state}
                            class={`absolute top-0 h-full text-sm ${active === index ? ring : ""}`}
                            style={{ left: gutter + left, width }}
                        >
                            {onSort ? (
                                <button
                                    type="button"
                                    tabIndex={-1}
                                    title={`Sort by ${name}`}
                                    class={`flex items-center hover:text-accent ${looks}`}
                                    onClick={() => {
                                        choose(index);
                                        onSort(name);
                                    }}
                                >
                                    <HeadText column={column}>
                                        <Direction sort={sort} name={name} />
                                    </HeadText>
                                </button>
                            ) : (
                                <div class={`flex items-center ${looks}`} title={name}>
                                    <HeadText column={column} />
                                </div>
                            )}
                        </div>
                    );
                })}
                <div
                    role="columnheader"
                    aria-colindex={1}
                    class="absolute left-0 top-0 z-10 h-full border-r border-edge/50 bg-sunken"
                    style={{ width: gutter }}
                >
                    <span class="sr-only">Row</span>
                </div>
            </div>
        </div>
    );
}

function Value({ value }: { value: unknown }) {
    if (value === null || value === undefined) return <span class="text-xs italic text-muted">NULL</span>;
    return <>{valueShort(value)}</>;
}

interface RowProps extends CommonProps {
    index: number;
    row: Row | undefined; // not here yet
    tint: Tint | undefined;
    show: () => void;
}

const tints = { added: "bg-good/10", removed: "bg-bad/10" };
const signs = {
    added: { text: "+", colour: "text-good" },
    removed: { text: "−", colour: "text-bad" },
};

function Gutter({ index, gutter, tint }: { index: number; gutter: number; tint: Tint | undefined }) {
    return (
        <div
            role="rowheader"
            aria-colindex={1}
            class="absolute left-0 top-0 z-10 flex h-full items-center justify-between gap-1 border-r border-line bg-sunken px-2 text-xs tabular-nums text-muted"
            style={{ width: gutter }}
        >
            <span class={`text-base font-semibold ${tint ? signs[tint].colour : ""}`} aria-hidden="true">
                {tint && signs[tint].text}
            </span>
            {tint && <span class="sr-only">{tint}</span>}
            {number(index + 1)}
        </div>
    );
}

export function GridRow({ id, index, row, placed, gutter, active, choose, tint, show }: RowProps) {
    return (
        <div
            role="row"
            aria-rowindex={index + 2}
            aria-busy={row ? undefined : true}
            class={`relative border-b border-line ${tint ? tints[tint] : "hover:bg-sunken/70"}`}
            style={{ height: ROW_PX }}
        >
            {placed.map(({ column, index: at, left, width }) => (
                <div
                    key={at}
                    id={cellId(id, index, at)}
                    role="gridcell"
                    aria-colindex={at + 2}
                    aria-selected={active === at}
                    class={`absolute top-0 cursor-default truncate px-3 text-sm tabular-nums ${
                        isNumber(column.column_type) ? "text-right" : ""
                    } ${active === at ? ring : ""}`}
                    style={{ left: gutter + left, width, height: ROW_PX, lineHeight: `${ROW_PX}px` }}
                    onClick={() => choose(at)}
                    onDblClick={show}
                >
                    {row ? (
                        <Value value={row[column.column_name]} />
                    ) : (
                        <span class="inline-block h-3 w-2/3 animate-pulse rounded bg-line align-middle">
                            <span class="sr-only">Loading</span>
                        </span>
                    )}
                </div>
            ))}
            <Gutter index={index} gutter={gutter} tint={tint} />
        </div>
    );
}
