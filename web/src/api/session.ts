// Who is signed in: the tokens, kept for all tabs of this browser, renewed before they run out and once when they are refused.
import { computed, signal } from "@preact/signals";
import { exclusively } from "./lock";
import { problemOf } from "./problem";

interface Tokens {
    access: string;
    refresh: string;
    /** How their renewal will be named, by whichever tab: should its answer be lost with the page, it is asked for again. */
    renewal?: string;
}

const KEY = "tinydevcrm.tokens";
const EARLY_MS = 20_000; // renewed so long before the end

const kept = signal<Tokens | null>(read());

/** Why the last session ended, if not by the person here. */
export const ended = signal<string | null>(null);
export const signedIn = computed(() => kept.value !== null);

function read(): Tokens | null {
    try {
        const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "null");
        if (found && typeof found === "object" && "access" in found && "refresh" in found) return found as Tokens;
    } catch {
        // not ours
    }
    return null;
}

const random = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export function keep(tokens: Tokens | null): void {
    const named = tokens && { ...tokens, renewal: random() };
    if (named) localStorage.setItem(KEY, JSON.stringify(named));
    else localStorage.removeItem(KEY);
    kept.value = named;
    if (named) ended.value = null;
}

/** Another tab has signed in or out, or has renewed. */
addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) kept.value = read();
});

function claims(access: string): { exp?: number; sub?: string } {
    const payload = access.split(".")[1] ?? "";
    try {
        return JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/"))) as { exp?: number; sub?: string };
    } catch {
        return {};
    }
}

const expires = (access: string) => (claims(access).exp ?? 0) * 1000;
const ownerOf = (access: string) => claims(access).sub ?? null;

/** The account's id. */
export const who = computed(() => (kept.value ? ownerOf(kept.value.access) : null));

/** The clock here may be wrong: what it says is a hint, and a 401 has the last word. */
const fresh = (tokens: Tokens) => expires(tokens.access) - Date.now() > EARLY_MS;

async function renew(stale: string): Promise<string | null> {
    return exclusively("tinydevcrm.renew", async () => {
        const tokens = read();
        if (tokens?.access !== kept.value?.access) kept.value = tokens;
        if (!tokens) return null;
        if (ownerOf(tokens.access) !== ownerOf(stale)) return null; // somebody else has signed in
        if (tokens.access !== stale) return tokens.access; // another tab was first
        // Another tab may have renewed just now, and what it kept not be seen here yet: this is then the same renewal.
        const answer = await fetch("/auth/tokens/refresh/", {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify({ refresh: tokens.refresh, renewal: tokens.renewal }),
        });
        if (answer.ok) {
            const next = (await answer.json()) as Tokens;
            keep(next);
            return next.access;
        }
        if (answer.status === 401) {
            keep(null);
            ended.value = "Your session has ended. Sign in again.";
            return null;
        }
        throw new TypeError("The session can't be renewed now.");
    });
}

/** An access token that is good now, or null when nobody is signed in. */
export async function access(): Promise<string | null> {
    const tokens = kept.value;
    if (!tokens) return null;
    return fresh(tokens) || expires(tokens.access) === 0 ? tokens.access : renew(tokens.access);
}

/** After a 401 to `stale`: another one, or null. */
export function accessAfter(stale: string): Promise<string | null> {
    const now = kept.value?.access;
    const renewed = now && now !== stale && ownerOf(now) === ownerOf(stale);
    return renewed ? Promise.resolve(now) : renew(stale);
}

/** fetch in the name of who is signed in. */
export async function authorized(request: Request): Promise<Response> {
    const again = request.clone();
    const token = await access();
    if (token) request.headers.set("authorization", `Bearer ${token}`);
    const answer = await fetch(request);
    if (answer.status !== 401 || !token) return answer;
    const next = await accessAfter(token);
    if (!next) return answer;
    again.headers.set("authorization", `Bearer ${next}`);
    return fetch(again);
}

/** Another password ends all sessions and begins one here. Meanwhile nobody renews the one that ends. */
export async function changePassword(current_password: string, new_password: string): Promise<void> {
    await access();
    await exclusively("tinydevcrm.renew", async () => {
        const answer = await fetch("/auth/users/me/password/", {
            method: "POST",
            headers: { "content-type": "application/json", authorization: `Bearer ${read()?.access ?? ""}` },
            body: JSON.stringify({ current_password, new_password }),
        });
        if (!answer.ok) throw await problemOf(answer);
        keep((await answer.json()) as Tokens);
    });
}

export async function signOut(): Promise<void> {
    const tokens = kept.value;
    keep(null);
    if (!tokens) return;
    await fetch("/auth/tokens/blacklist/", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ refresh: tokens.refresh }),
    });
}
