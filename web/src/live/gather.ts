// Gathers what is asked for within a moment, so that a burst of events asks the server once for each thing.
export class Gather {
    private readonly waiting = new Map<string, () => Promise<void>>();
    private timer = 0;
    private running = 0;

    constructor(
        private readonly delayMs: number,
        private readonly wide: number,
    ) {}

    /** Of calls with the same key the last one is made. */
    ask(key: string, work: () => Promise<void>): void {
        this.waiting.set(key, work);
        this.timer ||= window.setTimeout(() => {
            this.timer = 0;
            this.next();
        }, this.delayMs);
    }

    clear(): void {
        clearTimeout(this.timer);
        this.timer = 0;
        this.waiting.clear();
    }

    private next(): void {
        for (const [key, work] of this.waiting) {
            if (this.running >= this.wide) return;
            this.waiting.delete(key);
            this.running++;
            void work()
                .catch(() => undefined) // the next event, or the next start of the stream, asks again
                .finally(() => {
                    this.running--;
                    this.next();
                });
        }
    }
}
