// Lights something up for a moment when what it shows has changed.
import { useEffect, useRef } from "preact/hooks";

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** For the element that shows `of`. What is there from the start does not flash, unless it is `fresh`. */
export function useFlash<T extends HTMLElement>(of: unknown, fresh = false) {
    const place = useRef<T>(null);
    const first = useRef(!fresh);
    useEffect(() => {
        if (!first.current && !still.matches) {
            const lit = getComputedStyle(document.documentElement).getPropertyValue("--accent");
            const frames = [{ backgroundColor: `rgb(${lit} / 0.3)` }, { backgroundColor: `rgb(${lit} / 0)` }];
            place.current?.animate(frames, { duration: 1_500, easing: "ease-out" });
        }
        first.current = false;
    }, [of]);
    return place;
}
