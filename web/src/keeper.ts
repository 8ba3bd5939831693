// A service worker that does one thing: it outlives a reload of the page, and holds the files that the page is sending until they are sent.
// It fetches nothing, and no page is under its control.

export interface Asked {
    keep?: { key: string; file: File };
    drop?: string;
    clear?: true;
    find?: string; // is answered
}

const files = new Map<string, File>();

addEventListener("install", () => void (globalThis as unknown as { skipWaiting(): Promise<void> }).skipWaiting());
addEventListener("message", ({ data, ports }: MessageEvent<Asked>) => {
    const { keep, drop, clear, find } = data;
    if (keep) files.set(keep.key, keep.file);
    if (drop) files.delete(drop);
    if (clear) files.clear();
    if (find) ports[0]?.postMessage(files.get(find));
});
