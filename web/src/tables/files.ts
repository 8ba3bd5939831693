// The files that are being sent, kept by the browser, so that a reload of the page does not lose them.
const STORE = "files";
const KEEP_MS = 24 * 3_600_000; // as long as the server keeps an upload that nobody continues

interface Kept {
    file: File;
    at: number;
}

const answered = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error("The browser keeps nothing."));
    });

function opened(): Promise<IDBDatabase> {
    const request = indexedDB.open("tinydevcrm", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return answered(request);
}

/** What a browser that keeps nothing is asked for is undefined. */
async function ask<T>(mode: IDBTransactionMode, run: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
    try {
        const database = await opened();
        try {
            return await answered(run(database.transaction(STORE, mode).objectStore(STORE)));
        } finally {
            database.close();
        }
    } catch {
        return undefined; // no room, or a private window: the file is chosen again
    }
}

export const keepFile = (key: string, file: File) =>
    ask("readwrite", (store) => store.put({ file, at: Date.now() } satisfies Kept, key));

/** Undefined: it is not there, or can't be read any more. */
export async function keptFile(key: string): Promise<File | undefined> {
    const kept = await ask("readonly", (store) => store.get(key) as IDBRequest<Kept | undefined>);
    if (!kept) return undefined;
    return kept.file
        .slice(-1)
        .arrayBuffer()
        .then(
            () => kept.file,
            () => undefined,
        );
}

export const dropFile = (key: string) => ask("readwrite", (store) => store.delete(key));
export const dropFiles = () => ask("readwrite", (store) => store.clear());

/** Those of pages that were closed. */
export async function dropOldFiles(): Promise<void> {
    const keys = (await ask("readonly", (store) => store.getAllKeys())) ?? [];
    for (const key of keys) {
        const kept = await ask("readonly", (store) => store.get(key) as IDBRequest<Kept | undefined>);
        if (kept && kept.at < Date.now() - KEEP_MS) await dropFile(String(key));
    }
}
