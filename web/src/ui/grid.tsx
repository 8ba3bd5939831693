// A grid of rows of any number, and of columns: only what is seen is in the page.
import { useEffect, useId, useMemo, useRef, useState } from "preact/hooks";
import type { Column, Row } from "../api/client";
import { GridHead, GridRow, cellId, type Placed, type Sort, type Tint } from "./grid_cells";
import { GridFoot, WholeValue } from "./grid_value";
import { HEAD_PX, ROW_PX, useGridScroll } from "./grid_scroll";
import { copy } from "./code";
import { number } from "./format";
import { complain, tell } from "./toast";
import { columnWidths, grownWidths, valueText, wantedWidths } from "./value";

export type { Sort, Tint };

interface GridProps {
    columns: readonly Column[];
    count: number;
    /** A row of those, or undefined when it is not here yet: onRange tells what is wanted. */
    row: (i: number) => Row | undefined;
    onRange?: (first: number, last: number) => void;
    sort?: Sort | null;
    onSort?: (column: string) => void;
    tint?: (i: number) => Tint | undefined;
    label: string;
    height?: number; // at most, in px; else most of the window
}

export interface Cell {
    row: number; // -1: the head
    column: number;
}

const SAMPLE = 50;
const BAR_PX = 16;

/** Measured once there are rows, and then kept, so that nothing moves under the eye, unless what is seen can't be read. */
function useWanted(
    columns: readonly Column[],
    count: number,
    row: GridProps["row"],
    shown: readonly number[],
): number[] {
    const names = columns.map(({ column_name, column_type }) => `${column_name} ${column_type}`).join("\n");
    const seen = count === 0 || row(0) !== undefined;
    const rows = (numbers: readonly number[]) => numbers.map(row).filter((one) => one !== undefined);
    const kept = useMemo(() => {
        const sample = Array.from({ length: Math.min(count, SAMPLE) }, (_, i) => i);
        return { widths: wantedWidths(columns, rows(sample)) };
    }, [names, seen]);
    return (kept.widths = grownWidths(kept.widths, columns, rows(shown)));
}

function moved({ row, column }: Cell, event: KeyboardEvent, page: number, last: Cell): Cell | undefined {
    const far = event.ctrlKey || event.metaKey;
    switch (event.key) {
        case "ArrowUp":
            return { row: far ? 0 : row - 1, column };
        case "ArrowDown":
            return { row: far ? last.row : row + 1, column };
        case "ArrowLeft":
            return { row, column: far ? 0 : column - 1 };
        case "ArrowRight":
            return { row, column: far ? last.column : column + 1 };
        case "PageUp":
            return { row: Math.max(row - page, 0), column };
        case "PageDown":
            return { row: row + page, column };
        case "Home":
            return far ? { row: 0, column: 0 } : { row, column: 0 };
        case "End":
            return far ? last : { row, column: last.column };
    }
    return undefined;
}

const within = (n: number, least: number, most: number) => Math.max(Math.min(n, most), least);

