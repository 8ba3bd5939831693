// The files that are being sent, held by a worker that outlives a reload of the page. Where there is none (a page that came without
// TLS from another machine), or the browser was closed meanwhile, a file must be chosen again.
import type { Asked } from "../keeper";

declare const KEEPER: string; // where the worker's script is

const AWAKE_MS = 10_000; // a worker that hears nothing for 30 s is ended
const ANSWER_MS = 3_000;

const kept = new Set<string>();
let awake: number | undefined;

const activated = (worker: ServiceWorker): Promise<ServiceWorker> =>
    new Promise((resolve, reject) => {
        const look = () => {
            if (worker.state === "activated") resolve(worker);
            if (worker.state === "redundant") reject(new Error("The worker has ended."));
        };
        worker.addEventListener("statechange", look);
        look();
    });

async function keeper(): Promise<ServiceWorker | undefined> {
    try {
        const { installing, waiting, active } = await navigator.serviceWorker.register(KEEPER);
        const worker = installing ?? waiting ?? active;
        return worker ? await activated(worker) : undefined;
    } catch {
        return undefined;
    }
}

async function tell(asked: Asked, answer?: MessagePort): Promise<void> {
    (await keeper())?.postMessage(asked, answer ? [answer] : []);
}

/** As long as there is something to hold. */
function stayAwake(): void {
    if (kept.size > 0) awake ??= window.setInterval(() => void tell({}), AWAKE_MS);
    else {
        clearInterval(awake);
        awake = undefined;
    }
}

export function keepFile(key: string, file: File): void {
    kept.add(key);
    stayAwake();
    void tell({ keep: { key, file } });
}

/** Undefined: it is lost. */
export function keptFile(key: string): Promise<File | undefined> {
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve) => {
        port1.onmessage = ({ data }: MessageEvent<File | undefined>) => resolve(data);
        setTimeout(() => resolve(undefined), ANSWER_MS);
        void tell({ find: key }, port2);
    });
}

export function dropFile(key: string): void {
    if (!kept.delete(key)) return;
    stayAwake();
    void tell({ drop: key });
}

export function dropFiles(): void {
    if (kept.size === 0) return;
    kept.clear();
    stayAwake();
    void tell({ clear: true });
}
