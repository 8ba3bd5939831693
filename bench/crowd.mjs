// A crowd of listeners: what crowd.c does, in steps.
import { Process, tool } from "./process.mjs";

export class Crowd {
    /** `server` is ours or nginx; `listen` and `publish` are raw requests. */
    static async open(server, { count, rounds, listen, publish }) {
        const crowd = new Crowd();
        crowd.rounds = rounds;
        crowd.process = new Process(tool("crowd"), [server.port, count, rounds, listen, publish].map(String));
        const [, us] = (await crowd.process.next()).split(" ");
        crowd.openSeconds = Number(us) / 1e6;
        return crowd;
    }

    /** Publishes, one at a time; all times in microseconds since the request was sent, `firstWall` since 1970. */
    async publish() {
        const rounds = [];
        this.process.child.stdin.write("go\n");
        for (let i = 0; i < this.rounds; i++) {
            const [, answered, first, last, firstWall, ...data] = (await this.process.next()).split(" ");
            rounds.push({
                answered: Number(answered),
                first: Number(first),
                last: Number(last),
                firstWall: Number(firstWall),
                data: data.join(" "),
            });
        }
        return rounds;
    }

    async close() {
        this.process.child.stdin.end();
        await this.process.ended;
    }
}
