// One tab at a time: Web Locks where the page has them (secure contexts), else a mark in localStorage that runs out.
const HELD_MS = 10_000;
const LOOK_MS = 50;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function marked<T>(name: string, work: () => Promise<T>): Promise<T> {
    const me = Math.random().toString(36).slice(2);
    const holder = () => {
        const [who, until] = (localStorage.getItem(name) ?? "").split(" ");
        return Number(until) > Date.now() ? who : undefined;
    };
    for (;;) {
        if (!holder()) {
            localStorage.setItem(name, `${me} ${Date.now() + HELD_MS}`);
            await pause(LOOK_MS); // whoever wrote last has it
        }
        if (holder() === me) break;
        await pause(LOOK_MS);
    }
    try {
        return await work();
    } finally {
        if (holder() === me) localStorage.removeItem(name);
    }
}

export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    return "locks" in navigator ? await navigator.locks.request(name, work) : marked(name, work);
}
