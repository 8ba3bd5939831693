// Samples, and the table they are printed in.

export function median(samples) {
    const sorted = [...samples].sort((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The smallest sample that is not below `percent` of them. */
export function percentile(samples, percent) {
    const sorted = [...samples].sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)];
}

/** Three digits that count. */
export function short(n) {
    if (n === 0) return "0";
    const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(n))));
    return n.toFixed(Math.min(digits, 3)).replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");
}

const spread = (samples) => `${short(Math.min(...samples))} to ${short(Math.max(...samples))}`;

/**
 * One line of the table.
 *   what: the measure; unit: of all numbers
 *   ours: samples
 *   peer: {name, samples}, or limit: a number that is aimed at
 *   aim: text, how the ratio should be
 */
export function rowText({ what, unit, ours, peer, limit, aim }) {
    const mine = median(ours);
    let other = "";
    let ratio = "";
    let spreads = `${spread(ours)} (${ours.length})`;
    if (peer) {
        const theirs = median(peer.samples);
        other = `${short(theirs)} ${unit} ${peer.name}`;
        ratio = short(mine / theirs);
        spreads += `; peer ${spread(peer.samples)} (${peer.samples.length})`;
    } else if (limit !== undefined) {
        other = `${short(limit)} ${unit}`;
        ratio = short(mine / limit);
    }
    if (aim) ratio += ` (aim ${aim})`;
    return `| ${what} | ${short(mine)} ${unit} | ${other} | ${ratio} | ${spreads} |`;
}

export const head = "| measure | ours | peer or limit | ratio | spread: min to max (runs) |\n|---|---|---|---|---|";

export function failureText(name, problem) {
    return `| ${name} | failed: ${problem.message.replaceAll("|", "\\|").replace(/\s+/g, " ").slice(0, 600)} | | | |`;
}
