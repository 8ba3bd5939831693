// A channel as its clients hear it: the page's own stream of it, which can be cut and joined again, and what was missed meanwhile.
//
// An event's id is the channel and the event's number in the team's log. So what the channel should have told while the
// stream was cut can be looked up in the log, and compared with what came when the stream was back.
import { batch, signal } from "@preact/signals";
import type { EventSourceMessage } from "eventsource-parser";
import { all, api, body, type Channel, type LogEvent } from "../api/client";
import { Stream, type StreamState } from "../api/stream";
import { jobs } from "../live/team";
import type { Told } from "./told";

export interface Heard {
    key: number;
    n: number;
    id: string;
    told: Told;
    raw: string;
}

/** A time without the stream. */
export interface Gap {
    from: number; // the last number before it
    beganMs: number;
    endedMs?: number;
    /** Known when the log was asked: the log's last number at the end of the gap, and what the channel had to tell. */
    upto?: number;
    expected?: number[];
}

const SHOWN_MAX = 100;
const NUMBERS_MAX = 100_000;
const EARLIER = 20;
const LOG_END = Number.MAX_SAFE_INTEGER;
const TYPE = "view.refreshed";

async function logBefore(limit: number, type?: string[]): Promise<LogEvent[]> {
    return (await body(api.GET("/events", { params: { query: { before: LOG_END, limit, type } } }))).data;
}

const logEnd = async () => (await logBefore(1)).at(-1)?.n ?? 0;

/** Would this event be told to the channel's clients? */
function tells(channel: Channel, { subject, data }: LogEvent): boolean {
    const { added, removed, row_count } = data as Told;
    const follows = channel.job_ids.map((id) => jobs.value.get(id)).filter((job) => job?.view_name === subject);
    return follows.some((job) => {
        if (job?.notify === "changed") return added > 0 || removed > 0;
        return job?.notify === "always" || row_count > 0;
    });
}

export class Feed {
    readonly heard = signal<readonly Heard[]>([]); // newest first
    readonly numbers = signal<readonly number[]>([]); // of all that came, in their order
    readonly gaps = signal<readonly Gap[]>([]);
    readonly state = signal<StreamState>("connecting");
    readonly lastId = signal<string>("");
    readonly problem = signal<unknown>(null);
    readonly lost = signal(false); // the server no longer has what came behind the last id
    /** Up to this number all had happened before the page was opened. */
    before = 0;
    private stream: Stream | undefined;
    private over = false;
    private key = 0;

    constructor(private readonly channel: Channel) {
        this.start().catch((problem: unknown) => (this.problem.value = problem));
    }

    private async start(): Promise<void> {
        this.before = await logEnd();
        const [first] = await logBefore(EARLIER, [TYPE]);
        if (this.over) return;
        this.lastId.value = `${this.channel.public_identifier}:${first ? first.n - 1 : this.before}`;
        this.connect();
    }

    get connected(): boolean {
        return this.stream !== undefined;
    }

    connect(): void {
        if (this.stream || this.over) return;
        this.stream = new Stream(
            this.channel.listen_path,
            {
                message: (message) => this.take(message),
                state: (state) => this.turn(state),
                refused: (problem) => (this.problem.value = problem),
            },
            this.lastId.value,
        );
    }

    disconnect(): void {
        this.stream?.close();
        this.stream = undefined;
    }

    close(): void {
        this.over = true;
        this.disconnect();
    }

    private turn(state: StreamState): void {
        const was = this.state.value;
        this.state.value = state;
        if (this.over) return;
        const [gap] = this.gaps.value;
        if (was === "open" && state !== "open") {
            const from = Number(this.lastId.value.split(":")[1]);
            this.gaps.value = [{ from, beganMs: Date.now() }, ...this.gaps.value];
        } else if (state === "open" && gap && !gap.endedMs) {
            void this.measure({ ...gap, endedMs: Date.now() });
        }
    }

    private replace(gap: Gap): void {
        this.gaps.value = this.gaps.value.map((one) => (one.beganMs === gap.beganMs ? gap : one));
    }

    /** What was missed, by the log. */
    private async measure(gap: Gap): Promise<void> {
        this.replace(gap);
        try {
            const upto = await logEnd();
            const missed = await all((after) =>
                body(api.GET("/events", { params: { query: { after: Number(after ?? gap.from), type: [TYPE] } } })),
            );
            const expected = missed.filter((event) => event.n <= upto && tells(this.channel, event)).map(({ n }) => n);
            this.replace({ ...gap, upto, expected });
        } catch {
            // it can't be told how many there were; those that come are shown all the same
        }
    }

    private take({ event, id = "", data }: EventSourceMessage): void {
        if (event === "stream-reset") this.lost.value = true;
        if (id.startsWith(this.channel.public_identifier)) this.lastId.value = id;
        if (event && event !== "message") return;
        const n = Number(id.split(":")[1]);
        const one: Heard = { key: ++this.key, n, id, told: JSON.parse(data) as Told, raw: data };
        batch(() => {
            this.heard.value = [one, ...this.heard.value].slice(0, SHOWN_MAX);
            this.numbers.value = [...this.numbers.value, n].slice(-NUMBERS_MAX);
        });
    }
}

export const isCaughtUp = (n: number, gaps: readonly Gap[]) =>
    gaps.some(({ from, upto }) => upto !== undefined && n > from && n <= upto);
