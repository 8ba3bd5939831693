// The account that is signed in.
import { signal } from "@preact/signals";
import { api, body, type Account } from "../api/client";

export const account = signal<Account | null>(null);

export async function readAccount(): Promise<void> {
    try {
        account.value = await body(api.GET("/auth/users/me"));
    } catch {
        account.value = null; // the frame does without it; the stream says what is wrong
    }
}

export function forgetAccount(): void {
    account.value = null;
}