export function Grid({ columns, count, row, onRange, sort, onSort, tint, label, height }: GridProps) {
    const id = useId();
    const { place, seen, now, tall, first, last, body, scrollTo, onScroll } = useGridScroll(count);
    const [active, activate] = useState<Cell | null>(null);
    const [whole, showWhole] = useState(false);
    const range = useRef("");

    const gutter = number(count).length * 8 + (tint ? 36 : 20);
    const shown = Array.from({ length: Math.max(last - first + 1, 0) }, (_, i) => first + i);
    const widths = columnWidths(useWanted(columns, count, row, shown), seen.width - gutter);
    const lefts = [0];
    for (const width of widths) lefts.push((lefts.at(-1) ?? 0) + width);
    const wide = gutter + (lefts.at(-1) ?? 0);
    const placed: Placed[] = columns
        .map((column, index) => ({ column, index, left: (lefts[index] ?? 0) - seen.left, width: widths[index] ?? 0 }))
        .filter(({ left, width }) => left + width > 0 && gutter + left < seen.width);

    useEffect(() => {
        const wanted = `${first} ${last} ${count}`;
        if (last < first || wanted === range.current) return;
        range.current = wanted;
        onRange?.(first, last);
    });

    const reveal = ({ row, column }: Cell) => {
        const { top, left, width } = now.current;
        const y = row * ROW_PX;
        const x = lefts[column] ?? 0;
        const room = width - gutter;
        const right = x + Math.min(widths[column] ?? 0, room);
        scrollTo(row < 0 ? top : within(top, y + ROW_PX - body(), y), within(left, right - room, x));
    };
    const choose = (cell: Cell) => {
        place.current?.focus({ preventScroll: true });
        const next = { row: within(cell.row, -1, count - 1), column: within(cell.column, 0, columns.length - 1) };
        activate(next);
        reveal(next);
    };
    const value = active && active.row >= 0 ? row(active.row)?.[columns[active.column]?.column_name ?? ""] : undefined;

    const onKeyDown = (event: KeyboardEvent) => {
        const from = active ?? { row: 0, column: 0 };
        const page = Math.max(Math.floor(body() / ROW_PX) - 1, 1);
        const next = moved(from, event, page, { row: count - 1, column: columns.length - 1 });
        if (next) choose(active || !event.key.startsWith("Arrow") ? next : from);
        else if (event.key === "c" && (event.ctrlKey || event.metaKey) && value !== undefined) {
            if (getSelection()?.toString()) return; // the browser copies that
            copy(valueText(value)).then(() => tell("The value is copied."), complain);
        } else if (event.key === "Enter" && active) {
            if (active.row < 0) onSort?.(columns[active.column]?.column_name ?? "");
            else if (value !== undefined) showWhole(true);
        } else return;
        event.preventDefault();
    };

    const common = { id, placed, gutter };
    const full = HEAD_PX + tall + (wide > seen.width ? BAR_PX : 0);
    return (
        <div class="min-w-0">
            <div
                ref={place}
                role="grid"
                aria-label={label}
                aria-rowcount={count + 1}
                aria-colcount={columns.length + 1}
                aria-activedescendant={active ? cellId(id, active.row, active.column) : undefined}
                tabIndex={0}
                class="group relative overflow-auto overscroll-x-contain outline-none"
                style={{ height: full, maxHeight: height ? `${height}px` : "max(16rem, 68vh)" }}
                onScroll={onScroll}
                onKeyDown={onKeyDown}
                onFocus={(event) => {
                    if (!active && count > 0 && event.currentTarget.matches(":focus-visible"))
                        activate({ row: 0, column: 0 });
                }}
            >
                <div role="presentation" style={{ width: wide, height: HEAD_PX + tall }}>
                    <div
                        role="presentation"
                        class="sticky left-0 top-0 overflow-hidden after:pointer-events-none after:absolute after:inset-0 after:z-20 after:border-2 after:border-accent after:opacity-0 group-focus-visible:after:opacity-100"
                        style={{ width: seen.width, height: seen.height }}
                    >
                        <GridHead
                            {...common}
                            sort={sort}
                            onSort={onSort}
                            active={active?.row === -1 ? active.column : null}
                            choose={(column) => choose({ row: -1, column })}
                        />
                        <div
                            role="presentation"
                            class="overflow-hidden"
                            style={{ height: Math.max(seen.height - HEAD_PX, 0) }}
                        >
                            <div role="rowgroup" style={{ transform: `translateY(${first * ROW_PX - seen.top}px)` }}>
                                {shown.map((i) => (
                                    <GridRow
                                        key={i}
                                        {...common}
                                        index={i}
                                        row={row(i)}
                                        tint={tint?.(i)}
                                        active={active?.row === i ? active.column : null}
                                        choose={(column) => choose({ row: i, column })}
                                        show={() => showWhole(true)}
                                    />
                                ))}
                            </div>
                        </div>
                    </div>
                </div>
            </div>
            <GridFoot
                count={count}
                cell={active && active.row >= 0 ? active : null}
                column={active ? columns[active.column] : undefined}
                value={value}
                show={() => showWhole(true)}
            />
            {whole && active && (
                <WholeValue
                    title={`${columns[active.column]?.column_name} of row ${active.row + 1}`}
                    value={value}
                    close={() => showWhole(false)}
                />
            )}
        </div>
    );
}
