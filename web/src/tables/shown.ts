// Which loads are worth a look: those that this tab began, and those of others that last.
import { computed, effect, signal } from "@preact/signals";
import { loads } from "../live/team";
import { noted } from "./notes";

const LASTING_MS = 1_500;

const lasting = signal<ReadonlySet<string>>(new Set());
const timers = new Map<string, number>(); // of what is under way

const runs = (id: string) => loads.peek().get(id)?.state === "running";

effect(() => {
    for (const { id, state } of loads.value.values()) {
        if (state !== "running" || timers.has(id)) continue;
        const look = () => runs(id) && (lasting.value = new Set([...lasting.peek(), id]));
        timers.set(id, window.setTimeout(look, LASTING_MS));
    }
    for (const [id, timer] of timers) {
        if (runs(id)) continue;
        clearTimeout(timer);
        timers.delete(id);
    }
    const still = [...lasting.peek()].filter(runs);
    if (still.length < lasting.peek().size) lasting.value = new Set(still);
});

export const shownLoads = computed(() =>
    [...loads.value.values()].filter(({ id }) => noted.value.has(id) || lasting.value.has(id)),
);
