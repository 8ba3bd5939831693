// Makes accounts, signs them in, renews their tokens and signs them out, without pause; knows who has to be let in.
import { call, PASSWORD } from "../api/client.mjs";
import { until } from "../api/harness.mjs";

export class Registrar {
    constructor({ server, chance, tally }) {
        Object.assign(this, { server, chance, tally });
        this.people = []; // {email, access, refresh, out}
        this.acknowledged = 0;
        this.made = 0;
    }

    async run() {
        this.halted = false;
        while (!this.halted && (await this.step()));
    }

    ask(path, json) {
        return call(this.server, "POST", `/auth/${path}/`, { json });
    }

    async step() {
        const inside = this.people.filter((person) => person.access && !person.out);
        const what = inside.length ? this.chance.weighed({ join: 3, renew: 3, leave: 1 }) : "join";
        const person = what === "join" ? { email: `p${++this.made}@example.com` } : this.chance.pick(inside);
        this.pending = { what, person };
        try {
            await this[what](person);
        } catch (problem) {
            if (problem.name === "TypeError") return false; // no connection: a kill
            throw problem;
        }
        this.pending = undefined;
        return true;
    }

    acknowledge(reply, status) {
        if (reply.status !== status) throw new Error(`${this.pending.what} answered ${reply.status}`);
        this.acknowledged++;
        this.tally.acknowledged++;
        return reply.body;
    }

    async join(person) {
        this.acknowledge(await this.ask("users/register", { primary_email: person.email, password: PASSWORD }), 201);
        this.people.push(person);
        await this.enter(person);
    }

    async enter(person) {
        const tokens = await this.ask("tokens/obtain", { primary_email: person.email, password: PASSWORD });
        Object.assign(person, this.acknowledge(tokens, 200));
    }

    async renew(person) {
        Object.assign(person, this.acknowledge(await this.ask("tokens/refresh", { refresh: person.refresh }), 200));
    }

    async leave(person) {
        this.acknowledge(await this.ask("tokens/blacklist", { refresh: person.refresh }), 205);
        person.out = true;
    }

    async isIn(person) {
        const reply = await call(this.server, "GET", "/auth/users/me/", { token: person.access });
        return reply.status === 200 && reply.body.primary_email === person.email;
    }

    /** What was under way may have been done or not; all else is as it was acknowledged. */
    async settle() {
        const { what, person } = this.pending ?? {};
        this.pending = undefined;
        if (what === "join" && !this.people.includes(person)) {
            const again = await this.ask("users/register", { primary_email: person.email, password: PASSWORD });
            if (again.status === 201) this.tally.undone++;
            else this.tally.finished++;
            this.people.push(person);
        }
        if (what === "leave") person.out = !(await this.isIn(person));
        if (what === "renew" && !(await this.isIn(person))) this.lose(`the session of ${person.email}, being renewed`);
        if (what && !person.out) await this.enter(person); // a token that was being renewed may be spent
        await this.check();
    }

    async check() {
        for (const person of this.people.filter(({ access }) => access)) {
            const inside = await this.isIn(person);
            if (inside === Boolean(person.out)) this.lose(`${person.email} is ${inside ? "still in" : "out"}`);
        }
        // Sessions of long ago are looked at once more, and then left alone.
        if (this.people.length > 40) this.people.splice(0, 10);
        await until(async () => (await call(this.server, "GET", "/ready")).status === 200, "the server to be ready");
    }

    lose(what) {
        this.tally.lost++;
        throw new Error(`lost: ${what}`);
    }
}
