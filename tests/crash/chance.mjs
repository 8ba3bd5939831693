// Chance that can be had again: numbers from a seed.

export class Chance {
    constructor(seed) {
        this.state = seed >>> 0;
    }

    /** At least 0, less than 1. */
    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    }

    /** A whole number from `least` to `most`. */
    int(least, most) {
        return least + Math.floor(this.next() * (most - least + 1));
    }

    /** True once in `n` times. */
    one(n) {
        return this.int(1, n) === 1;
    }

    pick(list) {
        return list[this.int(0, list.length - 1)];
    }

    /** A name of {name: weight}. */
    weighed(weights) {
        let left = this.next() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
        for (const [name, weight] of Object.entries(weights)) {
            left -= weight;
            if (left < 0) return name;
        }
        return Object.keys(weights)[0];
    }

    /** One that goes its own way. */
    branch() {
        return new Chance(this.int(0, 0xffffffff));
    }
}
