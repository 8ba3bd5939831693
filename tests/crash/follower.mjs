// A listener that comes back for ever from where it was, keeps all that it heard, and can be held against the log.
import { Listener } from "../api/sse.mjs";

class Ear extends Listener {
    constructor(follower, options) {
        super(follower.server.url + follower.path, options);
        this.follower = follower;
    }

    take(block) {
        super.take(block);
        for (const event of this.events.splice(0)) this.follower.hear(event);
    }
}

export class Follower {
    /** `restless`: a Chance by which it hangs up by itself. */
    constructor(me, name, path, lastEventId, { restless } = {}) {
        Object.assign(this, { me, server: me.server, name, path, lastEventId, restless });
        this.heard = [];
        this.strange = [];
        this.opened = 0;
        this.running = this.run();
    }

    hear(event) {
        if (event.event === "stream-open") this.opened++;
        if (event.event === "stream-reset" || event.event === "stream-error") this.strange.push(event.text);
        if (event.id && event.event === "message") {
            this.lastEventId = event.id;
            this.heard.push({ n: Number(event.id.split(":").at(-1)), data: event.data });
        }
        if (this.restless?.one(40)) this.stream.abort.abort();
    }

    async run() {
        while (!this.stopped) {
            this.stream = new Ear(this, { token: this.me.access, lastEventId: this.lastEventId });
            const open = await this.stream.open().catch(() => undefined);
            if (this.stopped) this.stream.abort.abort();
            if (open?.status === 200) await this.stream.ended;
            else if (open && open.status < 500) this.strange.push(`${open.status} ${JSON.stringify(open.body)}`);
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    }

    async stop() {
        this.stopped = true;
        this.stream?.abort.abort();
        await this.running;
    }

    last() {
        return this.heard.at(-1)?.n ?? 0;
    }

    /** Holds what was heard against the numbers that should have been, all of them up to the last one. */
    count(numbers) {
        const heard = this.heard.map(({ n }) => n).filter((n) => n <= (numbers.at(-1) ?? 0));
        const seen = new Set(heard);
        const due = new Set(numbers);
        return {
            heard: heard.length,
            lost: numbers.filter((n) => !seen.has(n)).length,
            repeated: heard.length - seen.size,
            disordered: heard.filter((n, i) => i && n < heard[i - 1]).length,
            strange: this.strange.length + [...seen].filter((n) => !due.has(n)).length,
        };
    }
}
