// Small reads over 64 connections, against nginx's static file of the same size.
import { Nginx } from "./nginx.mjs";
import { channelNew, Ours } from "./ours.mjs";
import { folderNew, folderRemove, progress } from "./process.mjs";
import { wrk } from "./wrk.mjs";

const RUNS = 3;

async function body(ours, where) {
    const answer = await fetch(ours.url(where), { headers: { Authorization: ours.authorization } });
    return answer.text();
}

export async function* measure() {
    const folder = folderNew();
    const ours = await Ours.start();
    const { channel } = await channelNew(ours);
    const shown = `/channels/${channel}/`;
    const texts = { health: await body(ours, "/health"), channel: await body(ours, shown) };
    const nginx = await Nginx.start({ files: texts });
    const request = { headers: { Authorization: ours.authorization } };
    const samples = { health: [], channel: [], nginxHealth: [], nginxChannel: [] };
    for (let run = 0; run < RUNS; run++) {
        progress(`reads: run ${run + 1} of ${RUNS}`);
        samples.health.push(await wrk(ours.url("/health")));
        samples.nginxHealth.push(await wrk(nginx.url("/health")));
        samples.channel.push(await wrk(ours.url(shown), { folder, request }));
        samples.nginxChannel.push(await wrk(nginx.url("/channel"), { folder, request }));
    }
    await nginx.stop();
    await ours.stop();
    folderRemove(folder);
    const peer = (of) => ({ name: "nginx static file, 2 workers", samples: of });
    const unit = "requests/s";
    yield {
        what: `GET /health (${texts.health.length} bytes)`,
        unit,
        ours: samples.health,
        peer: peer(samples.nginxHealth),
        aim: ">= 1",
    };
    yield {
        what: `GET /channels/{id}/ (${texts.channel.length} bytes), token and record checked`,
        unit,
        ours: samples.channel,
        peer: peer(samples.nginxChannel),
        aim: ">= 1",
    };
}
