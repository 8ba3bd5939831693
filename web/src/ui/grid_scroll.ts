// Which part of a grid is seen. Browsers end a scroll height at some ten million pixels; beyond, the bar is a scale of the whole.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

export const ROW_PX = 34;
export const HEAD_PX = 50;
const TALL_MAX_PX = 8_000_000;
const SETTLED_MS = 200;

interface Seen {
    top: number; // in px of all rows, were they as tall as they are
    left: number;
    width: number;
    height: number; // with the head
}

export function useGridScroll(count: number) {
    const place = useRef<HTMLDivElement>(null);
    const [seen, show] = useState<Seen>({ top: 0, left: 0, width: 0, height: 0 });
    const now = useRef(seen);
    const bar = useRef(0); // where the bar was last
    const set = (change: Partial<Seen>) => show((now.current = { ...now.current, ...change }));

    const whole = count * ROW_PX;
    const tall = Math.min(whole, TALL_MAX_PX);
    const scaled = whole > tall;
    const body = () => Math.max(now.current.height - HEAD_PX, 0);
    const topMax = () => Math.max(whole - body(), 0);
    const barMax = () => Math.max(tall - body(), 1);

    /** Only the very ends of the rows are at the very ends of the bar. */
    const barOf = (top: number) => {
        if (!scaled || top <= 0) return top;
        if (top >= topMax()) return barMax();
        return Math.min(Math.max(Math.round((top / topMax()) * barMax()), 1), barMax() - 1);
    };
    const topOf = (at: number) => {
        if (!scaled) return at;
        if (at <= 0 || at >= barMax() - 0.5) return at <= 0 ? 0 : topMax();
        const moved = at - bar.current;
        const near = Math.abs(moved) < body(); // a finger or a wheel, not the bar
        return near ? now.current.top + moved : (at / barMax()) * topMax();
    };
    const align = () => {
        if (!place.current) return;
        place.current.scrollTop = barOf(now.current.top);
        bar.current = place.current.scrollTop;
    };
    const scrollTo = (top: number, left = now.current.left) => {
        set({ top: Math.min(Math.max(top, 0), topMax()), left: Math.max(left, 0) });
        if (place.current) place.current.scrollLeft = left;
        align();
    };

    const settle = useRef(0);
    const onScroll = () => {
        const { scrollTop = 0, scrollLeft = 0 } = place.current ?? {};
        const own = Math.abs(scrollTop - bar.current) < 1;
        const top = own ? now.current.top : Math.min(Math.max(topOf(scrollTop), 0), topMax());
        bar.current = scrollTop;
        set({ top, left: scrollLeft });
        clearTimeout(settle.current);
        if (scaled && !own) settle.current = window.setTimeout(align, SETTLED_MS);
    };

    useLayoutEffect(() => {
        const element = place.current;
        if (!element) return;
        const measure = () => set({ width: element.clientWidth, height: element.clientHeight });
        measure();
        const watch = new ResizeObserver(measure);
        watch.observe(element);
        return () => {
            watch.disconnect();
            clearTimeout(settle.current);
        };
    }, []);
    // Rows have come or gone: what is seen stays within them.
    useEffect(() => {
        if (now.current.top > topMax()) scrollTo(topMax());
        else align();
    }, [whole]);
    // On a scale the browser's own step would be a leap.
    useEffect(() => {
        const element = place.current;
        if (!element || !scaled) return;
        const onWheel = (event: WheelEvent) => {
            if (event.ctrlKey || event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
            const step = event.deltaMode === 1 ? ROW_PX : event.deltaMode === 2 ? body() : 1;
            const top = Math.min(Math.max(now.current.top + event.deltaY * step, 0), topMax());
            if (top === now.current.top) return; // the page may scroll on
            event.preventDefault();
            scrollTo(top);
        };
        element.addEventListener("wheel", onWheel, { passive: false });
        return () => element.removeEventListener("wheel", onWheel);
    }, [whole]);

    const first = Math.min(Math.floor(seen.top / ROW_PX), Math.max(count - 1, 0));
    const last = Math.min(Math.ceil((seen.top + Math.max(seen.height - HEAD_PX, 0)) / ROW_PX), count) - 1;
    return { place, seen, now, tall, first, last, body, scrollTo, onScroll };
}
