// Where the person is: the part of the address behind the #, so that it never gets in the way of the API's paths.
import { computed, signal } from "@preact/signals";

type Guard = (next: string) => boolean;

const here = signal(location.hash);
let asked: Guard | undefined;

/** Which of the browser's entries this is, where the browser tells. */
const entry = () =>
    (window as { navigation?: { currentEntry: { index: number } | null } }).navigation?.currentEntry?.index;
let shown = entry();

/** Back to the entry that is shown, so that the way here stays as it was. */
function stay(): void {
    const now = entry();
    if (now === undefined || shown === undefined || now === shown) history.replaceState(null, "", here.value || "#/");
    else history.go(shown - now);
}

addEventListener("hashchange", () => {
    const next = location.hash;
    if (next !== here.value && asked?.(next)) return stay();
    shown = entry();
    here.value = next;
});

/** While it is there, `ask` is asked before another place is shown: with true the person stays where they are. */
export function guard(ask: Guard): () => void {
    asked = ask;
    return () => {
        if (asked === ask) asked = undefined;
    };
}

/** "#/tables/a%20b?sort=x" is the path ["tables", "a b"] with its query. */
export const path = computed(() => {
    const [steps = ""] = here.value.replace(/^#\/?/, "").split("?");
    return steps.split("/").filter(Boolean).map(decode);
});
export const query = computed(() => new URLSearchParams(here.value.split("?")[1] ?? ""));

function decode(step: string): string {
    try {
        return decodeURIComponent(step);
    } catch {
        return step;
    }
}

export function to(...steps: (string | number)[]): string {
    return `#/${steps.map((step) => encodeURIComponent(step)).join("/")}`;
}

export function go(...steps: (string | number)[]): void {
    location.hash = to(...steps);
}
