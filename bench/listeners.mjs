// Listeners: what an idle one costs, how fast an event reaches ten thousand, and how soon it reaches one.
import { Crowd } from "./crowd.mjs";
import { Nginx } from "./nginx.mjs";
import { channelNew, Ours } from "./ours.mjs";
import { family, memory, pause, progress, quiet } from "./process.mjs";
import { median, percentile } from "./table.mjs";

const COUNT = Number(process.env.BENCH_LISTENERS || 10_000);
const RUNS = 3;
const ROUNDS = 10; // publishes of a run
const ALONE = 300; // publishes to a single listener
const SETTLE_MS = 2_000;

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const resident = (pids) => sum(pids.map((pid) => memory(pid).rss));
/** From the first arrival to the last. */
const deliveries = (round) => (COUNT / (round.last - round.first)) * 1e6;

/** {each: bytes a listener, rounds without the first}; `serving` gives the processes that have the streams. */
async function crowdRun(server, requests, serving) {
    const before = resident(serving());
    const crowd = await Crowd.open(server, { count: COUNT, rounds: ROUNDS + 1, ...requests });
    await pause(SETTLE_MS);
    const each = (resident(serving()) - before) / COUNT;
    const rounds = await crowd.publish();
    await crowd.close();
    await pause(SETTLE_MS); // until the server has noticed that they are gone
    return { each, rounds: rounds.slice(1) };
}

async function one(server, requests, rounds) {
    const crowd = await Crowd.open(server, { count: 1, rounds, ...requests });
    const told = await crowd.publish();
    await crowd.close();
    return told;
}

const ourRequests = (ours, channel) => ({
    listen: ours.request("GET", `/channels/${channel}/listen/`),
    publish: ours.request("POST", "/views/pulse/refresh/"),
});

const nginxRequests = (nginx, data) => ({
    listen: nginx.request("GET", "/listen"),
    publish: nginx.request("POST", "/publish", data),
});

async function oursRun() {
    await quiet();
    const ours = await Ours.start();
    const { channel } = await channelNew(ours);
    const requests = ourRequests(ours, channel);
    const alone = await one(ours, requests, ALONE + 20);
    const crowd = await crowdRun(ours, requests, () => [ours.pid]);
    await ours.stop();
    return { ...crowd, alone: alone.slice(20) };
}

async function nginxRun(data) {
    await quiet();
    const nginx = await Nginx.start();
    const requests = nginxRequests(nginx, data);
    const crowd = await crowdRun(nginx, requests, () => family(nginx.pid));
    await nginx.stop();
    return crowd;
}

/** From the `refreshed_at` that the event carries, read before its commit begins, to its arrival. */
function commitToByte(round) {
    const { refreshed_at } = JSON.parse(round.data);
    const [, second, fraction] = /^(.*?)(?:\.(\d+))?Z$/.exec(refreshed_at);
    return (round.firstWall - Date.parse(`${second}Z`) * 1_000 - Number((fraction ?? "").padEnd(6, "0"))) / 1_000;
}

/** One number a run: the median of its publishes. */
const medians = (runs, pick) => runs.map((run) => median(run.rounds.map(pick)));

export async function* measure() {
    const ours = [];
    const nchan = [];
    for (let run = 0; run < RUNS; run++) {
        progress(`listeners: run ${run + 1} of ${RUNS}`);
        ours.push(await oursRun());
        nchan.push(await nginxRun(ours[0].rounds[0].data));
    }
    const crowd = COUNT.toLocaleString("en");
    const name = "nginx+nchan, 2 workers";
    const each = ours.map((run) => run.each);
    const what = `resident memory of an idle listener, of ${crowd}`;
    yield { what, unit: "B", ours: each, limit: 4_096, aim: "<= 1" };
    yield { what, unit: "B", ours: each, peer: { name, samples: nchan.map((run) => run.each) } };
    yield {
        what: `fan-out to ${crowd} listeners, first arrival to last`,
        unit: "deliveries/s",
        ours: medians(ours, deliveries),
        peer: { name, samples: medians(nchan, deliveries) },
        aim: ">= 1.2",
    };
    yield {
        what: `request to publish until the last of ${crowd} arrivals (ours: with the refresh)`,
        unit: "ms",
        ours: medians(ours, (round) => round.last / 1_000),
        peer: { name, samples: medians(nchan, (round) => round.last / 1_000) },
    };
    const alone = (of, pick) => ours.map((run) => of(run.alone.map(pick)));
    const byte = "before the commit of a refresh (`refreshed_at`) to the listener's byte, 1 listener";
    const last = (samples) => percentile(samples, 99);
    yield { what: `${byte}: median`, unit: "ms", ours: alone(median, commitToByte), limit: 1, aim: "<= 1" };
    yield { what: `${byte}: 99th percentile`, unit: "ms", ours: alone(last, commitToByte) };
    yield {
        what: "the refresh's answer to the listener's byte, 1 listener (negative: the event comes first): median",
        unit: "ms",
        ours: alone(median, (round) => (round.first - round.answered) / 1_000),
    };
    yield {
        what: "request of a refresh to the listener's byte, 1 listener: median",
        unit: "ms",
        ours: alone(median, (round) => round.first / 1_000),
    };
}
