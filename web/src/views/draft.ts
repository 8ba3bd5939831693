// A query that is being written: kept in this browser, for this account, until it is saved or thrown away.
import { useEffect, useState } from "preact/hooks";
import { account } from "../account/who";

export interface Draft {
    text: string;
    unsaved: boolean;
    /** Another one when the text comes from elsewhere than the editor. */
    turn: string;
    /** As it is typed. */
    set: (text: string) => void;
    /** In the place of what was typed. */
    put: (text: string) => void;
    /** Back to what is saved. */
    drop: () => void;
}

/** `name` is the view's, or "" for a new one. */
const keyOf = (name: string) => `tinydevcrm.draft.${account.value?.id ?? ""}.${name}`;

function read(key: string): string | null {
    try {
        return localStorage.getItem(key);
    } catch {
        return null;
    }
}

export function forgetDraft(name: string): void {
    keep(keyOf(name), null);
}

function keep(key: string, text: string | null): void {
    try {
        if (text === null) localStorage.removeItem(key);
        else localStorage.setItem(key, text);
    } catch {
        // no room: it is kept as long as the page is open
    }
}

export function useDraft(name: string, saved: string): Draft {
    const key = keyOf(name);
    const [draft, change] = useState(() => read(key));
    const [turns, turn] = useState(0);
    const set = (text: string | null) => {
        keep(key, text);
        change(text);
    };
    const put = (text: string | null) => {
        set(text);
        turn((n) => n + 1);
    };
    useEffect(() => {
        if (draft === saved) set(null);
    }, [draft, saved]);
    return {
        text: draft ?? saved,
        unsaved: draft !== null && draft !== saved,
        turn: `${turns} ${saved}`,
        set,
        put,
        drop: () => put(null),
    };
}
