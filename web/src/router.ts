// Where the person is: the part of the address behind the #, so that it never gets in the way of the API's paths.
import { computed, signal } from "@preact/signals";

const here = signal(location.hash);
addEventListener("hashchange", () => (here.value = location.hash));

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
